/* Applications as random play takes them: see kit.h. */
#include "kit.h"

#include "crypto/hash.h"

#define STAKE 100
#define FEE 5
#define HOURS (60 * MINUTE)

const char *const kit_people[KIT_PEOPLE] = { "alice", "bob", "carol" };

/* --- states ----------------------------------------------------------------------------------- */
void kit_copy(struct kit_state *to, const struct kit_state *from)
{
    *to = *from;
    to->state.allocations = to->all;
    to->state.data = bytes_of(to->data, from->state.data.size);
}

static void set_data(struct kit_state *s, const void *data, size_t size)
{
    memcpy(s->data, data, size);
    s->state.data = bytes_of(s->data, size);
}

static void set_shares(struct game *g, struct kit_state *s, const uint64_t *amounts)
{
    uint64_t turn = s->state.turn;

    s->state = state_of(&g->p.fixed, turn, amounts, s->all);
    s->state.data = bytes_of(s->data, 0);
}

static bool is_entry_of(const struct game *g, const struct kit_state *s, size_t i)
{
    return s->all[i].kind == ALLOCATION_SIMPLE &&
           account_equal(&s->all[i].account, &g->p.fixed.participants[i]);
}

static bool has_shares(const struct game *g, const struct kit_state *s, const uint64_t *amounts)
{
    size_t count = g->kit->participants;
    bool good = s->state.allocation_count == count;

    for (size_t i = 0; good && i < count; i++)
        good = is_entry_of(g, s, i) && s->all[i].amount == amounts[i];
    return good;
}

struct hash kit_preimage(const struct game *g, uint64_t number)
{
    struct hash preimage = { { 0 } };

    put_be64(preimage.bytes, g->p.fixed.nonce);
    put_be64(preimage.bytes + 8, number);
    return preimage;
}

/* --- consensus: whatever is signed ------------------------------------------------------------ */
static void consensus_begin(struct game *g, struct kit_state *first)
{
    set_shares(g, first, (uint64_t[]){ 300, 200, 100, UINT64_MAX });
}

static bool consensus_step(struct game *g, const struct kit_state *from, struct kit_state *to)
{
    size_t payer = random_below(&g->seed, 3), payee = random_below(&g->seed, 3);
    uint64_t part = random_below(&g->seed, from->all[payer].amount + 1);

    to->all[payer].amount -= part;
    to->all[payee].amount += part;
    to->mover = random_below(&g->seed, 3);
    set_data(to, "any", random_below(&g->seed, 4));
    return true;
}

static bool consensus_lawful(const struct game *g, const struct kit_state *from, const struct kit_state *to,
                             size_t mover)
{
    (void)g, (void)from, (void)to, (void)mover;
    return true;
}

/* --- voucher: the payee gains ----------------------------------------------------------------- */
static void voucher_begin(struct game *g, struct kit_state *first)
{
    set_shares(g, first, (uint64_t[]){ 500, 7, UINT64_MAX });
}

static void redeem(struct game *g, struct kit_state *to, uint64_t amount)
{
    struct hash hash;
    struct signature signature;
    uint8_t data[72];

    channel_voucher_hash(&g->p.id, amount, &hash);
    assert_true(schnorr_sign(fixture_key(&g->p.f, kit_people[0])->secret, &hash, NULL, &signature));
    put_be64(data, amount);
    memcpy(data + 8, signature.bytes, sizeof(signature.bytes));
    set_data(to, data, sizeof(data));
}

static bool voucher_step(struct game *g, const struct kit_state *from, struct kit_state *to)
{
    uint64_t part;

    if (from->all[0].amount == 0)
        return false;
    part = 1 + random_below(&g->seed, from->all[0].amount);
    to->all[0].amount -= part;
    to->all[1].amount += part;
    to->mover = random_below(&g->seed, 2);
    if (from->state.turn == 1 && random_below(&g->seed, 3) > 0)
        redeem(g, to, part);
    return true;
}

