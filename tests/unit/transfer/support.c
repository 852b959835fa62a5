/* A node with transfers under test: see test_transfer.h. */
#include "test_transfer.h"

#include "layer2/channel/channel.h"
#include "layer2/payment/payment.h"
#include "layer2/transfer/transfer.h"
#include "ledger/ledger.h"

const struct module *const transfer_test_modules[] = { &ledger_module,  &channel_module,
                                                       &channel_local_module,
                                                       &payment_module, &invoice_module, &transfer_module,
                                                       NULL };

static void offer(struct fixture *f, const char *source, const char *destination)
{
    json_decref(ask(f, "transfer.provider_terms",
                    "{'provider':'%s','asset':'GOLD','source':'%s','destination':'%s','fee_fixed':1,"
                    "'fee_ppm':10000,'least':10,'most':100000,'daily':1000000,'account_daily':200000}",
                    fixture_address(f, "bob"), source, destination));
}

void market_start(struct fixture *f)
{
    market_start_with(f, transfer_test_modules);
}

void market_start_with(struct fixture *f, const struct module *const *modules)
{
    static const char *const people[] = { "bob", "carol", "dave" };

    fixture_start(f, NETWORK_DEV, modules);
    fixture_keep_keys(f, "alice bob carol");
    fixture_run(f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':100000000}");
    for (size_t i = 0; i < 3; i++)
        fixture_run(f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':10000000}",
                    fixture_address(f, people[i]));
    json_decref(ask(f, "transfer.provider_register", "{'account':'%s','name':'bob'}",
                    fixture_address(f, "bob")));
    offer(f, "base", "base");
    offer(f, "base", "channel");
    offer(f, "channel", "base");
}

int market_setup(void **state)
{
    struct fixture *f = memory_new(sizeof(*f));

    market_start(f);
    *state = f;
    return 0;
}

int market_teardown(void **state)
{
    struct fixture *f = *state;

    fixture_audit(f);
    fixture_replay(f);
    fixture_stop(f);
    memory_free_pointer(state);
    return 0;
}

void market_open_channels(struct fixture *f, struct way *ab, struct way *bc)
{
    way_open(ab, f, "alice", "bob", 1, 1000000, 1000000);
    way_open(bc, f, "bob", "carol", 2, 1000000, 1000000);
}

static json_t *start_params(struct fixture *f, const char *source, const char *destination,
                            const char *recipient, uint64_t amount, const char *more)
{
    return fixture_json("{'asset':'GOLD','source':'%s','destination':'%s','recipient':'%s',"
                        "'amount':%" PRIu64 "%s}",
                        source, destination, strlen(recipient) > 20 ? recipient : fixture_address(f,
                                recipient),
                        amount, more);
}

void start(struct fixture *f, const char *who, const char *source, const char *destination,
           const char *recipient, uint64_t amount, const char *more, char id[65])
{
    json_t *params = start_params(f, source, destination, recipient, amount, more);
    struct reply reply = fixture_call(f, "transaction.submit", fixture_sign(f, who, "transfer.start",
            params));
    const char *text;

    if (reply.status != OK)
        fail_msg("transfer.start: %s", reply.error.message);
    text = json_string_value(json_object_get(json_object_get(reply.result, "result"), "transfer"));
    assert_non_null(text);
    strcpy(id, text);
    reply_close(&reply);
}

void start_refused(struct fixture *f, enum status code, const char *who, const char *source,
                   const char *destination, const char *recipient, uint64_t amount, const char *more)
{
    json_t *params = start_params(f, source, destination, recipient, amount, more);
    enum status status = fixture_try(f, who, "transfer.start", params, NULL);

    assert_string_equal(status_name(status), status_name(code));
}

void await_state(struct fixture *f, const char *id, enum transfer_state state)
{
    await_sql(f, TRANSFER_STATE, id, state);
}

uint64_t gold(struct fixture *f, const char *who)
{
    char sql[256];
    int64_t amount;

    snprintf(sql, sizeof(sql), "SELECT coalesce(sum(amount), 0) FROM v_balance WHERE symbol = 'GOLD'"
             " AND address = '%s'", fixture_address(f, who));
    amount = fixture_sql(f, sql);
    return (uint64_t)amount;
}
