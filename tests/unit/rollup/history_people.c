/* Who uses rollups, and who proposes batches, in random histories: see history.h. */
#include "history.h"

#include "crypto/hash.h"
#include "layer2/rollup/data.h"

#define TRANSFERS_MOST 5 /* in a batch of the proposer's */

static struct side *any_side(struct history *h)
{
    return &h->sides[roll(h, SIDES)];
}

static json_t *hex_json(const void *data, size_t size)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };

    buffer_append_hex(&text, data, size);
    return json_string(buffer_text(&text));
}

/* --- transactions inside ------------------------------------------------------------------------ */
static bool inside(struct history *h, const struct side *side, const char *who, uint32_t *index,
                   struct rollup_account *account)
{
    const struct rollup_account *found;

    if (!rollup_state_find(side->state, &fixture_key(&h->f, who)->account, index))
        return false;
    found = rollup_state_account(side->state, *index);
    assert_non_null(found);
    *account = *found;
    return true;
}

static void sign(struct history *h, const struct side *side, const char *who, struct item *item,
                 struct buffer *out)
{
    static const uint8_t aux[32];

    transaction_digest(item, &side->rollup.id);
    assert_true(schnorr_sign(fixture_key(&h->f, who)->secret, &item->digest, aux, &item->signature));
    rollup_transaction_encode(item, out);
}

/* `skip`: transactions of his that go before it. False: he has no account, or nothing in it. */
static bool transaction_of(struct history *h, const struct side *side, const char *who, unsigned skip,
                           struct item *item)
{
    struct rollup_account account;
    uint32_t index;

    *item = (struct item){ .kind = ITEM_TRANSFER, .asset = (unsigned)roll(h, ASSETS), .output_count = 1 };
    if (!inside(h, side, who, &index, &account) || account.balances[item->asset] < 8)
        return false;
    item->from = index;
    item->nonce = account.nonce + skip;
    item->outputs[0].to = (uint32_t)roll(h, rollup_state_accounts(side->state));
    item->outputs[0].amount = 1 + roll(h, account.balances[item->asset] / 8);
    if (one_in(h, 3)) {
        item->kind = ITEM_WITHDRAWAL;
        item->amount = item->outputs[0].amount;
        item->recipient = fixture_key(&h->f, who)->account;
        item->output_count = 0;
        memset(item->outputs, 0, sizeof(item->outputs));
    }
    return true;
}

/* --- the users ----------------------------------------------------------------------------------- */
static void deposit(struct history *h)
{
    const char *who = users[roll(h, USERS)], *symbol = symbols[roll(h, ASSETS)];
    const char *key = one_in(h, 4) ? users[roll(h, USERS)] : who;
    uint64_t domain = any_side(h)->domain;

    (void)attempt(h, who, "rollup.deposit",
                  fixture_json("{'domain':%" PRIu64 ",'asset':'%s','amount':%" PRIu64 ",'key':'%s'}", domain,
                               symbol, 1 + roll(h, 1000), fixture_address(&h->f, key)));
}

static void force(struct history *h)
{
    const char *who = users[roll(h, USERS)];
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct side *side = any_side(h);
    struct item item;
    json_t *params;

    if (one_in(h, 3)) { /* whoever asks may have no account, or not so much */
        const char *symbol = symbols[roll(h, ASSETS)];

        who = one_in(h, 3) ? "fred" : who;
        params = fixture_json("{'domain':%" PRIu64 ",'asset':'%s','amount':%" PRIu64 "}", side->domain,
                              symbol, 1 + roll(h, 500));
        h->counts->exit_forced += attempt(h, who, "rollup.exit", params) == OK;
        return;
    }
    if (one_in(h, 3) || !transaction_of(h, side, who, 0, &item)) {
        buffer_append(&bytes, "no transaction", 1 + roll(h, 14));
    } else {
        item.nonce += one_in(h, 4);
        sign(h, one_in(h, 4) ? &h->sides[0] : side, who, &item, &bytes);
    }
    params = json_pack("{s:I, s:o}", "domain", (json_int_t)side->domain, "transaction",
                       hex_json(bytes.data, bytes.size));
    h->counts->forced += attempt(h, who, "rollup.force", params) == OK;
}