static bool voucher_lawful(const struct game *g, const struct kit_state *from, const struct kit_state *to,
                           size_t mover)
{
    (void)mover;
    return to->state.allocation_count == 2 && is_entry_of(g, to, 0) && is_entry_of(g, to, 1) &&
           to->all[1].amount >= from->all[1].amount;
}

static bool voucher_least(const struct game *g, size_t index, struct support *support)
{
    *support = (struct support){ 2, { 1, index }, { 3, 2 } };
    return g->states[index].state.turn == 2 && g->states[index].state.data.size > 0;
}

/* --- escrow: one of five ends ----------------------------------------------------------------- */
static const uint64_t escrow_ends[5][4] = { { 400, 0, 0, UINT64_MAX },
                                            { 0, 400, 0, UINT64_MAX },
                                            { 400, 0, 0, UINT64_MAX },
                                            { 0, 400 - FEE, FEE, UINT64_MAX },
                                            { 400 - FEE, 0, FEE, UINT64_MAX } };

static void escrow_decide(struct game *g, struct kit_state *s, uint8_t decision)
{
    set_shares(g, s, escrow_ends[decision]);
    set_data(s, &decision, 1);
}

static void escrow_begin(struct game *g, struct kit_state *first)
{
    put_be64(g->terms, FEE);
    g->p.fixed.terms = bytes_of(g->terms, 8);
    escrow_decide(g, first, 0);
}

static bool escrow_step(struct game *g, const struct kit_state *from, struct kit_state *to)
{
    escrow_decide(g, to, (uint8_t)(random_below(&g->seed, 9) / 2)); /* seldom 4, never 5 */
    to->mover = random_below(&g->seed, 3);
    return from->data[0] == 0;
}

static bool escrow_lawful(const struct game *g, const struct kit_state *from, const struct kit_state *to,
                          size_t mover)
{
    (void)mover;
    return from->data[0] == 0 && to->state.data.size == 1 && to->data[0] < 5 &&
           has_shares(g, to, escrow_ends[to->data[0]]);
}

/* Both sides for what they agree on; the third with the one who gains for the rest. */
static bool escrow_least(const struct game *g, size_t index, struct support *support)
{
    static const uint32_t who[5] = { 0, 3, 3, 6, 5 };
    const struct kit_state *s = &g->states[index];

    *support = (struct support){ 2, { 1, index }, { 7, s->state.turn == 2 ? who[s->data[0]] : 0 } };
    return s->state.turn == 2 && s->data[0] > 0;
}

/* --- tictactoe: marks in a magic square, where lines add up to 15 ------------------------------ */
static const unsigned magic[9] = { 2, 7, 6, 9, 5, 1, 4, 3, 8 };

static bool has_line(const uint8_t *board, uint8_t mark)
{
    for (size_t i = 0; i < 9; i++)
        for (size_t j = i + 1; j < 9; j++)
            for (size_t k = j + 1; k < 9; k++)
                if (board[i] == mark && board[j] == mark && board[k] == mark &&
                    magic[i] + magic[j] + magic[k] == 15)
                    return true;
    return false;
}

static void tictactoe_begin(struct game *g, struct kit_state *first)
{
    uint8_t data[25] = { 0 };

    put_be64(g->terms, STAKE);
    g->p.fixed.terms = bytes_of(g->terms, 8);
    put_be64(data + 9, 300);
    put_be64(data + 17, 250);
    set_shares(g, first, (uint64_t[]){ 300, 250, UINT64_MAX });
    set_data(first, data, sizeof(data));
}

static bool tictactoe_mark(const struct kit_state *from, struct kit_state *to, size_t field)
{
    size_t mover = (from->state.turn + 1) % 2;
    bool draw;

    if (from->data[field] != 0 || has_line(from->data, 1) || has_line(from->data, 2))
        return false;
    set_data(to, from->data, 25);
    to->data[field] = (uint8_t)(mover + 1);
    to->mover = mover;
    draw = memchr(to->data, 0, 9) == NULL && !has_line(to->data, (uint8_t)(mover + 1));
    to->all[mover].amount = (mover == 0 ? 300 : 250) + (draw ? 0 : STAKE);
    to->all[1 - mover].amount = (mover == 0 ? 250 : 300) - (draw ? 0 : STAKE);
    return true;
}

