"""A small JSON Schema validator: exactly the keywords that the node's documents use, and an error for any
other.

An unknown keyword is an error, so that a rule which this file does not check can never pass for checked.
"""

import re

ANNOTATIONS = {
    "$schema",
    "$id",
    "$defs",
    "definitions",
    "title",
    "description",
    "examples",
    "default",
    "format",
    "version",
    "deprecated",
    "$comment",
    "components",
    "contentEncoding",
}
TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "null": lambda v: v is None,
}


class Invalid(AssertionError):
    """The value does not follow the schema."""


class Schema:
    def __init__(self, document):
        self.document = document

    def validate(self, value, schema=None, place="$"):
        schema = self.document if schema is None else schema
        if schema is True:
            return
        if schema is False:
            raise Invalid("%s: nothing is allowed here" % place)
        for keyword, rule in schema.items():
            if keyword in ANNOTATIONS or keyword.startswith("x-"):
                continue
            check = getattr(self, "_" + keyword.strip("$"), None)
            if check is None:
                raise NotImplementedError("JSON Schema keyword %s at %s" % (keyword, place))
            check(rule, value, place, schema)

    def _accepts(self, value, schema, place):
        try:
            self.validate(value, schema, place)
            return True
        except Invalid:
            return False

    def resolve(self, reference):
        assert reference.startswith("#/") or reference == "#", (
            "only references inside the document: %s" % reference
        )
        target = self.document
        for part in reference[2:].split("/") if len(reference) > 1 else []:
            target = target[part.replace("~1", "/").replace("~0", "~")]
        return target

    def _ref(self, rule, value, place, _):
        self.validate(value, self.resolve(rule), place)

    def _type(self, rule, value, place, _):
        names = rule if isinstance(rule, list) else [rule]
        if not any(TYPES[name](value) for name in names):
            raise Invalid("%s: %r is not %s" % (place, value, " or ".join(names)))

    def _const(self, rule, value, place, _):
        if value != rule:
            raise Invalid("%s: %r is not %r" % (place, value, rule))

    def _enum(self, rule, value, place, _):
        if value not in rule:
            raise Invalid("%s: %r is not one of %r" % (place, value, rule))

    def _pattern(self, rule, value, place, _):
        if isinstance(value, str) and not re.search(rule, value):
            raise Invalid("%s: %r does not match %s" % (place, value, rule))

    def _minimum(self, rule, value, place, _):
        if TYPES["number"](value) and value < rule:
            raise Invalid("%s: %r is less than %r" % (place, value, rule))

    def _maximum(self, rule, value, place, _):
        if TYPES["number"](value) and value > rule:
            raise Invalid("%s: %r is more than %r" % (place, value, rule))

    def _minLength(self, rule, value, place, _):
        if isinstance(value, str) and len(value) < rule:
            raise Invalid("%s: %r is shorter than %d" % (place, value, rule))

    def _maxLength(self, rule, value, place, _):
        if isinstance(value, str) and len(value) > rule:
            raise Invalid("%s: %r is longer than %d" % (place, value, rule))

    def _minItems(self, rule, value, place, _):
        if isinstance(value, list) and len(value) < rule:
            raise Invalid("%s: fewer than %d items" % (place, rule))

    def _maxItems(self, rule, value, place, _):
        if isinstance(value, list) and len(value) > rule:
            raise Invalid("%s: more than %d items" % (place, rule))

    def _items(self, rule, value, place, _):
        if isinstance(value, list):
            for number, item in enumerate(value):
                self.validate(item, rule, "%s[%d]" % (place, number))

    def _properties(self, rule, value, place, _):
        if isinstance(value, dict):
            for name, part in rule.items():
                if name in value:
                    self.validate(value[name], part, "%s.%s" % (place, name))

    def _required(self, rule, value, place, _):
        if isinstance(value, dict):
            for name in rule:
                if name not in value:
                    raise Invalid("%s: %s is missing" % (place, name))

    def _additionalProperties(self, rule, value, place, schema):
        if isinstance(value, dict):
            for name in value:
                if name not in schema.get("properties", {}):
                    self.validate(value[name], rule, "%s.%s" % (place, name))

    def _oneOf(self, rule, value, place, _):
        matching = sum(self._accepts(value, part, place) for part in rule)
        if matching != 1:
            raise Invalid("%s: %d of %d alternatives match %r" % (place, matching, len(rule), value))

    def _anyOf(self, rule, value, place, _):
        if not any(self._accepts(value, part, place) for part in rule):
            raise Invalid("%s: no alternative matches %r" % (place, value))

    def _allOf(self, rule, value, place, _):
        for part in rule:
            self.validate(value, part, place)

    def _not(self, rule, value, place, _):
        if self._accepts(value, rule, place):
            raise Invalid("%s: %r is what must not be" % (place, value))

    def _if(self, rule, value, place, schema):
        branch = "then" if self._accepts(value, rule, place) else "else"
        if branch in schema:
            self.validate(value, schema[branch], place)

    def _then(self, *_):
        """Checked by _if."""

    _else = _then


def validate_event(schema, message):
    """An event, as its line holds it, against schema/events.json: the line, then its data by its type."""
    message = {name: value for name, value in message.items() if name != "sub"}
    schema.validate(message)
    ENVELOPE.validate(message)
    definition = "#/$defs/" + message["type"]
    try:
        data = schema.resolve(definition)
    except KeyError:
        raise Invalid("no event has the type %s" % message["type"]) from None
    if message["v"] != data["x-version"]:
        raise Invalid("%s has version %d, not %r" % (message["type"], data["x-version"], message["v"]))
    schema.validate(message["data"], data, message["type"])


# The line around the data, as src/store/event_log.h gives it.
ENVELOPE = Schema(
    {
        "type": "object",
        "properties": {
            "seq": {"type": "integer", "minimum": 1},
            "block": {"type": "integer", "minimum": 0},
            "ts": {"type": "integer", "minimum": 0},
            "type": {"type": "string"},
            "v": {"type": "integer", "minimum": 1},
            "subject": {"type": "string", "pattern": "^[a-z]+/"},
            "data": {"type": "object"},
            "last": {"type": "boolean"},
            "hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        },
        "required": ["seq", "block", "ts", "type", "v", "data", "last", "hash"],
        "additionalProperties": False,
    }
)