/* To the node that makes the second rollup's batches. */
static void send(struct history *h)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct side *side = &h->sides[1];
    const char *who = users[roll(h, USERS)];
    struct reply reply;
    struct item item;

    if (side->operator_ != NULL || !transaction_of(h, side, who, 0, &item))
        return;
    sign(h, side, who, &item, &bytes);
    reply = fixture_call(&h->f, "rollup.submit",
                         json_pack("{s:I, s:o}", "domain", (json_int_t)side->domain, "transaction",
                                   hex_json(bytes.data, bytes.size)));
    side->sent += reply.status == OK;
    reply_close(&reply);
}

void users_act(struct history *h)
{
    for (uint64_t i = 1 + roll(h, 3); i > 0; i--) {
        if (one_in(h, 3))
            force(h);
        else if (one_in(h, 2))
            send(h);
        else
            deposit(h);
    }
}

/* --- the proposer -------------------------------------------------------------------------------- */
struct proposal {
    struct side *side;
    struct batch_place place;
    uint64_t inbox_to;
    struct buffer data;
    struct batch_result result;
};

/* One transaction more that cannot be executed where it stands. */
static void add_wrong(struct history *h, const struct side *side, enum lie lie, struct buffer *data)
{
    const struct account_id stranger = fixture_key(&h->f, "dave")->account;
    const char *who = users[roll(h, USERS)];
    struct rollup_account account;
    struct item item = { .kind = ITEM_TRANSFER, .output_count = 1, .outputs = { { 0, 5 } } };
    uint32_t index = 0;

    if (inside(h, side, who, &index, &account))
        item.nonce = account.nonce;
    item.from = index;
    switch (lie) {
    case LIE_SIGNATURE: /* what is not his */
        sign(h, side, "paul", &item, data);
        return;
    case LIE_OTHER_ROLLUP:
        sign(h, &h->sides[1], who, &item, data);
        return;
    case LIE_NONCE:
        item.nonce += 7;
        sign(h, side, who, &item, data);
        return;
    case LIE_BALANCE:
        item.outputs[0].amount = INTEGER_MAX / 2;
        sign(h, side, who, &item, data);
        return;
    case LIE_REGISTRATION: /* a key that has an account, and a fee that nobody could pay */
        item = (struct item){ .kind = ITEM_REGISTRATION, .from = index, .nonce = item.nonce, .key = stranger,
                              .fee = INTEGER_MAX / 2 };
        sign(h, side, who, &item, data);
        return;
    case LIE_NONE: case LIE_ROOT: case LIE_STOLEN: case LIE_WITHDRAWAL_ROOT: case LIE_WITHDRAWALS: case LIES:
        return;
    }
}

static void add_transactions(struct history *h, const struct side *side, struct buffer *data)
{
    unsigned skip[USERS] = { 0 };

    for (uint64_t i = roll(h, TRANSFERS_MOST); i > 0; i--) {
        size_t user = roll(h, USERS);
        struct item item;

        if (!transaction_of(h, side, users[user], skip[user], &item))
            continue;
        skip[user]++;
        sign(h, side, users[user], &item, data);
    }
}

/* The root of a state in which the operator has what others lost. */
static void steal(struct side *side, struct hash *root)
{
    const struct leaf_place place = { .kind = LEAF_ACCOUNT, .index = 0 };
    struct leaf before = { .kind = LEAF_ACCOUNT, .account = *rollup_state_account(side->state, 0) };
    struct leaf after = before;

    after.account.balances[0] += 1000;
    rollup_state_load(side->state, &place, &after);
    rollup_state_root(side->state, root);
    rollup_state_load(side->state, &place, &before);
}

/* What it leads to, by the model; false: it is invalid, or stands on what is wrong, so that it leads
 * nowhere. */