static bool tictactoe_step(struct game *g, const struct kit_state *from, struct kit_state *to)
{
    size_t first = random_below(&g->seed, 9);

    for (size_t i = 0; i < 9; i++) {
        if (tictactoe_mark(from, to, (first + i) % 9))
            return true;
    }
    return false;
}

static bool tictactoe_lawful(const struct game *g, const struct kit_state *from, const struct kit_state *to,
                             size_t mover)
{
    for (size_t field = 0; field < 9; field++) {
        struct kit_state made;

        kit_copy(&made, from);
        if (tictactoe_mark(from, &made, field) && mover == made.mover && to->state.data.size == 25 &&
            memcmp(to->data, made.data, 25) == 0)
            return has_shares(g, to, (uint64_t[]){ made.all[0].amount, made.all[1].amount });
    }
    return false;
}

static bool tictactoe_least(const struct game *g, size_t index, struct support *support)
{
    const struct kit_state *s = &g->states[index];

    *support = (struct support){ 2, { s->before, index }, { 1u << (s->state.turn + 1) % 2,
                                                            1u << s->state.turn % 2 } };
    return s->state.turn > 2;
}

/* --- payment: nobody loses but by a preimage --------------------------------------------------- */
static void payment_begin(struct game *g, struct kit_state *first)
{
    static const uint8_t none[8];

    put_be64(g->terms, 10); /* reserves */
    put_be64(g->terms + 8, 20);
    put_be64(g->terms + 16, 2); /* least, largest */
    put_be64(g->terms + 24, 90);
    g->terms[32] = 0;
    g->terms[33] = 4;
    g->p.fixed.terms = bytes_of(g->terms, 34);
    set_shares(g, first, (uint64_t[]){ 600, 500, UINT64_MAX });
    set_data(first, none, sizeof(none));
}

static size_t offerer_of(const struct game *g, const struct allocation *lock)
{
    return account_equal(&lock->refund, &g->p.fixed.participants[0]) ? 0 : 1;
}

static void drop(struct kit_state *s, size_t entry, size_t winner)
{
    s->all[winner].amount += s->all[entry].amount;
    memmove(&s->all[entry], &s->all[entry + 1], (s->state.allocation_count - entry - 1) * sizeof(s->all[0]));
    s->state.allocation_count--;
}

static void end_lock(struct game *g, struct kit_state *to, size_t entry)
{
    struct hash preimage = kit_preimage(g, (uint64_t)(to->all[entry].expiry_us - g->expiry_us));

    if (offerer_of(g, &to->all[entry]) != to->mover && random_below(&g->seed, 2) == 0) {
        memcpy(to->data + 8, preimage.bytes, 32);
        to->state.data.size = 40;
        drop(to, entry, to->mover);
    } else {
        drop(to, entry, 1 - to->mover); /* given, or given back */
    }
}

static void offer(struct game *g, struct kit_state *to)
{
    uint64_t number = ++g->number, amount = 2 + random_below(&g->seed, 89);
    struct hash preimage = kit_preimage(g, number);
    struct allocation *lock = &to->all[to->state.allocation_count++];

    assert_true(number < KIT_NUMBERS);
    *lock = (struct allocation){ .kind = ALLOCATION_HASHLOCK, .amount = amount,
                                 .account = g->p.fixed.participants[1 - to->mover],
                                 .refund = g->p.fixed.participants[to->mover],
                                 .expiry_us = g->expiry_us + (int64_t)number };
    sha256(&lock->hash, preimage.bytes, 32);
    to->all[to->mover].amount -= amount;
}

static bool payment_step(struct game *g, const struct kit_state *from, struct kit_state *to)
{
    size_t locks = from->state.allocation_count - 2;
    uint8_t turn[8];

    put_be64(turn, from->state.turn);
    set_data(to, turn, sizeof(turn));
    to->mover = random_below(&g->seed, 2);
    if (locks == 4 || (locks > 0 && random_below(&g->seed, 2) == 0)) {
        end_lock(g, to, 2 + random_below(&g->seed, locks));
    } else if (from->all[to->mover].amount < 120) {
        return false;
    } else if (random_below(&g->seed, 3) == 0) {
        to->all[to->mover].amount -= 5;
        to->all[1 - to->mover].amount += 5;
    } else {
        offer(g, to);
    }
    return true;
}

