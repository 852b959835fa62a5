/* What the tests of the rollup's module share: see node_support.h. */
#include "node_support.h"

#include <unistd.h>

#include "crypto/hash.h"
#include "layer2/rollup/module.h"

#define PATIENCE 60000 /* naps of 2 ms at least */
#define REST_LONGEST 7 /* doublings */

/* What layer2/optimistic does when a game ends, by command. */
struct verdict {
    struct hash batch;
};
static const struct param verdict_params[] = { PARAM(struct verdict, batch, HASH, REQUIRED, "its id") };

static enum status reject(struct execution *x, const void *params, struct writer *result)
{
    const struct verdict *p = params;
    struct batch_row row;

    (void)result;
    TRY(batch_open_to_challenge(x, &p->batch, &row));
    batch_reject(x, &p->batch, "test");
    return OK;
}

static enum status challenge(struct execution *x, const void *params, struct writer *result)
{
    const struct verdict *p = params;
    struct batch_row row;

    (void)result;
    TRY(batch_open_to_challenge(x, &p->batch, &row));
    batch_challenged(x, &p->batch);
    return OK;
}

static enum status defend(struct execution *x, const void *params, struct writer *result)
{
    (void)result;
    batch_defended(x, &((const struct verdict *)params)->batch);
    return OK;
}

static enum status make_void(struct execution *x, const void *params, struct writer *result)
{
    (void)result;
    batch_void(x, &((const struct verdict *)params)->batch);
    return OK;
}

static const struct command test_commands[] = {
    { "test.reject", SCOPE_BASE, ACCESS_SIGNED, reject, PARAMS(struct verdict, verdict_params), .help = "t" },
    { "test.challenge", SCOPE_BASE, ACCESS_SIGNED, challenge, PARAMS(struct verdict, verdict_params),
      .help = "t" },
    { "test.void", SCOPE_BASE, ACCESS_SIGNED, make_void, PARAMS(struct verdict, verdict_params),
      .help = "t" },
    { "test.defend", SCOPE_BASE, ACCESS_SIGNED, defend, PARAMS(struct verdict, verdict_params), .help = "t" },
};
static const struct module test_module = { .name = "test", .help = "t", COMMANDS(test_commands) };
static const struct module *modules[8] = { &ledger_module, &message_module, &rollup_module, &test_module };

void scene_add_module(const struct module *module)
{
    size_t at = 0;

    while (modules[at] != NULL)
        at++;
    assert_in_range(at, 0, sizeof(modules) / sizeof(modules[0]) - 2);
    modules[at] = module;
}

/* --- commands of the node's own account ------------------------------------------------------- */
__attribute__((format(printf, 3, 0))) static enum status own_try(struct scene *s, const char *method,
                                                                const char *format, va_list arguments,
                                                                struct buffer *result, struct error *error)
{
    char text[4096];
    json_t *params;
    enum status status;

    vsnprintf(text, sizeof(text), format, arguments);
    params = fixture_json("%s", text);
    status = kernel_submit_own(s->f.kernel, method, params, result, error);
    json_release(&params);
    return status;
}

json_t *own_do(struct scene *s, const char *method, const char *format, ...)
{
    struct buffer result CLEANUP(buffer_close) = { 0 };
    struct error error;
    va_list arguments;
    json_t *json, *inner;

    va_start(arguments, format);
    if (own_try(s, method, format, arguments, &result, &error) != OK)
        fail_msg("%s: %s", method, error.message);
    va_end(arguments);
    assert_int_equal(json_parse((const char *)result.data, result.size, &json, &error), OK);
    inner = json_incref(json_object_get(json, "result"));
    json_release(&json);
    return inner;
}

void own_refused(struct scene *s, enum status code, const char *method, const char *format, ...)
{
    struct buffer result CLEANUP(buffer_close) = { 0 };
    struct error error = { .code = OK };
    va_list arguments;
    enum status status;

    va_start(arguments, format);
    status = own_try(s, method, format, arguments, &result, &error);
    va_end(arguments);
    if (status != code)
        fail_msg("%s: expected was %s, it came to %s (%s)", method, status_name(code), status_name(status),
                 status == OK ? "" : error.message);
}