static bool execute(struct history *h, struct proposal *p, enum lie lie)
{
    struct arena arena CLEANUP(arena_close);
    struct batch_effects effects;
    enum item_fault fault;
    struct batch batch;
    struct error error;
    enum status status;
    uint64_t invalid;

    arena_init(&arena);
    status = batch_assemble(h->reader, &p->side->rollup, &p->place, p->inbox_to, buffer_bytes(&p->data),
                            &arena, &batch, &error);
    if (status != OK)
        fail_msg("%s", error.message);
    if (p->side->wrong ||
        rollup_execute(p->side->state, &batch, NULL, &p->result, &effects, &invalid, &fault, &error) != OK)
        return false;
    for (uint64_t i = 0; i < batch.machine.inbox_items; i++)
        h->counts->nulls += effects.faults[i] != FAULT_NONE;
    if (lie == LIE_STOLEN)
        steal(p->side, &p->result.root);
    rollup_revert(p->side->state, effects.changes, effects.change_count);
    batch_effects_close(&effects);
    return true;
}

static void tell_lie(struct history *h, struct proposal *p, enum lie lie, bool executed)
{
    uint8_t number[8];

    put_be64(number, roll(h, UINT64_MAX));
    if (lie == LIE_ROOT || !executed)
        tagged_hash(&p->result.root, "test/root", number, sizeof(number));
    if (lie == LIE_WITHDRAWAL_ROOT || !executed)
        tagged_hash(&p->result.withdrawal_root, "test/withdrawals", number, sizeof(number));
    if (!executed)
        p->result.withdrawals = p->place.withdrawals;
    if (lie == LIE_WITHDRAWALS)
        p->result.withdrawals++;
}

static json_t *proposal_params(struct proposal *p)
{
    struct buffer published CLEANUP(buffer_close) = { 0 };
    char root[65], withdrawal_root[65], parent[65];
    json_t *params;

    hex_of(root, &p->result.root);
    hex_of(withdrawal_root, &p->result.withdrawal_root);
    hex_of(parent, &p->place.parent);
    params = fixture_json("{'domain':%" PRIu64 ",'number':%" PRIu64 ",'root':'%s','withdrawal_root':'%s',"
                          "'withdrawals':%" PRIu64 ",'inbox_to':%" PRIu64 "}", p->side->domain,
                          p->place.number, root, withdrawal_root, p->result.withdrawals, p->inbox_to);
    if (p->place.number > 1)
        json_object_set_new(params, "parent", json_string(parent));
    data_deflate(buffer_bytes(&p->data), &published);
    if (published.size > 0)
        json_object_set_new(params, "data", hex_json(published.data, published.size));
    return params;
}

/* As much of the inbox as he must take in, or more. */
static uint64_t inbox_end_of(struct history *h, const struct side *side, const struct batch_place *place)
{
    uint64_t count = (uint64_t)ask(h, "SELECT count(*) FROM inbox WHERE domain = %" PRIu64, side->domain);
    uint64_t overdue = inbox_overdue_end(h->reader, side->domain, place->inbox_from, h->now_us);
    uint64_t least = overdue > place->inbox_from ? overdue : place->inbox_from;

    return h->takes_all ? count : least + roll(h, count - least + 1);
}

void proposer_proposes(struct history *h, struct side *side, enum lie lie)
{
    struct proposal p = { .side = side };
    enum status status;
    bool executed;

    history_look(h);
    if (side->operator_ == NULL || side->rollup.frozen)
        return;
    batch_place_next(h->reader, &side->rollup, &p.place);
    p.inbox_to = inbox_end_of(h, side, &p.place);
    add_transactions(h, side, &p.data);
    add_wrong(h, side, lie, &p.data);
    if (p.inbox_to > p.place.inbox_from || p.data.size > 0) {
        executed = execute(h, &p, lie);
        tell_lie(h, &p, lie, executed);
        status = attempt(h, side->operator_, "rollup.propose", proposal_params(&p));
        if (h->now_us < side->rollup.jailed_until_us)
            assert_int_equal(status, ERROR_OPERATOR_JAILED);
        else if (!side->wrong) /* what is wrong may fall while he proposes */
            assert_string_equal(status_name(status), status_name(OK));
        h->counts->batches += status == OK;
        h->counts->lies[lie] += status == OK;
    }
    buffer_close(&p.data);
    history_look(h);
}

