/* Random histories of a pool, by honest users and by thieves, against a model in plain C: what each step
 * must answer, whose money is where, and that no history makes any. LAYERD_SEED repeats a history. */
#include "test_confidential.h"

#include "base/clock.h"

#define STEPS 60
#define FIRST_NOTES 6 /* enough for a ring */

struct model {
    struct scene s;
    uint64_t hidden[WALLETS], paid; /* what each wallet can spend; what was paid out */
    uint64_t accepted, refused;
};

static uint64_t below(struct model *m, uint64_t bound)
{
    return purse_random(&m->s.purse, bound);
}

static void put_in(struct model *m)
{
    size_t wallet = below(m, WALLETS);
    uint64_t amount = 1 + below(m, 1000);

    shield(&m->s, wallet, amount);
    m->hidden[wallet] += amount;
    m->accepted++;
}

/* Up to two notes of one wallet that are not spent; returns what is in them. */
static uint64_t choose(struct model *m, struct order *order, size_t wallet)
{
    struct purse *purse = &m->s.purse;
    uint64_t total = 0, most = 1 + below(m, 2);
    size_t start = below(m, purse->count);

    for (size_t i = 0; i < purse->count && order->spent_count < most; i++) {
        size_t number = (start + i) % purse->count;

        if (!purse->notes[number].ours || purse->notes[number].spent || purse->notes[number].owner != wallet)
            continue;
        order_spend(order, number);
        total += purse->notes[number].amount;
    }
    return total;
}

/* An honest order of what the wallet has, to both wallets and perhaps out of the pool; NULL: it has nothing.
 * */
static struct order *honest(struct model *m, size_t from, uint64_t gets[WALLETS])
{
    bool out = below(m, 3) == 0;
    struct order *order = order_gold(&m->s, out ? "carol" : NULL, 0);
    uint64_t total = choose(m, order, from);
    size_t outputs = (size_t)1 << below(m, 3);

    if (total == 0) {
        free(order);
        return NULL;
    }
    order->ring = 2 + below(m, 3);
    memset(gets, 0, WALLETS * sizeof *gets);
    if (out)
        total -= order->terms.amount = 1 + below(m, total);
    for (size_t i = 0; i < outputs; i++) {
        size_t to = below(m, WALLETS);
        uint64_t amount = i + 1 == outputs ? total : below(m, total + 1);

        order_pay(order, &m->s.wallets[to], amount);
        gets[to] += amount;
        total -= amount;
    }
    prove(&m->s, order);
    return order;
}

static void pay(struct model *m)
{
    uint64_t gets[WALLETS], spent = 0;
    size_t from = below(m, WALLETS);
    struct order *order AUTO_FREE = honest(m, from, gets);

    if (order == NULL)
        return;
    for (size_t i = 0; i < order->spent_count; i++)
        spent += m->s.purse.notes[order->spent[i]].amount;
    assert_int_equal(submit(&m->s, order), OK);
    assert_refused(&m->s, ERROR_IMAGE_SPENT, order, order_params(order, "GOLD"));
    m->hidden[from] -= spent;
    for (size_t i = 0; i < WALLETS; i++)
        m->hidden[i] += gets[i];
    m->paid += order->terms.amount;
    m->accepted++;
    m->refused++;
}

/* A note that is spent, in a new spend with another ring. */
static void spend_again(struct model *m)
{
    struct order *order AUTO_FREE = order_gold(&m->s, NULL, 0);
    struct purse *purse = &m->s.purse;
    size_t number = below(m, purse->count);

    if (!purse->notes[number].spent)
        return;
    order_spend(order, number);
    order_pay(order, &m->s.wallets[BOB], purse->notes[number].amount);
    prove(&m->s, order);
    assert_refused(&m->s, ERROR_IMAGE_SPENT, order, order_params(order, "GOLD"));
    m->refused++;
}

