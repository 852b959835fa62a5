/* A node with a pool of GOLD: see test_confidential.h. */
#include "test_confidential.h"

#include "crypto/asset.h"

static const struct module *const pool_modules[] = { &ledger_module, &confidential_module,
                                                    &confidential_wallet_module, NULL };

void scene_start(struct scene *s)
{
    const char *chain;

    fixture_start(&s->f, NETWORK_DEV, pool_modules);
    chain = kernel_chain(s->f.kernel);
    fixture_run(&s->f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':%d}", GOLD_SUPPLY);
    asset_id_from_symbol(&s->gold, chain, "GOLD");
    wallet_of("alice", chain, &s->wallets[ALICE]);
    wallet_of("bob", chain, &s->wallets[BOB]);
    s->purse.random = 12345;
}

int scene_setup(void **state)
{
    struct scene *s = memory_new(sizeof(*s));

    scene_start(s);
    *state = s;
    return 0;
}

int scene_teardown(void **state)
{
    struct scene *s = *state;

    fixture_audit(&s->f);
    fixture_replay(&s->f);
    return scene_teardown_tampered(state);
}

int scene_teardown_tampered(void **state)
{
    struct scene *s = *state;

    fixture_stop(&s->f);
    memory_free_pointer(state);
    return 0;
}

size_t shield(struct scene *s, size_t wallet, uint64_t amount)
{
    char key[2 * POINT_SIZE + 1], sealed[2 * NOTE_SEALED_SIZE + 1];
    struct spend_target target;
    struct spend_output note;
    json_t *made AUTO_JSON = NULL;

    assert_true(hidden_note_seal(&s->wallets[wallet].address, amount, &target));
    hex_text(key, target.key, POINT_SIZE);
    hex_text(sealed, target.sealed, NOTE_SEALED_SIZE);
    made = fixture_do(&s->f, "alice", "confidential.shield",
                      "{'asset':'GOLD','amount':%" PRIu64 ",'key':'%s','sealed':'%s'}", amount, key, sealed);
    assert_int_equal(json_integer_value(json_object_get(made, "note")), s->purse.count);
    memcpy(note.key, target.key, POINT_SIZE);
    memcpy(note.sealed, target.sealed, NOTE_SEALED_SIZE);
    note_commit_public(amount, note.commitment);
    assert_true(purse_receive(&s->purse, s->wallets, WALLETS, &note, true));
    return s->purse.count - 1;
}

/* --- spends ------------------------------------------------------------------------------------------- */
struct order *order_gold(struct scene *s, const char *who, uint64_t amount)
{
    struct order *order = order_new(kernel_chain(s->f.kernel),
                                    who == NULL ? PURPOSE_TRANSFER : PURPOSE_UNSHIELD);

    order->terms.asset = s->gold;
    order->terms.amount = amount;
    if (who != NULL)
        order->terms.recipient = fixture_key(&s->f, who)->account;
    return order;
}

void order_spend(struct order *order, size_t note)
{
    assert_true(order->spent_count < SPEND_INPUTS_MAX);
    order->spent[order->spent_count++] = note;
}

void prove(struct scene *s, struct order *order)
{
    struct error error;

    if (order_make(order, &s->purse, &error) != OK)
        fail_msg("the spend cannot be proved: %s", error.message);
}

static json_t *hex_json(const void *data, size_t size)
{
    char *text AUTO_FREE = memory_new(2 * size + 1);

    hex_text(text, data, size);
    return json_string(text);
}

static json_t *input_json(const struct order *order, size_t i)
{
    const struct spend_input *input = &order->made.inputs[i];
    json_t *json = json_object(), *members = json_array();

    for (size_t member = 0; member < input->count; member++) {
        json_t *item = json_object();

        json_object_set_new(item, "note", json_integer((json_int_t)order->numbers[i][member]));
        json_object_set_new(item, "key", hex_json(input->members[member].key, POINT_SIZE));
        json_object_set_new(item, "commitment", hex_json(input->members[member].commitment, POINT_SIZE));
        json_array_append_new(members, item);
    }
    json_object_set_new(json, "members", members);
    json_object_set_new(json, "pseudo", hex_json(input->pseudo, POINT_SIZE));
    json_object_set_new(json, "signature", hex_json(input->signature.data, input->signature.size));
    return json;
}

json_t *order_params(const struct order *order, const char *asset)
{
    const struct spend *spend = &order->made.spend;
    json_t *json = json_object(), *inputs = json_array(), *outputs = json_array();

    for (size_t i = 0; i < spend->input_count; i++)
        json_array_append_new(inputs, input_json(order, i));
    for (size_t i = 0; i < spend->output_count; i++) {
        json_t *item = json_object();

        json_object_set_new(item, "key", hex_json(spend->outputs[i].key, POINT_SIZE));
        json_object_set_new(item, "commitment", hex_json(spend->outputs[i].commitment, POINT_SIZE));
        json_object_set_new(item, "sealed", hex_json(spend->outputs[i].sealed, NOTE_SEALED_SIZE));
        json_array_append_new(outputs, item);
    }
    json_object_set_new(json, "asset", json_string(asset));
    json_object_set_new(json, "inputs", inputs);
    json_object_set_new(json, "outputs", outputs);
    json_object_set_new(json, "range_proof", hex_json(spend->range_proof.data, spend->range_proof.size));
    if (spend->amount > 0) {
        json_object_set_new(json, "amount", json_integer((json_int_t)spend->amount));
        json_object_set_new(json, "to", hex_json(spend->recipient.bytes, sizeof(spend->recipient.bytes)));
    }
    return json;
}

const char *order_method(const struct order *order)
{
    return order->terms.purpose;
}

enum status submit(struct scene *s, struct order *order)
{
    json_t *result AUTO_JSON = NULL;
    char *who AUTO_FREE = text_format("fresh-%d", (int)(s->f.salt % 16));
    enum status status = fixture_try(&s->f, who, order_method(order), order_params(order, "GOLD"), &result);

    if (status != OK)
        return status;
    assert_int_equal(json_integer_value(json_object_get(result, "note")), s->purse.count);
    assert_int_equal(json_integer_value(json_object_get(result, "notes")), order->target_count);
    for (size_t i = 0; i < order->spent_count; i++)
        s->purse.notes[order->spent[i]].spent = true;
    for (size_t i = 0; i < order->target_count; i++)
        assert_true(purse_receive(&s->purse, s->wallets, WALLETS, &order->made.outputs[i], false));
    return OK;
}

void assert_refused(struct scene *s, enum status expected, const struct order *order, json_t *params)
{
    struct reply reply = fixture_call(&s->f, "transaction.submit",
                                      fixture_sign(&s->f, "mallory", order_method(order), params));

    if (reply.status != expected)
        fail_msg("%s expected, the node says %s (%s)", status_name(expected), status_name(reply.status),
                 reply.status == OK ? "" : reply.error.message);
    reply_close(&reply);
}

uint64_t gold_of(struct scene *s, const char *who)
{
    char *sql AUTO_FREE = text_format("SELECT coalesce((SELECT amount FROM balance JOIN account"
                                      " ON account.id = balance.account WHERE address = '%s'), 0)",
                                      fixture_address(&s->f, who));

    return (uint64_t)fixture_sql(&s->f, sql);
}

int64_t held(struct scene *s)
{
    return fixture_sql(&s->f, "SELECT coalesce((SELECT held FROM confidential_pool JOIN asset"
                              " ON asset.id = asset WHERE symbol = 'GOLD'), 0)");
}
