/* Applications with value at stake: escrow, vouchers, payments. Rules with their refusals, and random play in
 * which nobody loses but by what he signed or by a preimage. */
#include "test_channel.h"

#include "crypto/hash.h"

#define EXPIRY_US (1000 * MINUTE)

static struct secret_key *secret_number(unsigned number)
{
    struct secret_key *secret = secret_new(sizeof(*secret));

    memset(secret->bytes, (int)number, sizeof(secret->bytes));
    return secret;
}

/* --- escrow ----------------------------------------------------------------------------------- */
static struct channel_state escrow_state(const struct channel_fixed *fixed, uint64_t turn,
                                         const uint8_t *decision, uint64_t buyer, uint64_t seller,
                                         uint64_t third, struct allocation *all)
{
    struct channel_state s = state_of(fixed, turn, (uint64_t[]){ buyer, seller, third, UINT64_MAX }, all);

    s.data = bytes_of(decision, 1);
    return s;
}

static void escrow_is_decided_by_the_two_it_needs(void **state)
{
    static const uint8_t decisions[5] = { 0, 1, 2, 3, 4 };
    static const uint64_t shares[5][3] = {
        { 100, 0, 0 }, { 0, 100, 0 }, { 100, 0, 0 }, { 0, 95, 5 }, { 95, 0, 5 }
    };
    struct channel_fixed fixed = fixed_of(3, "escrow");
    struct allocation first[4], second[4];
    uint8_t fee[8];
    struct error error = { .message = "" };

    (void)state;
    put_be64(fee, 5);
    fixed.terms = bytes_of(fee, 8);
    assert_status(application_escrow.fixed_ok(&fixed, &error), OK);
    for (size_t d = 0; d < 5; d++) {
        for (uint32_t signers = 0; signers < 8; signers++) {
            struct signed_state pair[2] = {
                { .state = escrow_state(&fixed, 1, &decisions[0], 100, 0, 0, first), .signed_by = 7 },
                { .state = escrow_state(&fixed, 2, &decisions[d], shares[d][0], shares[d][1], shares[d][2],
                                        second), .signed_by = signers } };
            bool both = (signers & 3) == 3, third = (signers & 4) != 0 && (signers & 3) != 0;
            bool good = d == 1 || d == 2 ? both : d >= 3 && third;

            assert_status(application_supported(&application_escrow, &fixed, pair, 2, &error),
                          good ? OK : ERROR_WRONG_SIGNERS);
            pair[0].signed_by = 3; /* turn 1 is everybody's */
            assert_status(application_supported(&application_escrow, &fixed, pair, 2, &error),
                          ERROR_WRONG_SIGNERS);
            pair[0].signed_by = 7;
            second[0].amount++;
            assert_status(application_supported(&application_escrow, &fixed, pair, 2, &error),
                          ERROR_INVALID_TRANSITION);
        }
    }
}

/* --- vouchers --------------------------------------------------------------------------------- */
static void voucher_is_redeemed_by_the_payee_for_what_it_says(void **state)
{
    struct channel_fixed fixed = fixed_of(2, "voucher");
    struct secret_key *payer CLEANUP(secret_free_pointer) = secret_number(1);
    struct allocation first[4], second[4];
    struct signed_state pair[2];
    struct signature signature;
    struct hash id, hash;
    uint8_t data[72];
    struct error error = { .message = "" };

    (void)state;
    channel_id(&fixed, &id);
    channel_voucher_hash(&id, 30, &hash);
    assert_true(schnorr_sign(payer, &hash, NULL, &signature));
    put_be64(data, 30);
    memcpy(data + 8, signature.bytes, 64);
    pair[0] = (struct signed_state){
        .state = state_of(&fixed, 1, (uint64_t[]){ 100, 7, UINT64_MAX }, first), .signed_by = 3 };
    pair[1] = (struct signed_state){
        .state = state_of(&fixed, 2, (uint64_t[]){ 70, 37, UINT64_MAX }, second), .signed_by = 2 };
    pair[1].state.data = bytes_of(data, sizeof(data));
    assert_status(application_supported(&application_voucher, &fixed, pair, 2, &error), OK);
    pair[1].signed_by = 1; /* the payer does not redeem */
    assert_status(application_supported(&application_voucher, &fixed, pair, 2, &error), ERROR_WRONG_SIGNERS);
    pair[1].signed_by = 2;
    second[1].amount = 38; /* more than it says */
    second[0].amount = 69;
    assert_status(application_supported(&application_voucher, &fixed, pair, 2, &error),
                  ERROR_INVALID_OUTCOME);
    put_be64(data, 31); /* another amount than was signed */
    assert_status(application_supported(&application_voucher, &fixed, pair, 2, &error), ERROR_BAD_SIGNATURE);
    put_be64(data, 30);
    second[1].amount = 37;
    second[0].amount = 70;
    fixed.nonce = 1; /* of another channel */
    assert_status(application_supported(&application_voucher, &fixed, pair, 2, &error), ERROR_BAD_SIGNATURE);
}

