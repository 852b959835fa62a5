/* The module that owns domains in the tests of messages, and withdrawals made by hand: see test_message.h. */
#include "test_message.h"

#include "kernel/execution.h"

/* --- the owner --------------------------------------------------------------------------------- */
struct step {
    uint64_t domain, first, behind, asset, amount;
    int64_t window;
    struct hash root;
    struct account_id to;
};

static const struct param step_params[] = {
    PARAM(struct step, domain, INTEGER, OPTIONAL, "its number"),
    PARAM(struct step, first, INTEGER, OPTIONAL, "first item"),
    PARAM(struct step, behind, INTEGER, OPTIONAL, "behind the last item; how many withdrawals, or assets"),
    PARAM(struct step, asset, INTEGER, OPTIONAL, "number of the asset in the domain"),
    PARAM(struct step, amount, INTEGER, OPTIONAL, "to deposit or to pay"),
    PARAM(struct step, window, DURATION, OPTIONAL, "until its deadline"),
    PARAM(struct step, root, HASH, OPTIONAL, "of the outbox"),
    PARAM(struct step, to, ACCOUNT, OPTIONAL, "whom to pay"),
};

/* DEV, and GOLD when there are to be two. */
static enum status owner_open(struct execution *x, const void *params, struct writer *result)
{
    const struct step *p = params;
    struct hash transaction = execution_transaction(x);
    struct account_id escrow;
    struct asset_id assets[2];
    uint64_t domain;

    asset_id_from_symbol(&assets[0], execution_chain(x), "DEV");
    asset_id_from_symbol(&assets[1], execution_chain(x), "GOLD");
    memcpy(escrow.bytes, transaction.bytes, sizeof(escrow.bytes));
    TRY(domain_open(x, &escrow, "rollup", assets, p->behind == 2 ? 2 : 1, &domain));
    writer_object_begin(result);
    writer_member_unsigned(result, "domain", domain);
    writer_object_end(result);
    return OK;
}

/* The payload is the number that the item gets. */
static enum status owner_queue(struct execution *x, const void *params, struct writer *result)
{
    const struct step *p = params;
    struct account_id sender = execution_account(x);
    uint8_t payload[8];

    (void)result;
    put_be64(payload, inbox_count(execution_database(x), p->domain));
    return inbox_queue(x, p->domain, &sender, (unsigned)p->asset, p->amount,
                       bytes_of(payload, sizeof(payload)), execution_chain_time(x) + p->window);
}

static enum status owner_include(struct execution *x, const void *params, struct writer *result)
{
    const struct step *p = params;

    (void)result;
    inbox_include(x, p->domain, p->first, p->behind);
    return OK;
}

static enum status owner_done(struct execution *x, const void *params, struct writer *result)
{
    const struct step *p = params;

    (void)result;
    inbox_done(x, p->domain, p->first, p->behind);
    return OK;
}

static enum status owner_return(struct execution *x, const void *params, struct writer *result)
{
    const struct step *p = params;

    (void)result;
    inbox_return(x, p->domain, p->first, p->behind, execution_chain_time(x) + p->window);
    return OK;
}

static enum status owner_end(struct execution *x, const void *params, struct writer *result)
{
    (void)result;
    while (inbox_end(x, ((const struct step *)params)->domain, 2)) {
    }
    return OK;
}

static enum status owner_final(struct execution *x, const void *params, struct writer *result)
{
    const struct step *p = params;

    (void)result;
    outbox_final(x, p->domain, &p->root, p->behind);
    return OK;
}

/* What a domain's module does when an account leaves a frozen domain: pays, and records why. */
static enum status owner_pay(struct execution *x, const void *params, struct writer *result)
{
    const struct step *p = params;
    bool credited;

    (void)result;
    TRY(domain_pay(x, p->domain, (unsigned)p->asset, &p->to, p->amount, &credited));
    return event_message_claimed(x, &(struct event_message_claimed){
        .domain = p->domain, .number = INTEGER_MAX, .recipient = p->to,
        .asset = p->asset == 0 ? "DEV" : "GOLD", .amount = p->amount, .credited = credited });
}

static enum status owner_overdue(struct execution *x, const void *params, struct writer *result)
{
    const struct step *p = params;

    writer_object_begin(result);
    writer_member_unsigned(result, "end",
                           inbox_overdue_end(execution_database(x), p->domain, p->first,
                                             execution_chain_time(x)));
    writer_object_end(result);
    return OK;
}

/* Which item waits longest, read through message.h. */
static enum status owner_oldest(struct execution *x, const void *params, struct writer *result)
{
    const struct step *p = params;
    struct inbox_item oldest, again;
    bool found = inbox_oldest(execution_database(x), p->domain, &oldest);

    writer_object_begin(result);
    writer_member_boolean(result, "found", found);
    if (found) {
        INVARIANT(inbox_read(execution_database(x), p->domain, oldest.number, &again) &&
                      again.number == oldest.number && again.state == INBOX_QUEUED &&
                      again.payload.size == 8 && get_be64(again.payload.data) == again.number,
                  "the oldest item is not what is there");
        writer_member_unsigned(result, "number", oldest.number);
    }
    writer_object_end(result);
    return OK;
}

#define OWNER(name, run) \
    { name, SCOPE_BASE, ACCESS_SIGNED, run, PARAMS(struct step, step_params), .help = "Owns a domain." }