/* A note that the pool never had, with a fortune in it. */
static void spend_a_dream(struct model *m)
{
    struct order *order AUTO_FREE = order_gold(&m->s, "carol", 1000000);
    size_t number = purse_add(&m->s.purse, &m->s.wallets[ALICE], 1000000);

    order_spend(order, number);
    order_pay(order, &m->s.wallets[ALICE], 0);
    prove(&m->s, order);
    m->s.purse.count--;
    assert_refused(&m->s, ERROR_NOTE_NOT_FOUND, order, order_params(order, "GOLD"));
    m->refused++;
}

/* An honest order with one word changed on the way. */
static void change_a_word(struct model *m)
{
    static const char *const words[] = { "amount", "to", "range_proof", "asset" };
    uint64_t gets[WALLETS];
    struct order *order AUTO_FREE = honest(m, below(m, WALLETS), gets);
    const char *word = words[below(m, 4)];
    json_t *params;

    if (order == NULL)
        return;
    params = order_params(order, "GOLD");
    if (strcmp(word, "amount") == 0 && order->terms.amount > 0) {
        json_object_set_new(params, word, json_integer((json_int_t)order->terms.amount + 1));
    } else if (strcmp(word, "to") == 0 && order->terms.amount > 0) {
        json_object_set_new(params, word, json_string(fixture_address(&m->s.f, "mallory")));
    } else if (strcmp(word, "asset") == 0) {
        json_object_set_new(params, word, json_string("DEV"));
    } else {
        char *proof AUTO_FREE = text_copy(json_string_value(json_object_get(params, "range_proof")));

        hex_text(proof + strlen(proof) - 2, "\0", 1); /* of the last scalar, which is below the order */
        proof[10] = proof[10] == '0' ? '1' : '0';
        json_object_set_new(params, "range_proof", json_string(proof));
    }
    struct reply reply = fixture_call(&m->s.f, "transaction.submit",
                                      fixture_sign(&m->s.f, "mallory", order_method(order), params));
    if (reply.status != ERROR_INVALID_PROOF && reply.status != ERROR_MALFORMED_PROOF)
        fail_msg("changed '%s': %s", word, status_name(reply.status));
    reply_close(&reply);
    m->refused++;
}

static void compare(struct model *m)
{
    uint64_t total = m->hidden[ALICE] + m->hidden[BOB], ours = 0;

    for (size_t i = 0; i < m->s.purse.count; i++)
        ours += m->s.purse.notes[i].spent ? 0 : m->s.purse.notes[i].amount;
    assert_int_equal(ours, total);
    assert_int_equal(held(&m->s), total);
    assert_int_equal(gold_of(&m->s, "carol"), m->paid);
    assert_int_equal(gold_of(&m->s, "alice") + m->paid + total, GOLD_SUPPLY);
    fixture_audit(&m->s.f);
}

static void step(struct model *m)
{
    switch (below(m, 8)) {
    case 0:
        put_in(m);
        break;
    case 1:
        spend_again(m);
        break;
    case 2:
        spend_a_dream(m);
        break;
    case 3:
        change_a_word(m);
        break;
    default:
        pay(m);
        break;
    }
}

static void no_history_makes_money_and_all_replay_to_the_same_blocks(void **state)
{
    const char *given = getenv("LAYERD_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_wall_us();
    struct model *m = memory_new(sizeof *m);

    (void)state;
    print_message("pool histories: LAYERD_SEED=%" PRIu64 "\n", seed);
    scene_start(&m->s);
    m->s.purse.random = seed * 2 + 1;
    for (int i = 0; i < FIRST_NOTES; i++)
        put_in(m);
    for (int i = 0; i < STEPS; i++) {
        step(m);
        compare(m);
        if (i % 25 == 24)
            fixture_reopen(&m->s.f);
    }
    print_message("%" PRIu64 " accepted, %" PRIu64 " refused\n", m->accepted, m->refused);
    assert_true(m->accepted > STEPS / 4 && m->refused > STEPS / 4);
    fixture_replay(&m->s.f);
    fixture_stop(&m->s.f);
    memory_free_pointer(&m);
}

int pool_histories_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_history_makes_money_and_all_replay_to_the_same_blocks),
    };

    return cmocka_run_group_tests_name("histories of pools", tests, NULL, NULL);
}
