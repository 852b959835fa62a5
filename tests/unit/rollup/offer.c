/* Batches whose data a committee holds, put together by hand: see offer.h. */
#include "offer.h"

#include "layer2/rollup/data.h"

#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"

void committee_open(struct scene *s)
{
    json_t *made;

    scene_open(s);
    made = fixture_do(&s->f, "alice", "rollup.create",
                      "{'assets':[{'asset':'DEV'}],'bond':%d,'availability':'committee','committee':"
                      "[{'member':'%s'},{'member':'%s'},{'member':'%s'}],'committee_threshold':2,"
                      "'availability_bond':%d}", BOND, fixture_address(&s->f, "bob"),
                      fixture_address(&s->f, "carol"), fixture_address(&s->f, "dave"), AVAILABILITY_BOND);
    s->domain = (uint64_t)json_integer_value(json_object_get(made, "domain"));
    assert_true(hex_decode(s->rollup.bytes, sizeof(s->rollup.bytes),
                           json_string_value(json_object_get(made, "rollup")), 64));
    json_release(&made);
    deposit(s, "bob", 100);
}

static struct database *reader_of(struct scene *s)
{
    struct database *reader;
    struct error error;

    if (kernel_reader(s->f.kernel, &reader, &error) != OK)
        fail_msg("%s", error.message);
    return reader;
}

/* `epoch`: another than the rollup's own; NULL: that. */
static void sign_in(struct scene *s, struct offer *o, const uint64_t *epoch)
{
    struct database *reader = reader_of(s);
    struct batch_place place;
    struct rollup rollup;
    struct batch batch;
    struct hash context;

    assert_true(rollup_find(reader, o->domain, &rollup));
    if (epoch != NULL)
        rollup.epoch = *epoch;
    batch_place_next(reader, &rollup, &place);
    batch = (struct batch){ .machine = { .rollup = rollup.id, .assets = rollup.assets,
                                         .items = o->inbox_to - place.inbox_from + o->transactions,
                                         .inbox_items = o->inbox_to - place.inbox_from,
                                         .inbox_from = place.inbox_from },
                            .number = place.number, .previous_root = place.previous_root };
    batch_context(&batch, &o->items_root, &context);
    attestation_message(&o->message, kernel_chain(s->f.kernel), &rollup, &context, &place.parent,
                        &o->data_hash, o->data_size);
    database_close(reader);
}

void offer_sign_in(struct scene *s, struct offer *o, uint64_t epoch)
{
    sign_in(s, o, &epoch);
}

void offer_sign(struct scene *s, struct offer *o)
{
    sign_in(s, o, NULL);
}

void offer_make(struct scene *s, struct offer *o)
{
    struct item item = { .kind = ITEM_TRANSFER, .from = 0, .nonce = 9, .output_count = 1,
                         .outputs = { { .to = 1, .amount = 5 } } };
    struct buffer data CLEANUP(buffer_close) = { 0 };
    struct database *reader = reader_of(s);
    struct arena arena CLEANUP(arena_close);
    struct batch_place place;
    struct rollup rollup;
    struct batch batch;
    struct error error;

    arena_init(&arena);
    *o = (struct offer){ .domain = s->domain, .transactions = 1, .members = "bob dave" };
    rollup_transaction_encode(&item, &data);
    data_deflate(buffer_bytes(&data), &o->packed);
    o->data_size = o->packed.size;
    data_hash(&o->data_hash, buffer_bytes(&o->packed));
    assert_true(rollup_find(reader, s->domain, &rollup));
    batch_place_next(reader, &rollup, &place);
    o->number = place.number;
    o->parent = place.parent;
    o->inbox_to = inbox_count(reader, s->domain);
    if (batch_assemble(reader, &rollup, &place, o->inbox_to, buffer_bytes(&data), &arena, &batch,
                       &error) != OK)
        fail_msg("%s", error.message);
    batch_items_root(&batch, &o->items_root);
    database_close(reader);
    offer_sign(s, o);
}

void offer_close(struct offer *o)
{
    buffer_close(&o->packed);
}

static void append_hex(struct buffer *out, const char *name, const void *data, size_t size)
{
    buffer_append_format(out, ",'%s':'", name);
    buffer_append_hex(out, data, size);
    buffer_append_text(out, "'");
}