/* --- payments --------------------------------------------------------------------------------- */
struct pay {
    struct channel_fixed fixed;
    uint8_t terms[34];
    struct allocation all[64];
    uint8_t data[8 + 32 * 64];
    struct channel_state state;
};

static void pay_begin(struct pay *p)
{
    memset(p, 0, sizeof(*p));
    p->fixed = fixed_of(2, "payment");
    put_be64(p->terms, 10);       /* reserves */
    put_be64(p->terms + 8, 20);
    put_be64(p->terms + 16, 2);   /* least, largest */
    put_be64(p->terms + 24, 400);
    p->terms[33] = 8;             /* locks a side */
    p->fixed.terms = bytes_of(p->terms, sizeof(p->terms));
    p->state = state_of(&p->fixed, 1, (uint64_t[]){ 600, 500, UINT64_MAX }, p->all);
    p->state.data = bytes_of(p->data, 8);
}

/* A copy that stands one turn later and says so. */
static void pay_next(const struct pay *from, struct pay *to)
{
    *to = *from;
    to->fixed.terms = bytes_of(to->terms, sizeof(to->terms));
    to->state.allocations = to->all;
    to->state.turn++;
    put_be64(to->data, from->state.turn);
    to->state.data = bytes_of(to->data, 8);
}

static struct hash preimage_number(uint64_t number)
{
    struct hash preimage = { { 0 } };

    put_be64(preimage.bytes, number);
    return preimage;
}

static void pay_offer(struct pay *p, size_t mover, uint64_t amount, uint64_t number)
{
    struct hash preimage = preimage_number(number);
    struct allocation *a = &p->all[p->state.allocation_count++];

    *a = (struct allocation){ .kind = ALLOCATION_HASHLOCK,
                              .amount = amount,
                              .expiry_us = EXPIRY_US + (int64_t)number,
                              .account = p->fixed.participants[1 - mover],
                              .refund = p->fixed.participants[mover] };
    sha256(&a->hash, preimage.bytes, 32);
    p->all[mover].amount -= amount;
}

static void pay_remove(struct pay *p, size_t entry, size_t to)
{
    p->all[to].amount += p->all[entry].amount;
    memmove(&p->all[entry], &p->all[entry + 1], (p->state.allocation_count - entry - 1) * sizeof(p->all[0]));
    p->state.allocation_count--;
}

static void pay_preimage(struct pay *p, uint64_t number)
{
    struct hash preimage = preimage_number(number);

    memcpy(p->data + p->state.data.size, preimage.bytes, 32);
    p->state.data.size += 32;
}

static enum status pay_check(const struct pay *from, const struct pay *to, size_t mover, struct error *error)
{
    return application_payment.next_ok(&from->fixed, &from->state, &to->state, mover, error);
}