static const struct command owner_commands[] = {
    OWNER("owner.open", owner_open),       OWNER("owner.queue", owner_queue),
    OWNER("owner.include", owner_include), OWNER("owner.done", owner_done),
    OWNER("owner.return", owner_return),   OWNER("owner.end", owner_end),
    OWNER("owner.final", owner_final),     OWNER("owner.pay", owner_pay),
    OWNER("owner.overdue", owner_overdue), OWNER("owner.oldest", owner_oldest),
};
static const struct module owner = { .name = "owner", .help = "Owns a domain.", COMMANDS(owner_commands) };
const struct module *const owner_modules[] = { &ledger_module, &message_module, &owner, NULL };

/* --- withdrawals ------------------------------------------------------------------------------- */
void withdrawals_add(struct withdrawals *w, unsigned asset, uint64_t amount,
                     const struct account_id *recipient)
{
    uint8_t message[WITHDRAWAL_SIZE];
    size_t number = w->count++;

    assert_true(number < WITHDRAWALS_MAX);
    w->made[number] = (struct withdrawal){ .number = number, .asset = asset, .amount = amount,
                                           .recipient = *recipient };
    withdrawal_encode(&w->made[number], message);
    outbox_leaf(&w->leaves[number], message, sizeof(message));
}

void withdrawals_root(const struct withdrawals *w, size_t count, char root[65])
{
    struct outbox_tree tree = { 0 };
    struct hash hash;

    for (size_t i = 0; i < count; i++)
        assert_true(outbox_append(outbox_shape(), &tree, &w->leaves[i], NULL, NULL));
    outbox_root(outbox_shape(), &tree, &hash);
    hex_text(root, hash.bytes, sizeof(hash.bytes));
}

/* Complete subtrees, made anew from the leaves. */
static bool read_subtree(void *context, unsigned level, uint64_t index, struct hash *hash)
{
    const struct withdrawals *w = context;
    struct hash left, right;

    if (level == 0) {
        *hash = w->leaves[index];
        return index < w->count;
    }
    if (!read_subtree(context, level - 1, 2 * index, &left) ||
        !read_subtree(context, level - 1, 2 * index + 1, &right))
        return false;
    outbox_shape()->node(hash, &left, &right);
    return true;
}

json_t *withdrawals_claim(const struct withdrawals *w, uint64_t domain, uint64_t number, size_t count)
{
    const struct withdrawal *made = &w->made[number];
    char recipient[65], text[2 * OUTBOX_PROOF_SIZE + 1];
    struct outbox_proof proof = { 0 };

    assert_true(number >= count ||
                outbox_prove(outbox_shape(), number, count, read_subtree, (void *)w, &proof));
    hex_text(recipient, made->recipient.bytes, sizeof(made->recipient.bytes));
    hex_text(text, proof.siblings, OUTBOX_PROOF_SIZE);
    return fixture_json("{'domain':%" PRIu64 ",'number':%" PRIu64 ",'asset':%u,'amount':%" PRIu64
                        ",'recipient':'%s','proof':'%s'}",
                        domain, made->number, made->asset, made->amount, recipient, text);
}

uint64_t random_below(uint64_t *state, uint64_t bound)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (*state * UINT64_C(0x2545f4914f6cdd1d) >> 11) % bound;
}

/* --- a node with one domain -------------------------------------------------------------------- */
int scene_setup(void **state)
{
    struct scene *s = memory_new(sizeof(*s));
    json_t *opened AUTO_JSON = NULL;

    fixture_start(&s->f, NETWORK_DEV, owner_modules);
    fixture_run(&s->f, "alice", "dev.faucet", "{'amount':100000}");
    opened = fixture_do(&s->f, "alice", "owner.open", "{}");
    s->domain = (uint64_t)json_integer_value(json_object_get(opened, "domain"));
    *state = s;
    return 0;
}

int scene_teardown(void **state)
{
    struct scene *s = *state;

    fixture_audit(&s->f);
    fixture_replay(&s->f);
    fixture_stop(&s->f);
    memory_free_pointer(state);
    return 0;
}

void run(struct scene *s, const char *method, const char *more, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, more);
    vsnprintf(text, sizeof(text), more, arguments);
    va_end(arguments);
    fixture_run(&s->f, "alice", method, "{'domain':%" PRIu64 "%s}", s->domain, text);
    fixture_audit(&s->f);
}

uint64_t balance(struct scene *s, const char *who)
{
    char *sql AUTO_FREE = text_format("SELECT coalesce((SELECT amount FROM balance JOIN account"
                                      " ON account.id = balance.account WHERE address = '%s'), 0)",
                                      fixture_address(&s->f, who));

    return (uint64_t)fixture_sql(&s->f, sql);
}

uint64_t escrowed(struct scene *s)
{
    return (uint64_t)fixture_sql(&s->f, "SELECT coalesce((SELECT amount FROM balance JOIN message_domain"
                                        " ON escrow = account), 0)");
}

void deposit(struct scene *s, uint64_t amount)
{
    int64_t number = fixture_sql(&s->f, "SELECT count(*) FROM inbox");

    run(s, "owner.queue", ",'amount':%" PRIu64 ",'window':%" PRIu64, amount, (uint64_t)HOUR);
    run(s, "owner.include", ",'first':%" PRId64 ",'behind':%" PRId64, number, number + 1);
    run(s, "owner.done", ",'first':%" PRId64 ",'behind':%" PRId64, number, number + 1);
}