void proposer_acts(struct history *h)
{
    struct side *side = any_side(h);
    bool honest = side != &h->sides[0] || one_in(h, 2);

    proposer_proposes(h, side, honest ? LIE_NONE : (enum lie)roll(h, LIES));
}

/* --- withdrawals --------------------------------------------------------------------------------- */
static bool read_subtree(void *context, unsigned level, uint64_t index, struct hash *hash)
{
    const struct side *side = context;
    uint8_t message[WITHDRAWAL_SIZE];
    struct hash left, right;

    if (level == 0) {
        withdrawal_encode(&side->withdrawals[index], message);
        outbox_leaf(hash, message, sizeof(message));
        return index < side->withdrawal_count;
    }
    if (!read_subtree(context, level - 1, 2 * index, &left) ||
        !read_subtree(context, level - 1, 2 * index + 1, &right))
        return false;
    outbox_shape()->node(hash, &left, &right);
    return true;
}

static uint64_t final_withdrawals(struct history *h, const struct side *side)
{
    int64_t count = ask(h, "SELECT count FROM message_domain WHERE domain = %" PRIu64, side->domain);

    return count < 0 ? 0 : (uint64_t)count;
}

/* Proved under the root of the first `count`, in the domain `domain`. */
static enum status claim(struct history *h, struct side *side, uint64_t number, uint64_t count,
                         uint64_t domain)
{
    const struct withdrawal *w = &side->withdrawals[number];
    char recipient[65], text[2 * OUTBOX_PROOF_SIZE + 1];
    struct outbox_proof proof = { 0 };

    assert_true(number >= count || outbox_prove(outbox_shape(), number, count, read_subtree, side, &proof));
    hex_text(recipient, w->recipient.bytes, sizeof(w->recipient.bytes));
    hex_text(text, proof.siblings, OUTBOX_PROOF_SIZE);
    return attempt(h, "fred", "message.claim",
                   fixture_json("{'domain':%" PRIu64 ",'number':%" PRIu64 ",'asset':%u,'amount':%" PRIu64
                                ",'recipient':'%s','proof':'%s'}", domain, number, w->asset, w->amount,
                                recipient, text));
}

static bool is_claimed(struct history *h, const struct side *side, uint64_t number)
{
    return ask(h, "SELECT count(*) FROM withdrawal_claim WHERE domain = %" PRIu64 " AND number = %" PRIu64,
               side->domain, number) > 0;
}

static void claim_one(struct history *h, struct side *side, uint64_t number)
{
    uint64_t final = final_withdrawals(h, side);
    bool claimed = is_claimed(h, side, number);
    enum status expected = claimed ? ERROR_ALREADY_CLAIMED : number >= final ? ERROR_NOT_FINAL : OK;

    assert_string_equal(status_name(claim(h, side, number, final, side->domain)), status_name(expected));
    h->counts->claims += expected == OK;
    h->counts->claims_again += claimed;
    history_look(h);
}

void claimer_acts(struct history *h)
{
    struct side *side = any_side(h);

    history_look(h);
    if (side->withdrawal_count > 0)
        claim_one(h, side, roll(h, side->withdrawal_count));
}

void claim_all(struct history *h)
{
    history_look(h);
    for (size_t i = 0; i < SIDES; i++) {
        for (uint64_t number = 0; number < final_withdrawals(h, &h->sides[i]); number++) {
            claim_one(h, &h->sides[i], number);
            claim_one(h, &h->sides[i], number);
        }
    }
}

/* --- the way out --------------------------------------------------------------------------------- */
static enum status escape_answer(struct history *h, const struct side *side)
{
    struct inbox_item oldest;

