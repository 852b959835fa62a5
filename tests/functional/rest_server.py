"""A real server's REST listener, asked by a test itself: the other end of a payment or a transfer. Where it is and
its secrets stand in LAYERD_TEST_<NAME>_REST, _MACAROON and _CERT.
"""

import json
import os
import ssl
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest


class Refused(Exception):
    """With the HTTP status and the body's text."""


class RestServer:
    def __init__(self, url, certificate, macaroon):
        """`macaroon`: a path; it may come to be later."""
        self.url, self.certificate, self.macaroon = url, Path(certificate), Path(macaroon)
        self.private = None

    def __call__(self, method, path, body=None, timeout=60):
        request = urllib.request.Request(self.url + path, method=method,
                                         data=None if body is None else json.dumps(body).encode())
        if self.macaroon.exists():
            request.add_header("Grpc-Metadata-macaroon", self.macaroon.read_bytes().hex())
        context = ssl.create_default_context(cafile=self.certificate)
        try:
            with urllib.request.urlopen(request, timeout=timeout, context=context) as reply:
                return json.loads(reply.read())
        except urllib.error.HTTPError as error:
            raise Refused(error.code, error.read().decode()) from None

    def options(self):
        """Of a link to it: with a copy of the macaroon, for LND's own may be read by a group, tapd's by everybody."""
        if self.private is None:
            self.private = tempfile.NamedTemporaryFile()  # mode 0600
            self.private.write(self.macaroon.read_bytes())
            self.private.flush()
        return {"url": self.url, "macaroon_file": self.private.name, "certificate_file": str(self.certificate)}


_named = {}  # their macaroons' copies last as long as the tests


def named(name):
    url = os.environ.get("LAYERD_TEST_%s_REST" % name)
    if not url:
        pytest.skip("LAYERD_TEST_%s_REST names no server" % name)
    if name not in _named:
        files = {what: os.environ.get("LAYERD_TEST_%s_%s" % (name, what)) for what in ("CERT", "MACAROON")}
        missing = ["LAYERD_TEST_%s_%s" % (name, what) for what, path in files.items() if not path]
        assert not missing, "%s: the file is to be named, too, as LAYERD_TEST_%s_REST is" % (", ".join(missing), name)
        _named[name] = RestServer(url, files["CERT"], files["MACAROON"])
    return _named[name]


def until(check, what, patience=60):
    """What `check` gives, once that is true."""
    end = time.monotonic() + patience
    while not (result := check()):
        assert time.monotonic() < end, "not so in %d s: %s" % (patience, what)
        time.sleep(0.2)
    return result