static uint64_t claims_of(const struct game *g, const struct kit_state *s, size_t side)
{
    uint64_t sum = s->all[side].amount;

    for (size_t i = 2; i < s->state.allocation_count; i++)
        sum += offerer_of(g, &s->all[i]) == side ? s->all[i].amount : 0;
    return sum;
}

/* What the preimages shown in `to` take from `side`. */
static uint64_t taken_from(const struct game *g, const struct kit_state *from, const struct kit_state *to,
                           size_t side)
{
    uint64_t sum = 0;

    for (size_t at = 8; at + 32 <= to->state.data.size; at += 32) {
        struct hash hash;

        sha256(&hash, to->data + at, 32);
        for (size_t i = 2; i < from->state.allocation_count; i++) {
            if (hash_equal(&from->all[i].hash, &hash) && offerer_of(g, &from->all[i]) == side)
                sum += from->all[i].amount;
        }
    }
    return sum;
}

static bool payment_lawful(const struct game *g, const struct kit_state *from, const struct kit_state *to,
                           size_t mover)
{
    uint64_t before = 0, after = 0;

    return channel_outcome_total(&from->state, 0, &before) && channel_outcome_total(&to->state, 0, &after) &&
           after >= before && is_entry_of(g, to, 0) && is_entry_of(g, to, 1) &&
           claims_of(g, to, 1 - mover) + taken_from(g, from, to, 1 - mover) >= claims_of(g, from, 1 - mover);
}

/* --- all of them -------------------------------------------------------------------------------- */
const struct kit kits[] = {
    { &application_consensus, 3, consensus_begin, consensus_step, consensus_lawful, true, NULL },
    { &application_escrow, 3, escrow_begin, escrow_step, escrow_lawful, true, escrow_least },
    { &application_payment, 2, payment_begin, payment_step, payment_lawful, false, NULL },
    { &application_tictactoe, 2, tictactoe_begin, tictactoe_step, tictactoe_lawful, true, tictactoe_least },
    { &application_voucher, 2, voucher_begin, voucher_step, voucher_lawful, true, voucher_least },
};
const size_t kit_count = sizeof(kits) / sizeof(kits[0]);

/* --- games -------------------------------------------------------------------------------------- */
void game_begin(struct game *g, const struct kit *kit, uint64_t nonce)
{
    struct kit_state *first = &g->states[0];
    struct place *p = &g->p;
    struct error error = { .message = "" };

    describe(p, kit_people[0], kit_people[1], nonce);
    strcpy(p->fixed.application, kit->application->name);
    p->fixed.participants[2] = fixture_key(&p->f, kit_people[2])->account;
    p->fixed.participant_count = kit->participants;
    g->kit = kit;
    g->expiry_us = fixture_now(&p->f) + p->f.advanced_us + 8 * HOURS;
    g->number = 0;
    g->count = 2;
    memset(g->states, 0, sizeof(g->states));
    kit->begin(g, first);
    kit_copy(&g->states[1], first);
    g->states[1].state.turn = 1;
    channel_id(&p->fixed, &p->id);
    hex_text(p->hex, p->id.bytes, sizeof(p->id.bytes));
    assert_status(kit->application->fixed_ok(&p->fixed, &error), OK);
    assert_status(kit->application->init_ok(&p->fixed, &first->state, &error), OK);
    assert_status(kit->application->init_ok(&p->fixed, &g->states[1].state, &error), OK);
}

bool game_grow(struct game *g, size_t from)
{
    struct kit_state *to = &g->states[g->count];

    if (g->count == KIT_STATES || from == 0)
        return false;
    kit_copy(to, &g->states[from]);
    to->state.turn++;
    to->state.data.size = 0;
    to->before = from;
    if (!g->kit->step(g, &g->states[from], to))
        return false;
    g->count++;
    return true;
}