    history_look(h);
    if (side->rollup.frozen)
        return ERROR_ROLLUP_FROZEN;
    return inbox_oldest(h->reader, side->domain, &oldest) && h->now_us >= oldest.queued_us + ESCAPE_US &&
                   h->now_us >= oldest.deadline_us
               ? OK : ERROR_INBOX_IN_TIME;
}

void somebody_escapes(struct history *h)
{
    struct side *side = any_side(h);
    enum status expected = escape_answer(h, side);
    enum status status =
        attempt(h, "fred", "rollup.escape", fixture_json("{'domain':%" PRIu64 "}", side->domain));

    if (status != expected) /* the sequencer, or a batch that fell, was quicker */
        expected = status == OK ? expected : escape_answer(h, side);
    assert_string_equal(status_name(status), status_name(expected));
    h->counts->escapes += status == OK;
    history_look(h);
}

static enum status exit_one(struct history *h, struct side *side, struct rollup_state *final, uint32_t index,
                            unsigned asset)
{
    const struct leaf_place place = { .kind = LEAF_ACCOUNT, .index = index };
    struct buffer leaf_bytes CLEANUP(buffer_close) = { 0 };
    struct buffer proof_bytes CLEANUP(buffer_close) = { 0 };
    struct state_proof proof;
    struct leaf leaf;
    bool present;

    rollup_state_prove(final, &place, &proof, &leaf, &present);
    assert_true(present);
    leaf_encode(&leaf, &leaf_bytes);
    state_proof_encode(&proof, &proof_bytes);
    return attempt(h, "fred", "rollup.exit_frozen",
                   json_pack("{s:I, s:I, s:s, s:o, s:o}", "domain", (json_int_t)side->domain, "account",
                             (json_int_t)index, "asset", symbols[asset], "leaf",
                             hex_json(leaf_bytes.data, leaf_bytes.size), "proof",
                             hex_json(proof_bytes.data, proof_bytes.size)));
}

static int64_t base_balance(struct history *h, const struct account_id *account, unsigned asset)
{
    char hex[65];
    int64_t amount;

    hex_text(hex, account->bytes, sizeof(account->bytes));
    amount = ask(h, "SELECT amount FROM balance JOIN asset ON asset.id = asset WHERE domain = 0 AND account ="
                    " x'%s' AND symbol = '%s'", hex, symbols[asset]);
    return amount < 0 ? 0 : amount;
}

/* Each account's whole balance in the final state, once: neither less nor more, neither to others nor
 * again. */
static void exit_account(struct history *h, struct side *side, struct rollup_state *final, uint32_t index,
                         unsigned asset)
{
    const struct rollup_account *found = rollup_state_account(final, index);
    const struct rollup_account account = *found;
    bool before = ask(h, "SELECT count(*) FROM rollup_exit WHERE domain = %" PRIu64 " AND account = %" PRIu32
                         " AND asset = %u", side->domain, index, asset) > 0;
    int64_t balance = base_balance(h, &account.key, asset);
    enum status expected = before ? ERROR_EXITED_BEFORE
                           : account.balances[asset] == 0 ? ERROR_INSUFFICIENT_BALANCE : OK;

    assert_string_equal(status_name(exit_one(h, side, final, index, asset)), status_name(expected));
    history_look(h);
    assert_int_equal(base_balance(h, &account.key, asset) - balance,
                     expected == OK ? (int64_t)account.balances[asset] : 0);
    h->counts->exits += expected == OK;
    h->counts->exits_again += before;
}

void exit_all(struct history *h, struct side *side)
{
    struct rollup_state *final = model_at(h, side, (size_t)side->rollup.final);

    for (uint32_t i = 0; i < rollup_state_accounts(final); i++) {
        for (unsigned asset = 0; asset < ASSETS; asset++) {
            exit_account(h, side, final, i, asset);
            exit_account(h, side, final, i, asset);
        }
    }
    rollup_state_free(final);
}

