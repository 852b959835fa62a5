/* Two ledgers that are slow, lose blocks and end locks by their own clocks; an account and a provider who
 * follow the rules, sleep at any moment for as long as they like, or do the worst they can: claim at the very
 * last moment, lock late, let a lock vanish with the block it was in. Whatever happens: both sides are
 * claimed,
 * or both go back, or whoever was away for too long or broke the rules bears it, and nobody else. */
#include "test_transfer.h"

#define STEP ((int64_t)10 * 1000000)
#define HISTORIES 6000
#define STEPS_MOST 1500

static uint64_t seed_state;

static uint64_t draw(uint64_t below)
{
    seed_state ^= seed_state << 13; /* Marsaglia, "Xorshift RNGs", 64 bits */
    seed_state ^= seed_state >> 7;
    seed_state ^= seed_state << 17;
    return (seed_state * 0x2545F4914F6CDD1D >> 33) % below;
}

/* A ledger: one lock, the time at which each change of it was included, and blocks that may be lost. */
struct ledger {
    struct leg_timing timing;
    int64_t skew_us;                   /* its clock against ours */
    bool locked, claimed, returned, lost;
    int64_t locked_us, ended_us;       /* when included, by our clock */
    int64_t expiry_us;
    int64_t pending_lock_us, pending_claim_us, pending_refund_us; /* when it will be included; 0: not sent */
};

static int64_t clock_of(const struct ledger *l, int64_t now_us)
{
    return now_us + l->skew_us;
}

static void include(struct ledger *l, int64_t now_us)
{
    if (l->pending_lock_us != 0 && now_us >= l->pending_lock_us && !l->locked) {
        l->pending_lock_us = 0;
        if (clock_of(l, now_us) < l->expiry_us) {
            l->locked = true;
            l->locked_us = now_us;
        }
    }
    if (!l->locked || l->claimed || l->returned)
        return;
    if (l->pending_claim_us != 0 && now_us >= l->pending_claim_us) {
        l->pending_claim_us = 0;
        if (clock_of(l, now_us) < l->expiry_us) {
            l->claimed = true;
            l->ended_us = now_us;
            return;
        }
    }
    if (l->pending_refund_us != 0 && now_us >= l->pending_refund_us && clock_of(l, now_us) >= l->expiry_us) {
        l->pending_refund_us = 0;
        l->returned = true;
        l->ended_us = now_us;
    }
}

/* The newest change vanishes, once, while it is young; it comes again with the next block, so that it is deep
 * within the time that the depth allows for. */
static void lose_blocks(struct ledger *l, int64_t now_us, bool for_good)
{
    if (l->lost)
        return;
    if (l->claimed && now_us - l->ended_us < l->timing.depth_us / 4 - STEP) {
        l->lost = true;
        l->claimed = false;
        l->pending_claim_us = now_us + STEP;
    } else if (l->locked && !l->claimed && !l->returned && now_us - l->locked_us < l->timing.depth_us / 2) {
        l->lost = true;
        l->locked = false;
        l->pending_lock_us = for_good ? 0 : now_us + STEP;
    }
}

static enum sight look(const struct ledger *l, int64_t now_us, bool never)
{
    if (l->returned)
        return now_us - l->ended_us >= l->timing.depth_us / 2 ? SIGHT_RETURNED : SIGHT_SHALLOW;
    if (l->claimed)
        return now_us - l->ended_us >= l->timing.depth_us / 2 ? SIGHT_CLAIMED : SIGHT_CLAIMING;
    if (l->locked)
        return now_us - l->locked_us >= l->timing.depth_us / 2 ? SIGHT_LOCKED : SIGHT_SHALLOW;
    return never ? SIGHT_NEVER : SIGHT_NONE;
}

/* What is sent is included within a quarter of the depth, which leaves it time to vanish once. */
static int64_t inclusion(const struct ledger *l, int64_t now_us)
{
    return now_us + STEP + (int64_t)draw((uint64_t)(l->timing.depth_us / 4 / STEP)) * STEP;
}

struct history {
    struct ledger source, destination;
    struct situation account, provider; /* each with a state of its own: they are two nodes */
    int64_t away_until[2];              /* the account, the provider */
    bool slept[2];                      /* longer than the reaction that is reckoned with */
    bool cheats[2], sleepy[2];
    int64_t strikes_us;                 /* when a cheat does what he waited for */
    bool secret_out;
};