/* --- scenes ----------------------------------------------------------------------------------- */
static void fund(struct scene *s, const char *who, uint64_t amount)
{
    fixture_run(&s->f, who, "dev.faucet", "{'amount':%" PRIu64 "}", amount);
}

void scene_open(struct scene *s)
{
    scene_open_with(s, "");
}

void scene_open_with(struct scene *s, const char *terms)
{
    char *own_terms AUTO_FREE = NULL;
    const char *place = strstr(terms, "%s");
    struct account_id own;
    char hex[65];
    json_t *made;

    memset(s, 0, sizeof(*s));
    fixture_start(&s->f, NETWORK_DEV, modules);
    fixture_keep_keys(&s->f, "alice bob carol");
    fund(s, "alice", 100000);
    fund(s, "bob", 100000);
    fund(s, "carol", 100000);
    own = kernel_account(s->f.kernel);
    hex_text(hex, own.bytes, sizeof(own.bytes));
    fixture_run(&s->f, "alice", "ledger.transfer", "{'to':'%s','asset':'DEV','amount':50000}", hex);
    own_terms = place == NULL ? text_copy(terms)
                              : text_format("%.*s%s%s", (int)(place - terms), terms, hex, place + 2);
    made = own_do(s, "rollup.create", "{'assets':[{'asset':'DEV'}],'bond':%d%s}", BOND, own_terms);
    s->domain = (uint64_t)json_integer_value(json_object_get(made, "domain"));
    assert_true(hex_decode(s->rollup.bytes, sizeof(s->rollup.bytes),
                           json_string_value(json_object_get(made, "rollup")), 64));
    json_release(&made);
    {
        struct reply reply = fixture_call(&s->f, "rollup.sequencer",
                                          fixture_json("{'domain':%" PRIu64 ",'batch_time':'10s'}",
                                                       s->domain));

        if (reply.status != OK)
            fail_msg("%s", reply.error.message);
        reply_close(&reply);
    }
}

void check_rebuild(struct scene *s)
{
    json_t *answer AUTO_JSON = fixture_query(&s->f, "rollup.rebuild", "{'domain':%" PRIu64 "}", s->domain);

    if (!json_is_true(json_object_get(answer, "equal")))
        fail_msg("rebuild: %s", json_string_value(json_object_get(answer, "difference")));
}

void scene_close(struct scene *s)
{
    settle(s);
    fixture_audit(&s->f);
    fixture_replay(&s->f);
    check_rebuild(s);
    fixture_stop(&s->f);
}

void scene_restart(struct scene *s)
{
    fixture_reopen(&s->f);
    fixture_advance(&s->f, 0);
}

void scene_crash(struct scene *s)
{
    char copy[sizeof(s->f.directory) + 16];
    char *command AUTO_FREE = NULL;
    const int64_t now_us = fixture_now(&s->f);
    const uint64_t salt = s->f.salt;
    struct database *reader;
    struct error error;

    snprintf(copy, sizeof(copy), "%s-crashed", s->f.directory);
    command = text_format("cp -r '%s' '%s'", s->f.directory, copy);
    assert_int_equal(kernel_reader(s->f.kernel, &reader, &error), OK);
    database_snapshot_begin(reader); /* so that no checkpoint comes between the files that are copied */
    assert_int_equal(system(command), 0);
    database_snapshot_end(reader);
    database_close(reader);
    fixture_stop(&s->f);
    fixture_open_kept_at(&s->f, NETWORK_DEV, modules, copy, now_us + SECOND);
    s->f.salt = salt;
    fixture_advance(&s->f, 0);
}