static void exit_any(struct history *h, struct side *side, struct rollup_state *final)
{
    uint32_t index = (uint32_t)roll(h, rollup_state_accounts(final));

    exit_account(h, side, final, index, (unsigned)roll(h, ASSETS));
}

void somebody_exits(struct history *h)
{
    struct side *side = any_side(h);
    struct rollup_state *final;

    history_look(h);
    final = model_at(h, side, (size_t)side->rollup.final);
    if (side->rollup.frozen)
        exit_any(h, side, final);
    else
        assert_string_equal(status_name(exit_one(h, side, final, 0, 0)),
                            status_name(ERROR_ROLLUP_NOT_FROZEN));
    rollup_state_free(final);
}

/* --- what must be refused ------------------------------------------------------------------------ */
static void refused_proposal(struct history *h, struct side *side)
{
    uint64_t count = (uint64_t)ask(h, "SELECT count(*) FROM inbox WHERE domain = %" PRIu64, side->domain);
    struct proposal p = { .side = side };
    enum status expected = ERROR_WRONG_INBOX_RANGE, status;
    const char *who = side->operator_ != NULL ? side->operator_ : "paul";

    batch_place_next(h->reader, &side->rollup, &p.place);
    p.inbox_to = count;
    if (side->rollup.frozen) {
        expected = ERROR_ROLLUP_FROZEN;
    } else if (side->operator_ == NULL || one_in(h, 4)) {
        who = "eve";
        expected = ERROR_NOT_THE_OPERATOR;
    } else if (h->now_us < side->rollup.jailed_until_us) {
        expected = ERROR_OPERATOR_JAILED;
    } else if (one_in(h, 3)) {
        p.place.number++;
        expected = ERROR_WRONG_PARENT;
    } else if (p.place.number > 1 && one_in(h, 2)) {
        p.place.parent.bytes[3] ^= 1;
        expected = ERROR_WRONG_PARENT;
    } else if (p.place.inbox_from > 0 && one_in(h, 2)) {
        p.inbox_to = p.place.inbox_from - 1;
    } else {
        p.inbox_to = count + 1;
    }
    status = attempt(h, who, "rollup.propose", proposal_params(&p));
    if (side->wrong && status == ERROR_OPERATOR_JAILED)
        return; /* what is wrong may fall at any time */
    assert_string_equal(status_name(status), status_name(expected));
}

static void refuse_claim(struct history *h, struct side *side, uint64_t number, uint64_t count,
                         const struct side *domain)
{
    bool claimed = is_claimed(h, domain, number);
    enum status expected = claimed ? ERROR_ALREADY_CLAIMED
                           : number >= final_withdrawals(h, domain) ? ERROR_NOT_FINAL : ERROR_WRONG_PROOF;

    assert_string_equal(status_name(claim(h, side, number, count, domain->domain)), status_name(expected));
}

/* A withdrawal of the one rollup in the other, and one under the root of earlier ones. */
static void refused_claim(struct history *h, struct side *side)
{
    uint64_t final = final_withdrawals(h, side), number;

    if (final == 0)
        return;
    number = roll(h, final);
    refuse_claim(h, side, number, final, side == &h->sides[0] ? &h->sides[1] : &h->sides[0]);
    if (number + 1 < final)
        refuse_claim(h, side, number, final - 1, side);
}

static void refused_proof(struct history *h, struct side *side)
{
    char batch[65];

    if (side->count == 0)
        return;
    hex_of(batch, &side->batches[side->count - 1]);
    assert_int_not_equal(attempt(h, "eve", "fraud.prove",
                                 fixture_json("{'batch':'%s','salt':'%064d','proof':'00'}", batch, 1)), OK);
}

void trickster_acts(struct history *h)
{
    struct side *side = any_side(h);

    history_look(h);
    switch (roll(h, 3)) {
    case 0:
        refused_proposal(h, side);
        break;
    case 1:
        refused_claim(h, side);
        break;
    default:
        refused_proof(h, side);
        break;
    }
    h->counts->negatives++;
    history_look(h);
}