static void act(struct history *h, enum transfer_action action, int64_t now_us)
{
    switch (action) {
    case ACT_NOTHING:
        break;
    case ACT_LOCK_SOURCE:
        if (h->source.pending_lock_us == 0 && !h->source.locked)
            h->source.pending_lock_us = inclusion(&h->source, now_us);
        break;
    case ACT_LOCK_DESTINATION:
        h->provider.destination_asked = true;
        if (h->destination.pending_lock_us == 0 && !h->destination.locked)
            h->destination.pending_lock_us = inclusion(&h->destination, now_us);
        break;
    case ACT_CLAIM_DESTINATION:
        h->secret_out = true;
        if (h->destination.pending_claim_us == 0)
            h->destination.pending_claim_us = inclusion(&h->destination, now_us);
        break;
    case ACT_CLAIM_SOURCE:
        if (h->source.pending_claim_us == 0)
            h->source.pending_claim_us = inclusion(&h->source, now_us);
        break;
    case ACT_REFUND_DESTINATION:
        if (h->destination.pending_refund_us == 0)
            h->destination.pending_refund_us = inclusion(&h->destination, now_us);
        break;
    case ACT_REFUND_SOURCE:
        if (h->source.pending_refund_us == 0)
            h->source.pending_refund_us = inclusion(&h->source, now_us);
        break;
    }
}

/* One party looks, and does what the rules say; the other one's actions are not his. */
static void move(struct history *h, size_t who, int64_t now_us)
{
    struct situation *s = who == 0 ? &h->account : &h->provider;
    bool source_never = !h->source.locked && h->source.pending_lock_us == 0 && now_us >= s->lock_until_us;
    bool destination_never = h->provider.destination_asked && !h->destination.locked &&
                             clock_of(&h->destination, now_us) >= s->destination_expiry_us;

    s->now_us = now_us;
    s->source = look(&h->source, now_us, source_never);
    s->destination = look(&h->destination, now_us, destination_never);
    if (who == 0)
        s->destination_asked = true; /* for all he knows */
    if (h->destination.claimed || h->source.claimed ||
        (h->destination.pending_claim_us != 0 && draw(2) == 0))
        s->preimage_known = s->preimage_known || h->secret_out;
    for (int i = 0; i < 8; i++) {
        struct decision d = transfer_decide(s);
        bool mine = d.action == ACT_LOCK_SOURCE || d.action == ACT_CLAIM_DESTINATION ||
                            d.action == ACT_REFUND_SOURCE
                        ? who == 0 : who == 1;

        if (d.has_event) {
            assert_true(transfer_next(s->state, d.event, &s->state));
            continue;
        }
        if (mine)
            act(h, d.action, now_us);
        break;
    }
}

/* The account claims so late that the provider has the least time there can be; the provider locks when it is
 * late, and takes the source as soon as a secret is to be seen anywhere. */
static void cheat(struct history *h, size_t who, int64_t now_us)
{
    if (who == 0) {
        h->account.now_us = now_us;
        if (now_us < h->account.lock_until_us)
            act(h, ACT_LOCK_SOURCE, now_us);
        if (h->destination.locked && now_us >= h->strikes_us)
            act(h, ACT_CLAIM_DESTINATION, now_us);
        return;
    }
    if (h->source.locked && now_us >= h->strikes_us && h->provider.destination_asked == false)
        act(h, ACT_LOCK_DESTINATION, now_us);
    if (h->secret_out && h->source.locked)
        act(h, ACT_CLAIM_SOURCE, now_us);
}

/* Most naps are short; some are longer than is reckoned with, and some parties never come back. */
static void sleep_sometimes(struct history *h, size_t who, int64_t now_us)
{
    int64_t reaction_us = h->source.timing.reaction_us;

    if (now_us < h->away_until[who] || draw(25) != 0)
        return;
    if (!h->sleepy[who] || draw(4) != 0) {
        h->away_until[who] = now_us + (int64_t)draw((uint64_t)(reaction_us / 2 / STEP)) * STEP;
        return;
    }
    h->slept[who] = true;
    h->away_until[who] = draw(3) == 0 ? INT64_MAX
                                      : now_us + (int64_t)draw((uint64_t)(6 * reaction_us / STEP)) * STEP;
}