/* --- time ------------------------------------------------------------------------------------- */
int64_t number_of(struct scene *s, const char *sql)
{
    char number[24];
    struct buffer out CLEANUP(buffer_close) = { 0 };

    snprintf(number, sizeof(number), "%" PRIu64, s->domain);
    for (; *sql != '\0'; sql++) {
        if (sql[0] == '?' && sql[1] == '1') {
            buffer_append_text(&out, number);
            sql++;
        } else {
            buffer_append(&out, sql, 1);
        }
    }
    return fixture_sql(&s->f, buffer_text(&out));
}

void wait_until(struct scene *s, const char *sql, int64_t value)
{
    int64_t found = -1;

    for (int i = 0; i < PATIENCE; i++) {
        found = number_of(s, sql);
        if (found == value)
            return;
        if (i % 200 == 199)
            fixture_advance(&s->f, SECOND / 10);
        usleep(2000);
    }
    fail_msg("%s: %" PRId64 " instead of %" PRId64, sql, found, value);
}

void rest(unsigned round)
{
    usleep(20000u << (round < REST_LONGEST ? round : REST_LONGEST));
}

void settle(struct scene *s)
{
    wait_until(s, "SELECT rollup_lane.batch IS coalesce((SELECT id FROM batch WHERE domain = ?1 AND"
                  " number = head AND state < 4), zeroblob(32)) FROM rollup JOIN rollup_lane USING (domain)"
                  " WHERE domain = ?1", 1);
}

void pass(struct scene *s, int64_t us)
{
    while (us > 0) {
        int64_t step = us < 50 * SECOND ? us : 50 * SECOND;

        fixture_advance(&s->f, step);
        us -= step;
    }
}

void make_batch(struct scene *s)
{
    int64_t head = number_of(s, "SELECT head FROM rollup WHERE domain = ?1");
    char sql[128];

    settle(s);
    fixture_advance(&s->f, 3 * SECOND); /* what is in the inbox is seen */
    usleep(20000);
    snprintf(sql, sizeof(sql), "SELECT head > %" PRId64 " FROM rollup WHERE domain = ?1", head);
    for (int i = 0; i < 20 && number_of(s, sql) == 0; i++) { /* or later, when the machine is busy */
        fixture_advance(&s->f, 11 * SECOND);
        for (int wait = 0; wait < 200 << (i < 5 ? i : 5) && number_of(s, sql) == 0; wait++)
            usleep(1000);
    }
    wait_until(s, sql, 1);
    settle(s);
}

/* --- people ----------------------------------------------------------------------------------- */
void deposit(struct scene *s, const char *who, uint64_t amount)
{
    fixture_run(&s->f, who, "rollup.deposit", "{'domain':%" PRIu64 ",'asset':'DEV','amount':%" PRIu64 "}",
                s->domain, amount);
}

static struct hash submitted(struct scene *s, struct reply reply)
{
    struct hash id;

    if (reply.status != OK)
        fail_msg("%s", reply.error.message);
    assert_true(hex_decode(id.bytes, sizeof(id.bytes),
                           json_string_value(json_object_get(reply.result, "transaction")), 64));
    reply_close(&reply);
    s->submitted++;
    return id;
}

struct hash transfer(struct scene *s, const char *from, const char *to, uint64_t amount)
{
    json_t *params = fixture_json("{'domain':%" PRIu64 ",'signer':'%s','to':'%s','asset':'DEV','amount':%"
                                  PRIu64 "}", s->domain, fixture_address(&s->f, from),
                                  fixture_address(&s->f, to), amount);

    return submitted(s, fixture_call(&s->f, "rollup.transfer", params));
}

struct hash withdraw(struct scene *s, const char *from, uint64_t amount)
{
    json_t *params = fixture_json("{'domain':%" PRIu64 ",'signer':'%s','asset':'DEV','amount':%" PRIu64 "}",
                                  s->domain, fixture_address(&s->f, from), amount);

    return submitted(s, fixture_call(&s->f, "rollup.withdraw", params));
}