static void payment_terms_are_checked(void **state)
{
    struct pay p;
    struct error error = { .message = "" };

    (void)state;
    pay_begin(&p);
    assert_status(application_payment.fixed_ok(&p.fixed, &error), OK);
    assert_status(application_payment.init_ok(&p.fixed, &p.state, &error), OK);
    p.terms[32] = 1;
    p.terms[33] = 0xE4; /* 484 */
    assert_status(application_payment.fixed_ok(&p.fixed, &error), ERROR_INVALID_PARAMS);
    p.terms[33] = 0xE3;
    assert_status(application_payment.fixed_ok(&p.fixed, &error), OK);
    put_be64(p.terms + 24, 1);
    assert_status(application_payment.fixed_ok(&p.fixed, &error), ERROR_INVALID_PARAMS);
    p.data[7] = 1;
    assert_status(application_payment.init_ok(&p.fixed, &p.state, &error), ERROR_INVALID_OUTCOME);
}

static void hashlock_is_offered_fulfilled_and_failed_by_its_sides(void **state)
{
    struct pay a, b, c;
    struct error error = { .message = "" };

    (void)state;
    pay_begin(&a);
    pay_next(&a, &b);
    pay_offer(&b, 0, 100, 1);
    assert_status(pay_check(&a, &b, 0, &error), OK);
    assert_status(pay_check(&a, &b, 1, &error), ERROR_INVALID_TRANSITION); /* with somebody else's value */

    pay_next(&b, &c); /* the recipient shows the preimage */
    pay_remove(&c, 2, 1);
    assert_status(pay_check(&b, &c, 1, &error), ERROR_INVALID_TRANSITION); /* not shown */
    pay_preimage(&c, 2);
    assert_status(pay_check(&b, &c, 1, &error), ERROR_INVALID_TRANSITION); /* a wrong one */
    c.state.data.size = 8;
    pay_preimage(&c, 1);
    assert_status(pay_check(&b, &c, 1, &error), OK);
    assert_status(pay_check(&b, &c, 0, &error), ERROR_INVALID_TRANSITION); /* a preimage is the recipient's */
    c.state.data.size = 8;
    assert_status(pay_check(&b, &c, 0, &error), OK); /* the offerer may give it without */

    pay_next(&b, &c); /* it goes back */
    pay_remove(&c, 2, 0);
    assert_status(pay_check(&b, &c, 1, &error), OK); /* the recipient gives it up */
    assert_status(pay_check(&b, &c, 0, &error), ERROR_INVALID_TRANSITION); /* the offerer cannot take it */
}

static void payment_limits_hold(void **state)
{
    struct pay a, b;
    struct error error = { .message = "" };

    (void)state;
    pay_begin(&a);
    pay_next(&a, &b);
    pay_offer(&b, 0, 401, 1);
    assert_status(pay_check(&a, &b, 0, &error), ERROR_INVALID_TRANSITION); /* over the largest */
    pay_next(&a, &b);
    pay_offer(&b, 0, 1, 1);
    assert_status(pay_check(&a, &b, 0, &error), ERROR_INVALID_TRANSITION); /* under the least */
    pay_next(&a, &b);
    b.all[0].amount -= 591;
    b.all[1].amount += 591;
    assert_status(pay_check(&a, &b, 0, &error), ERROR_INVALID_TRANSITION); /* below the reserve */
    pay_next(&a, &b);
    b.all[0].amount -= 590;
    b.all[1].amount += 590;
    assert_status(pay_check(&a, &b, 0, &error), OK);
    assert_status(pay_check(&a, &b, 1, &error), ERROR_INVALID_TRANSITION); /* a gift is the giver's */
    put_be64(b.data, 0);
    assert_status(pay_check(&a, &b, 0, &error), ERROR_INVALID_TRANSITION); /* another turn before */
    pay_next(&a, &b);
    for (uint64_t i = 0; i < 9; i++)
        pay_offer(&b, 0, 2, i);
    assert_status(pay_check(&a, &b, 0, &error), ERROR_INVALID_OUTCOME); /* nine of eight */
}