static struct leg_timing some_timing(void)
{
    return (struct leg_timing){ .depth_us = (int64_t)(8 + 4 * draw(15)) * STEP,
                                .skew_us = (int64_t)draw(20) * STEP,
                                .reaction_us = (int64_t)(60 + draw(120)) * STEP };
}

static int64_t some_skew(const struct leg_timing *t)
{
    return t->skew_us == 0 ? 0 : (int64_t)draw((uint64_t)t->skew_us + 1) - t->skew_us / 2;
}

static void begin(struct history *h, int64_t now_us)
{
    struct timelocks plan;

    memset(h, 0, sizeof(*h));
    h->source.timing = some_timing();
    h->destination.timing = some_timing();
    h->source.skew_us = some_skew(&h->source.timing) / 2;
    h->destination.skew_us = some_skew(&h->destination.timing) / 2;
    assert_true(timelocks_plan(&h->source.timing, &h->destination.timing, now_us,
                               timelock_least(&h->source.timing, &h->destination.timing) +
                                   (int64_t)draw(200) * STEP, &plan));
    h->source.expiry_us = plan.source_us;
    h->destination.expiry_us = plan.destination_us;
    h->account = (struct situation){ .source_expiry_us = plan.source_us,
                                     .destination_expiry_us = plan.destination_us,
                                     .lock_until_us = plan.lock_until_us,
                                     .source_timing = h->source.timing,
                                     .destination_timing = h->destination.timing };
    h->provider = h->account;
    h->cheats[draw(2)] = draw(2) == 0;
    h->sleepy[draw(2)] = draw(2) == 0;
    h->strikes_us = h->destination.expiry_us - (int64_t)draw(150) * STEP;
    h->account.locks_source = true;
    h->account.has_secret = true;
}

static void judge_end(const struct history *h, uint64_t seed)
{
    bool source = h->source.claimed, destination = h->destination.claimed;

    if (source == destination)
        return;
    if (destination && !h->slept[1] && !h->cheats[1])
        fail_msg("seed %" PRIu64 ": the provider was there, and lost", seed);
    if (source && !h->slept[0] && !h->cheats[0])
        fail_msg("seed %" PRIu64 ": the account was there, and lost", seed);
}

static void run(struct history *h, uint64_t seed)
{
    int64_t now_us = 1000 * STEP;

    begin(h, now_us);
    for (int i = 0; i < STEPS_MOST; i++, now_us += STEP) {
        include(&h->source, now_us);
        include(&h->destination, now_us);
        if (draw(25) == 0)
            lose_blocks(&h->source, now_us, h->cheats[0]);
        if (draw(25) == 0)
            lose_blocks(&h->destination, now_us, h->cheats[1]);
        for (size_t who = 0; who < 2; who++) {
            sleep_sometimes(h, who, now_us);
            if (h->cheats[who])
                cheat(h, who, now_us);
            else if (now_us >= h->away_until[who])
                move(h, who, now_us);
        }
        if (now_us > h->source.expiry_us) { /* anybody may bring a refund; the base ledger does by itself */
            act(h, ACT_REFUND_SOURCE, now_us);
            act(h, ACT_REFUND_DESTINATION, now_us);
        }
    }
    judge_end(h, seed);
}

static void nobody_who_is_there_ever_loses(void **state)
{
    const char *given = getenv("LAYERD_TEST_SEED");
    size_t settled = 0, back = 0, lost = 0;
    struct history h;

    (void)state;
    for (uint64_t i = 1; i <= HISTORIES; i++) {
        uint64_t seed = given == NULL ? i : strtoull(given, NULL, 10);

        seed_state = seed * 0x9E3779B97F4A7C15;
        run(&h, seed);
        settled += h.source.claimed && h.destination.claimed;
        back += !h.source.claimed && !h.destination.claimed;
        lost += h.source.claimed != h.destination.claimed;
    }
    print_message("settled %zu, went back %zu, borne by who slept %zu\n", settled, back, lost);
    assert_true(given != NULL || (settled > HISTORIES / 10 && back > HISTORIES / 10 && lost > 0));
}

int history_tests(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(nobody_who_is_there_ever_loses) };

    return cmocka_run_group_tests_name("histories", tests, NULL, NULL);
}