static void append_members(struct scene *s, const struct offer *o, struct buffer *out)
{
    char names[sizeof(o->members)], *rest = names;
    bool any = false;

    snprintf(names, sizeof(names), "%s", o->members);
    for (char *name = strtok_r(names, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest)) {
        const struct fixture_key *key = fixture_key(&s->f, name);
        struct signature signature;

        assert_true(schnorr_sign(key->secret, &o->message, NULL, &signature));
        buffer_append_format(out, "%s{'member':'%s'", any ? "," : ",'attestations':[", key->address);
        append_hex(out, "signature", signature.bytes, sizeof(signature.bytes));
        buffer_append_text(out, "}");
        any = true;
    }
    buffer_append_text(out, any ? "]" : "");
}

enum status offer_propose(struct scene *s, struct offer *o)
{
    struct buffer out CLEANUP(buffer_close) = { 0 };
    json_t *result = NULL;
    enum status status;

    buffer_append_format(&out, "{'domain':%" PRIu64 ",'number':%" PRIu64 ",'inbox_to':%" PRIu64, o->domain,
                         o->number, o->inbox_to);
    buffer_append_format(&out, ",'root':'" ZERO "','withdrawal_root':'" ZERO "','withdrawals':0,'data_size':%"
                         PRIu64 ",'transactions':%" PRIu64, o->data_size, o->transactions);
    append_hex(&out, "parent", o->parent.bytes, sizeof(o->parent.bytes));
    append_hex(&out, "data_hash", o->data_hash.bytes, sizeof(o->data_hash.bytes));
    append_hex(&out, "items_root", o->items_root.bytes, sizeof(o->items_root.bytes));
    append_members(s, o, &out);
    buffer_append_text(&out, "}");
    status = fixture_try(&s->f, "alice", "rollup.propose", fixture_json("%s", buffer_text(&out)), &result);
    if (status == OK) {
        snprintf(o->hex, sizeof(o->hex), "%s", json_string_value(json_object_get(result, "batch")));
        assert_true(hex_decode(o->batch.bytes, sizeof(o->batch.bytes), o->hex, 64));
    }
    json_release(&result);
    return status;
}

void offer_all(struct scene *s, struct offer *o)
{
    offer_make(s, o);
    assert_status(OK, offer_propose(s, o));
}

char *offer_data(const struct offer *o)
{
    struct buffer hex CLEANUP(buffer_close) = { 0 };

    buffer_append_hex(&hex, o->packed.data, o->packed.size);
    return text_copy(buffer_text(&hex));
}

enum status demand(struct scene *s, const char *who, const struct offer *o)
{
    return fixture_try(&s->f, who, "rollup.challenge_availability",
                       fixture_json("{'batch':'%s'}", o->hex), NULL);
}

enum status answer(struct scene *s, const char *who, const struct offer *o, const char *data)
{
    char *own AUTO_FREE = offer_data(o);

    return fixture_try(&s->f, who, "rollup.answer_availability",
                       fixture_json("{'batch':'%s','data':'%s'}", o->hex, data == NULL ? own : data), NULL);
}

void give_up(struct scene *s, const struct offer *o)
{
    fixture_run(&s->f, "carol", "test.reject", "{'batch':'%s'}", o->hex);
    settle(s);
}

int64_t chain_now(struct scene *s)
{
    return number_of(s, "SELECT chain_time_us FROM block ORDER BY height DESC LIMIT 1");
}

void until(struct scene *s, int64_t chain_us)
{
    for (;;) {
        int64_t left = chain_us - chain_now(s);

        if (left <= 0)
            break;
        fixture_advance(&s->f, left < 50 * SECOND ? left : 50 * SECOND);
    }
    assert_int_equal(chain_now(s), chain_us);
}

int64_t of_batch(struct scene *s, const struct offer *o, const char *column)
{
    char *sql AUTO_FREE = text_format("SELECT %s FROM batch LEFT JOIN availability_challenge AS c"
                                      " ON c.batch = batch.id WHERE batch.id = x'%s'", column, o->hex);

    return fixture_sql(&s->f, sql);
}