/* One random honest step; what the mover may do by the rules. */
static bool honest_step(uint64_t *seed, const struct pay *from, struct pay *to, size_t mover,
                        uint64_t *number)
{
    size_t locks = from->state.allocation_count - 2, entry;
    uint64_t room = from->all[mover].amount > 20 ? from->all[mover].amount - 20 : 0;

    pay_next(from, to);
    if (locks > 0 && random_below(seed, 2) == 0) {
        entry = 2 + random_below(seed, locks);
        if (account_equal(&to->all[entry].refund, &to->fixed.participants[mover])) {
            pay_remove(to, entry, 1 - mover);
        } else if (random_below(seed, 2) == 0) {
            pay_preimage(to, (uint64_t)(to->all[entry].expiry_us - EXPIRY_US));
            pay_remove(to, entry, mover);
        } else {
            pay_remove(to, entry, 1 - mover);
        }
        return true;
    }
    if (room < 2 || locks >= 6)
        return false;
    pay_offer(to, mover, 2 + random_below(seed, room < 300 ? room - 1 : 299), (*number)++);
    return true;
}

static uint64_t claims(const struct pay *p, size_t side)
{
    uint64_t sum = p->all[side].amount;

    for (size_t i = 2; i < p->state.allocation_count; i++)
        sum += account_equal(&p->all[i].refund, &p->fixed.participants[side]) ? p->all[i].amount : 0;
    return sum;
}

/* Honest steps are accepted; whatever else is changed in one, nothing that is accepted conserves less, or
 * takes from the other side without a preimage. */
static void nobody_loses_in_random_play_but_by_a_preimage(void **state)
{
    uint64_t seed = random_seed("nobody_loses_in_random_play_but_by_a_preimage");
    size_t accepted = 0, refused = 0;

    (void)state;
    for (int game = 0; game < 60; game++) {
        struct pay now, next, changed;
        uint64_t number = 1;
        struct error error = { .message = "" };

        pay_begin(&now);
        for (int step = 0; step < 60; step++) {
            size_t mover = random_below(&seed, 2), entry;

            if (!honest_step(&seed, &now, &next, mover, &number))
                continue;
            assert_status(pay_check(&now, &next, mover, &error), OK);
            for (int i = 0; i < 8; i++) {
                uint64_t total = 0;

                changed = next;
                changed.fixed.terms = bytes_of(changed.terms, sizeof(changed.terms));
                changed.state.allocations = changed.all;
                changed.state.data = bytes_of(changed.data, changed.state.data.size);
                entry = random_below(&seed, changed.state.allocation_count);
                if (random_below(&seed, 2) == 0) { /* value moves between the two */
                    uint64_t part = random_below(&seed, changed.all[0].amount + 1);

                    changed.all[0].amount -= part;
                    changed.all[1].amount += part;
                } else if (changed.all[entry].amount > 0) {
                    changed.all[entry].amount -= 1;
                    changed.all[random_below(&seed, 2)].amount += 1;
                }
                if (pay_check(&now, &changed, mover, &error) != OK) {
                    refused++;
                    continue;
                }
                accepted++;
                assert_true(channel_outcome_total(&changed.state, 0, &total));
                assert_int_equal(total, 1100);
                if (changed.state.data.size == 8)
                    assert_true(claims(&changed, 1 - mover) >= claims(&now, 1 - mover));
            }
            now = next;
            now.fixed.terms = bytes_of(now.terms, sizeof(now.terms));
            now.state.allocations = now.all;
            now.state.data = bytes_of(now.data, next.state.data.size);
        }
    }
    assert_true(accepted > 300 && refused > 300);
}

static void payment_tells_which_turn_its_signers_know(void **state)
{
    struct pay a, b;
    uint64_t turn = 77;

    (void)state;
    pay_begin(&a);
    assert_false(application_payment.known(&a.state, &turn));
    pay_next(&a, &b);
    assert_true(application_payment.known(&b.state, &turn));
    assert_int_equal(turn, 1);
}

int play_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escrow_is_decided_by_the_two_it_needs),
        cmocka_unit_test(voucher_is_redeemed_by_the_payee_for_what_it_says),
        cmocka_unit_test(payment_terms_are_checked),
        cmocka_unit_test(hashlock_is_offered_fulfilled_and_failed_by_its_sides),
        cmocka_unit_test(payment_limits_hold),
        cmocka_unit_test(nobody_loses_in_random_play_but_by_a_preimage),
        cmocka_unit_test(payment_tells_which_turn_its_signers_know),
    };

    return cmocka_run_group_tests_name("applications with value at stake", tests, NULL, NULL);
}