int64_t inside(struct scene *s, const char *who)
{
    struct reply reply = fixture_call_public(&s->f, "rollup.account",
        fixture_json("{'domain':%" PRIu64 ",'key':'%s'}", s->domain, fixture_address(&s->f, who)));
    int64_t amount = -1;

    if (reply.status == OK)
        amount = json_integer_value(json_object_get(
            json_array_get(json_object_get(reply.result, "balances"), 0), "amount"));
    reply_close(&reply);
    return amount;
}

json_t *exit_proof_of(struct scene *s, const char *who)
{
    struct reply reply;

    for (int i = 0; i < PATIENCE; i++) {
        reply = fixture_call(&s->f, "rollup.exit_proof",
                             fixture_json("{'domain':%" PRIu64 ",'key':'%s'}", s->domain,
                                          fixture_address(&s->f, who)));
        if (reply.status != ERROR_NOT_READY)
            break;
        usleep(2000);
    }
    if (reply.status != OK)
        fail_msg("%s", reply.error.message);
    return reply.result;
}

int64_t base_balance(struct scene *s, const char *who)
{
    char *sql AUTO_FREE = text_format("SELECT amount FROM balance JOIN account ON account.id = account"
                                      " WHERE domain = 0 AND address = '%s'", fixture_address(&s->f, who));

    return fixture_sql(&s->f, sql);
}

char *transaction_state(struct scene *s, const struct hash *id)
{
    char hex[65];
    json_t *answer;
    char *text;

    hex_text(hex, id->bytes, sizeof(id->bytes));
    answer = fixture_query(&s->f, "rollup.transaction", "{'transaction':'%s'}", hex);
    text = text_copy(json_string_value(json_object_get(answer, "state")));
    json_release(&answer);
    return text;
}

struct hash fingerprint(struct scene *s)
{
    static const char *const parts[] = {
        "SELECT group_concat(printf('%d:%s:%s', kind, hex(place), hex(leaf))) FROM (SELECT * FROM rollup_leaf"
        " WHERE domain = %d ORDER BY kind, place)",
        "SELECT group_concat(printf('%s:%d:%d:%d:%s', hex(id), sender, nonce, state, hex(body))) FROM"
        " (SELECT * FROM rollup_pending WHERE domain = %d ORDER BY number)",
        "SELECT group_concat(printf('%d:%d:%s:%s', number, amount, state, hex(payload))) FROM"
        " (SELECT * FROM inbox WHERE domain = %d ORDER BY number)",
        "SELECT group_concat(printf('%d:%d:%d', number, level, node)) || group_concat(hex(hash)) FROM"
        " (SELECT level, node, hash, 0 AS number FROM rollup_outbox WHERE domain = %d ORDER BY level, node)",
        "SELECT group_concat(printf('%d:%s', number, hex(id))) FROM (SELECT number, id FROM batch"
        " WHERE domain = %d AND state < 4 ORDER BY number)",
        "SELECT group_concat(printf('%s:%d', hex(account), amount)) FROM (SELECT account, amount FROM balance"
        " WHERE %d > 0 AND domain = 0 ORDER BY account)",
    };
    struct tagged_hash h;
    struct hash out;

    tagged_hash_begin(&h, "test");
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct buffer sql CLEANUP(buffer_close) = { 0 };
        char *text;

        for (const char *p = parts[i]; *p != '\0'; p++) {
            if (strncmp(p, "= %d", 4) == 0 || strncmp(p, "WHERE %d", 8) == 0) {
                size_t skip = p[0] == '=' ? 4 : 8;

                buffer_append_format(&sql, "%s %" PRIu64, p[0] == '=' ? "=" : "WHERE", s->domain);
                p += skip - 1;
            } else {
                buffer_append(&sql, p, 1);
            }
        }
        text = fixture_sql_text(&s->f, buffer_text(&sql));
        if (text != NULL)
            tagged_hash_add(&h, text, strlen(text));
        tagged_hash_add(&h, "/", 1);
        free(text);
    }
    tagged_hash_end(&h, &out);
    return out;
}
