/* The transport's pure parts, on clocks that the test turns: rate limiter, breaker, retries, Retry-After,
 * verdicts, latencies, URLs, credentials. */
#include "transport_support.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "network/transport/breaker.h"
#include "network/transport/cancellation.h"
#include "network/transport/credential.h"
#include "network/transport/endpoint_url.h"
#include "network/transport/latency.h"
#include "network/transport/rate_limiter.h"
#include "network/transport/retry.h"
#include "network/transport/retry_after.h"
#include "network/transport/verdict.h"

#define S ((int64_t)1000000)

/* --- rate limiter --------------------------------------------------------------------------------------- */
static void a_full_bucket_goes_at_once_and_then_the_rate_holds(void **state)
{
    (void)state;
    struct rate_limiter l;
    rate_limiter_init(&l, 2, 3, 100 * S);
    for (int i = 0; i < 3; i++) {
        assert_true(rate_limiter_ready_us(&l, 0, 1, 100 * S) <= 100 * S);
        rate_limiter_take(&l, 1, 100 * S);
    }
    assert_int_equal(rate_limiter_ready_us(&l, 0, 1, 100 * S), 100 * S + S / 2);
    assert_int_equal(rate_limiter_ready_us(&l, 3, 1, 100 * S), 102 * S); /* behind three others */
    assert_int_equal(rate_limiter_ready_us(&l, 0, 1, 100 * S + S / 2), 100 * S + S / 2);
    assert_int_equal(rate_limiter_ready_us(&l, 0, 3, 1000 * S), 1000 * S);
    rate_limiter_take(&l, 3, 1000 * S); /* what flowed in past the brim is gone */
    assert_int_equal(rate_limiter_ready_us(&l, 0, 1, 1000 * S), 1000 * S + S / 2);
}

static void a_request_dearer_than_the_bucket_waits_for_a_full_one_and_the_next_pay(void **state)
{
    (void)state;
    struct rate_limiter l;
    rate_limiter_init(&l, 1, 0, 0); /* burst: the rate, at least 1 */
    assert_true(rate_limiter_ready_us(&l, 0, 50, 0) <= 0);
    rate_limiter_take(&l, 50, 0);
    assert_int_equal(rate_limiter_ready_us(&l, 0, 1, 0), 50 * S);
    rate_limiter_init(&l, 0.01, 0, 0);
    rate_limiter_take(&l, 1, 0);
    assert_int_equal(rate_limiter_ready_us(&l, 0, 1, 0), 100 * S);
}

static void without_a_rate_only_the_servers_own_word_holds(void **state)
{
    (void)state;
    struct rate_limiter l;
    rate_limiter_init(&l, 0, 0, 0);
    for (int i = 0; i < 1000; i++)
        rate_limiter_take(&l, 1, 0);
    assert_true(rate_limiter_ready_us(&l, 1000, 1, 0) <= 0);
    rate_limiter_pause(&l, 0, 7 * S);
    assert_int_equal(rate_limiter_ready_us(&l, 0, 1, 1), 7 * S);
    rate_limiter_pause(&l, 1, 5 * S); /* an earlier end changes nothing */
    assert_int_equal(rate_limiter_ready_us(&l, 0, 1, 1), 7 * S);
    assert_true(rate_limiter_ready_us(&l, 0, 1, 7 * S) <= 7 * S);
}

static void after_a_pause_the_bucket_is_empty(void **state)
{
    (void)state;
    struct rate_limiter l;
    rate_limiter_init(&l, 10, 100, 0);
    rate_limiter_pause(&l, 0, 30 * S);
    assert_int_equal(rate_limiter_ready_us(&l, 0, 1, 0), 30 * S + S / 10);
    assert_int_equal(rate_limiter_ready_us(&l, 0, 1, 29 * S), 30 * S + S / 10);
    rate_limiter_init(&l, 10, 100, 0);
    rate_limiter_left(&l, 2, 0);
    rate_limiter_take(&l, 2, 0);
    assert_int_equal(rate_limiter_ready_us(&l, 0, 1, 0), S / 10);
}

/* Over any stretch of time no more goes than a full bucket, what flows in, and one request's excess. */
static void no_stretch_of_time_sees_more_than_bucket_and_rate(void **state)
{
    (void)state;
    uint64_t random = seed_of("no_stretch");
    for (int round = 0; round < 200; round++) {
        double rate = 0.5 + (double)(next_random(&random) % 100),
            burst = 1 + (double)(next_random(&random) % 20);
        struct rate_limiter l;
        int64_t now = 0, at[200];
        double cost[200];
        rate_limiter_init(&l, rate, burst, 0);
        for (int i = 0; i < 200; i++) {
            now += (int64_t)(next_random(&random) % (uint64_t)(2e6 / rate));
            cost[i] = 1 + (double)(next_random(&random) % 5);
            int64_t ready = rate_limiter_ready_us(&l, 0, cost[i], now);
            now = ready > now ? ready : now;
            assert_true(rate_limiter_ready_us(&l, 0, cost[i], now) <= now);
            rate_limiter_take(&l, cost[i], now);
            at[i] = now;
        }
        for (int i = 0; i < 200; i += 7) {
            double sum = 0;
            for (int j = i; j < 200; j++) {
                sum += cost[j];
                assert_true(sum <= burst + 5 + rate * (double)(at[j] - at[i]) / 1e6 + 1e-3);
            }
        }
    }
}

/* --- breaker -------------------------------------------------------------------------------------------- */
static void report(struct breaker *b, enum evidence evidence, int64_t now)
{
    struct breaker_ticket ticket;
    assert_true(breaker_admit(b, now, &ticket));
    breaker_report(b, ticket, evidence, now, 0);
}

static void five_failures_in_a_row_open_it_and_four_do_not(void **state)
{
    (void)state;
    struct breaker b;
    breaker_init(&b);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++)
            report(&b, EVIDENCE_BAD, 1000 * round * S);
        report(&b, EVIDENCE_GOOD, 1000 * round * S);
    }
    assert_int_equal(b.state, BREAKER_CLOSED);
    for (int i = 0; i < 4; i++)
        report(&b, EVIDENCE_BAD, 5000 * S);
    report(&b, EVIDENCE_NONE, 5000 * S);
    assert_int_equal(b.state, BREAKER_CLOSED);
    report(&b, EVIDENCE_BAD, 5000 * S);
    assert_int_equal(b.state, BREAKER_OPEN);
}

static void half_of_twenty_in_thirty_seconds_opens_it(void **state)
{
    (void)state;
    struct breaker b;
    breaker_init(&b);
    for (int i = 0; i < 19; i++) /* 10 bad of 19: too few to tell */
        report(&b, i % 2 == 0 ? EVIDENCE_BAD : EVIDENCE_GOOD, i * S);
    assert_int_equal(b.state, BREAKER_CLOSED);
    report(&b, EVIDENCE_GOOD, 19 * S); /* 10 of 20: half */
    assert_int_equal(b.state, BREAKER_OPEN);

    breaker_init(&b);
    for (int i = 0; i < 20; i++) /* 9 of 20 */
        report(&b, i % 2 == 0 && i > 0 ? EVIDENCE_BAD : EVIDENCE_GOOD, i * S);
    assert_int_equal(b.state, BREAKER_CLOSED);

    breaker_init(&b);
    for (int i = 0; i < 19; i++)
        report(&b, i % 2 == 0 ? EVIDENCE_BAD : EVIDENCE_GOOD, 0);
    report(&b, EVIDENCE_BAD, 30 * S); /* those are thirty seconds old: forgotten */
    assert_int_equal(b.state, BREAKER_CLOSED);
}

static void it_opens_for_5_10_20_40_60_60_seconds_and_lets_one_probe_go_each_time(void **state)
{
    (void)state;
    static const int64_t expected[] = { 5, 10, 20, 40, 60, 60 };
    struct breaker b;
    struct breaker_ticket probe, other;
    int64_t now = 0;
    breaker_init(&b);
    for (int i = 0; i < 5; i++)
        report(&b, EVIDENCE_BAD, now);
    for (size_t i = 0; i < 6; i++) {
        assert_true(breaker_refuses(&b, now + expected[i] * S - 1));
        assert_false(breaker_admit(&b, now + expected[i] * S - 1, &probe));
        assert_int_equal(b.state, BREAKER_OPEN);
        now += expected[i] * S;
        assert_true(breaker_admit(&b, now, &probe));
        assert_int_equal(b.state, BREAKER_HALF_OPEN);
        assert_false(breaker_admit(&b, now, &other));
        breaker_report(&b, probe, EVIDENCE_BAD, now, 0);
        assert_int_equal(b.state, BREAKER_OPEN);
    }
    now += 60 * S;
    assert_true(breaker_admit(&b, now, &probe));
    breaker_report(&b, probe, EVIDENCE_NONE, now, 0); /* cancelled: the next one probes */
    assert_true(breaker_admit(&b, now, &probe));
    breaker_report(&b, probe, EVIDENCE_GOOD, now, 0);
    assert_int_equal(b.state, BREAKER_CLOSED);
    for (int i = 0; i < 5; i++)
        report(&b, EVIDENCE_BAD, now);
    assert_true(breaker_refuses(&b, now + 5 * S - 1)); /* and begins with 5 s again */
    assert_false(breaker_refuses(&b, now + 5 * S));
}

static void chance_adds_at_most_a_tenth(void **state)
{
    (void)state;
    for (uint64_t random = 0; random < 2000000; random += 9973) {
        struct breaker b;
        breaker_init(&b);
        for (int i = 0; i < 4; i++)
            report(&b, EVIDENCE_BAD, 0);
        struct breaker_ticket ticket;
        assert_true(breaker_admit(&b, 0, &ticket));
        breaker_report(&b, ticket, EVIDENCE_BAD, 0, random);
        assert_true(b.open_until_us >= 5 * S && b.open_until_us <= 5 * S + S / 2);
    }
}

static void who_was_let_go_before_it_opened_tells_nothing_any_more(void **state)
{
    (void)state;
    struct breaker b;
    struct breaker_ticket early, probe;
    breaker_init(&b);
    assert_true(breaker_admit(&b, 0, &early));
    for (int i = 0; i < 5; i++)
        report(&b, EVIDENCE_BAD, 0);
    breaker_report(&b, early, EVIDENCE_GOOD, 1, 0);
    assert_int_equal(b.state, BREAKER_OPEN);
    assert_true(breaker_admit(&b, 5 * S, &probe));
    breaker_report(&b, early, EVIDENCE_BAD, 5 * S, 0);
    assert_int_equal(b.state, BREAKER_HALF_OPEN);
    breaker_report(&b, probe, EVIDENCE_GOOD, 5 * S, 0);
    assert_int_equal(b.state, BREAKER_CLOSED);
}

static void a_server_that_answers_and_lies_is_left_alone_too(void **state)
{
    (void)state;
    struct breaker b;
    breaker_init(&b);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(b.state, BREAKER_CLOSED);
        report(&b, EVIDENCE_GOOD, 0);
        breaker_blame(&b, 0, 0);
    }
    assert_int_equal(b.state, BREAKER_OPEN);
    breaker_blame(&b, 0, 0); /* once open it changes nothing */
    assert_int_equal(b.open_until_us, 5 * S);
}

/* Against a second implementation that keeps the whole history and recounts it. */
static void random_histories_agree_with_one_that_recounts_everything(void **state)
{
    (void)state;
    uint64_t random = seed_of("random_histories");
    for (int round = 0; round < 60; round++) {
        struct breaker b;
        breaker_init(&b);
        enum { MOST = 600 };
        int64_t second[MOST], now = (int64_t)(next_random(&random) % 1000) * S, opened = 0, length = 0;
        bool bad[MOST];
        size_t count = 0;
        unsigned row = 0, share = (unsigned)(next_random(&random) % 100);
        enum breaker_state model = BREAKER_CLOSED;
        for (int step = 0; step < MOST; step++) {
            now += (int64_t)(next_random(&random) % (uint64_t)(2 * S));
            if (model == BREAKER_OPEN && now >= opened + length)
                model = BREAKER_HALF_OPEN;
            struct breaker_ticket ticket;
            bool let_go = breaker_admit(&b, now, &ticket);
            assert_int_equal(let_go, model != BREAKER_OPEN);
            if (!let_go)
                continue;
            bool failed = next_random(&random) % 100 < share;
            breaker_report(&b, ticket, failed ? EVIDENCE_BAD : EVIDENCE_GOOD, now, 0);
            if (model == BREAKER_HALF_OPEN && !failed) {
                model = BREAKER_CLOSED;
                count = row = 0;
                length = 0;
            }
            row = failed ? row + 1 : 0;
            second[count] = now / S;
            bad[count++] = failed;
            size_t recent = 0, recent_bad = 0;
            for (size_t i = 0; i < count; i++) {
                recent += second[i] > now / S - 30;
                recent_bad += second[i] > now / S - 30 && bad[i];
            }
            bool many = recent >= 20 && 2 * recent_bad >= recent;
            if ((model == BREAKER_HALF_OPEN && failed) || row >= 5 || many) {
                model = BREAKER_OPEN;
                opened = now;
                length = length == 0 ? 5 * S : 2 * length > 60 * S ? 60 * S : 2 * length;
            }
            assert_int_equal(b.state, model);
        }
    }
}

/* --- retries -------------------------------------------------------------------------------------------- */
static void pauses_are_spread_over_all_that_is_allowed(void **state)
{
    (void)state;
    static const int64_t most[] = { 200000, 400000, 800000, 1600000, 3200000, 6400000, 10000000, 10000000 };
    uint64_t random = seed_of("pauses");
    for (unsigned retry = 0; retry < 8; retry++) {
        int64_t low = INT64_MAX, high = 0;
        for (int i = 0; i < 5000; i++) {
            int64_t pause = retry_pause_us(retry, next_random(&random));
            low = pause < low ? pause : low;
            high = pause > high ? pause : high;
        }
        assert_true(low >= 0 && low < most[retry] / 100);
        assert_true(high <= most[retry] && high > most[retry] / 100 * 99);
    }
    assert_true(retry_pause_us(4000000000u, UINT64_MAX) <= RETRY_PAUSE_MAX_US);
}

static void retries_are_a_tenth_of_the_traffic_and_a_reserve_of_ten(void **state)
{
    (void)state;
    struct retry_budget budget;
    retry_budget_init(&budget);
    for (int i = 0; i < 10; i++)
        assert_true(retry_budget_spend(&budget));
    assert_false(retry_budget_spend(&budget));
    unsigned spent = 0;
    for (int i = 0; i < 1000; i++) {
        retry_budget_earn(&budget);
        spent += retry_budget_spend(&budget);
    }
    assert_int_equal(spent, 100);
    for (int i = 0; i < 100000; i++)
        retry_budget_earn(&budget);
    for (spent = 0; retry_budget_spend(&budget); spent++)
        ;
    assert_int_equal(spent, 10); /* a quiet time saves up no more than that */
}

/* --- Retry-After ---------------------------------------------------------------------------------------- */
#define WALL (784111777 * S) /* Sun, 06 Nov 1994 08:49:37 GMT (the date of RFC 9110 §5.6.7) */

static int64_t wait_of(const char *text, int64_t wall)
{
    int64_t wait = -1;
    bool is = retry_after_parse(text, strlen(text), wall, &wait);
    assert_int_equal(is, wait != -1);
    return wait;
}

static void seconds_and_the_three_forms_of_a_date_are_read(void **state)
{
    (void)state;
    assert_int_equal(wait_of("0", WALL), 0);
    assert_int_equal(wait_of("120", WALL), 120 * S);
    assert_int_equal(wait_of(" \t 120 ", WALL), 120 * S);
    assert_int_equal(wait_of("Sun, 06 Nov 1994 08:49:37 GMT", WALL), 0);
    assert_int_equal(wait_of("Sun, 06 Nov 1994 08:49:37 GMT", WALL - 5 * S), 5 * S);
    assert_int_equal(wait_of("Sunday, 06-Nov-94 08:49:37 GMT", WALL - 5 * S), 5 * S);
    assert_int_equal(wait_of("Sun Nov  6 08:49:37 1994", WALL - 5 * S), 5 * S);
    assert_int_equal(wait_of("Wed Nov 16 08:49:37 1994", WALL + 10 * 86400 * S - 9 * S), 9 * S);
    assert_int_equal(wait_of("Sun, 06 Nov 1994 08:49:37 GMT", WALL + 5 * S), 0); /* passed */
    /* two digits: 2026 knows 75 as 2075, and 77 as 1977 */
    int64_t of_2026 = (int64_t)1795298400 * S;
    assert_int_equal(wait_of("Sunday, 06-Nov-75 08:49:37 GMT", of_2026), RETRY_AFTER_MAX_US);
    assert_int_equal(wait_of("Sunday, 06-Nov-77 08:49:37 GMT", of_2026), 0);
    assert_int_equal(wait_of("Sat, 31 Dec 2016 23:59:60 GMT", (int64_t)1483228799 * S), 1 * S);
}

static void nobody_is_silenced_for_more_than_an_hour(void **state)
{
    (void)state;
    assert_int_equal(wait_of("3601", WALL), RETRY_AFTER_MAX_US);
    assert_int_equal(wait_of("99999999999999999999999999999999999999", WALL), RETRY_AFTER_MAX_US);
    assert_int_equal(wait_of("Fri, 06 Nov 9999 08:49:37 GMT", WALL), RETRY_AFTER_MAX_US);
    int64_t wait;
    assert_true(rate_limit_reset_parse("30", 2, WALL, &wait));
    assert_int_equal(wait, 30 * S);
    assert_true(rate_limit_reset_parse("1795298430", 10, 1795298400 * S, &wait));
    assert_int_equal(wait, 30 * S);
    assert_true(rate_limit_reset_parse("1795298430", 10, 1795298500 * S, &wait));
    assert_int_equal(wait, 0);
    assert_true(rate_limit_reset_parse("999999999999999999999999", 24, WALL, &wait));
    assert_int_equal(wait, RETRY_AFTER_MAX_US);
}

static void what_is_neither_seconds_nor_a_date_is_not_believed(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", " ", "-1", "+1", "1.5", "1e9", "0x10", "soon", "12 13", "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 30 Feb 2024 08:49:37 GMT",
        "Sun, 31 Jun 2024 08:49:60 GMT", "sun, 06 nov 1994 08:49:37 gmt", "Sun, 06 Nov 1994 08:49:37 GMTx",
        "Sun, 06 Nov 1994 08:49:37 GMT Sun, 06 Nov 1994 08:49:37 GMT Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994", "Sunday, 06-Nov-1994 08:49:37 GMT",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(wait_of(wrong[i], WALL), -1);
}

static void every_day_of_two_centuries_is_the_day_that_the_c_library_prints(void **state)
{
    (void)state;
    for (int64_t day = 0; day < 73000; day += 1) {
        time_t moment = (time_t)(day * 86400 + (day * 7919) % 86400);
        struct tm tm;
        char text[64];
        gmtime_r(&moment, &tm);
        strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        assert_int_equal(wait_of(text, ((int64_t)moment - 100) * S), 100 * S);
    }
}

/* --- verdicts ------------------------------------------------------------------------------------------- */
static void each_end_means_what_the_readme_says(void **state)
{
    (void)state;
    static const struct {
        struct outcome outcome;
        struct verdict read, write;
    } cases[] = {
#define R(http) { .ending = ENDING_REPLY, .sent = true, .http_status = (http) }
#define E(what, was_sent) { .ending = ENDING_##what, .sent = (was_sent), .took_us = 2 * S }
#define V(code, evidence, retry) { ERROR_NETWORK_##code, EVIDENCE_##evidence, retry }
#define FINE { OK, EVIDENCE_GOOD, false }
        { R(200), FINE, FINE },
        { R(400), FINE, FINE },
        { R(404), FINE, FINE },
        { R(304), FINE, FINE },
        { R(301), V(PROTOCOL, BAD, false), V(AMBIGUOUS, BAD, false) },
        { R(401), V(AUTH, GOOD, false), V(AUTH, GOOD, false) },
        { R(403), V(AUTH, GOOD, false), V(AUTH, GOOD, false) },
        { R(408), V(TIMEOUT, BAD, true), V(AMBIGUOUS, BAD, false) },
        { R(429), V(RATE_LIMITED, BAD, true), V(RATE_LIMITED, BAD, false) },
        { R(500), V(SERVER, BAD, true), V(AMBIGUOUS, BAD, false) },
        { R(503), V(SERVER, BAD, true), V(AMBIGUOUS, BAD, false) },
        { { .ending = ENDING_REPLY, .sent = true, .http_status = 503, .has_retry_after = true },
          V(SERVER, BAD, true), V(SERVER, BAD, false) },
        { { .ending = ENDING_REPLY, .sent = true, .http_status = 500, .answered = true }, FINE, FINE },
        { E(UNREACHABLE, false), V(TRANSPORT, BAD, true), V(TRANSPORT, BAD, false) },
        { E(BROKEN, true), V(TRANSPORT, BAD, true), V(AMBIGUOUS, BAD, false) },
        { E(TIMEOUT, true), V(TIMEOUT, BAD, true), V(AMBIGUOUS, BAD, false) },
        { E(TIMEOUT, false), V(TIMEOUT, BAD, true), V(TIMEOUT, BAD, false) },
        { { .ending = ENDING_TIMEOUT, .sent = true, .took_us = S - 1 },
          V(TIMEOUT, NONE, true), V(AMBIGUOUS, NONE, false) },
        { E(TLS, false), V(TLS, BAD, false), V(TLS, BAD, false) },
        { E(TOO_LARGE, true), V(TOO_LARGE, NONE, false), V(AMBIGUOUS, NONE, false) },
        { E(NO_HTTP, true), V(PROTOCOL, BAD, false), V(AMBIGUOUS, BAD, false) },
        { E(CANCELLED, false), V(CANCELLED, NONE, false), V(CANCELLED, NONE, false) },
        { E(CANCELLED, true), V(CANCELLED, NONE, false), V(AMBIGUOUS, NONE, false) },
        { E(BAD_REQUEST, false), V(OPTIONS, NONE, false), V(OPTIONS, NONE, false) },
        { E(LATE, false), V(TIMEOUT, NONE, false), V(TIMEOUT, NONE, false) },
        { E(RATE_LIMITED, false), V(RATE_LIMITED, NONE, false), V(RATE_LIMITED, NONE, false) },
        { E(CIRCUIT_OPEN, false), V(CIRCUIT_OPEN, NONE, false), V(CIRCUIT_OPEN, NONE, false) },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct verdict read = verdict_of(&cases[i].outcome, false);
        struct verdict write = verdict_of(&cases[i].outcome, true);
        assert_int_equal(read.status, cases[i].read.status);
        assert_int_equal(read.evidence, cases[i].read.evidence);
        assert_int_equal(read.retry, cases[i].read.retry);
        assert_int_equal(write.status, cases[i].write.status);
        assert_int_equal(write.evidence, cases[i].write.evidence);
        assert_int_equal(write.retry, cases[i].write.retry);
    }
}

/* The rule that the outbox stands on: a write that may be out never comes back as if it were not. */
static void no_end_of_a_sent_write_claims_that_it_was_not_received(void **state)
{
    (void)state;
    for (int ending = 0; ending < ENDINGS; ending++) {
        for (long http = 100; http < 600; http++) {
            struct outcome outcome = { .ending = (enum ending)ending, .sent = true, .http_status = http };
            struct verdict verdict = verdict_of(&outcome, true);
            assert_false(verdict.retry);
            if (ending == ENDING_REPLY && (http == 401 || http == 403 || http == 429))
                continue;
            assert_true(verdict.status == OK || verdict.status == ERROR_NETWORK_AMBIGUOUS);
            if (ending != ENDING_REPLY || http >= 500)
                assert_int_equal(verdict.status, ERROR_NETWORK_AMBIGUOUS);
        }
    }
}

/* --- latencies ------------------------------------------------------------------------------------------ */
static void percentiles_are_of_the_newest_thousand(void **state)
{
    (void)state;
    static const unsigned percents[] = { 50, 99, 100 };
    struct latency latency = { .count = 0 };
    uint64_t values[3];
    latency_percentiles(&latency, percents, 3, values);
    assert_int_equal(values[0], 0);
    for (int i = 0; i < 5000; i++)
        latency_add(&latency, 1000000);
    for (int i = 1; i <= LATENCY_KEPT; i++)
        latency_add(&latency, (i * 7 % LATENCY_KEPT) + 1);
    latency_percentiles(&latency, percents, 3, values);
    assert_int_equal(values[0], 512);
    assert_int_equal(values[1], 1014);
    assert_int_equal(values[2], 1024);
    latency_add(&latency, INT64_MAX);
    latency_percentiles(&latency, percents, 3, values);
    assert_int_equal(values[2], UINT32_MAX);
}

/* --- URLs ----------------------------------------------------------------------------------------------- */
static void urls_are_taken_apart_and_show_no_secret(void **state)
{
    (void)state;
    static const struct { const char *text, *base, *query, *label; bool plain, loopback; } cases[] = {
        { "http://127.0.0.1:8545", "http://127.0.0.1:8545", NULL, "http://127.0.0.1:8545", true, true },
        { "http://localhost/", "http://localhost:80", NULL, "http://localhost:80", true, true },
        { "http://[::1]:9/", "http://[::1]:9", NULL, "http://[::1]:9", true, true },
        { "http://127.9.9.9/a", "http://127.9.9.9:80/a", NULL, "http://127.9.9.9:80", true, true },
        { "http://128.0.0.1/a", "http://128.0.0.1:80/a", NULL, "http://128.0.0.1:80", true, false },
        { "http://localhost.example/", "http://localhost.example:80", NULL, "http://localhost.example:80",
          true,
          false },
        { "https://rpc.example/v2/SECRET/?k=SECRET", "https://rpc.example:443/v2/SECRET", "?k=SECRET",
          "https://rpc.example:443", false, false },
    };
    struct error error;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct endpoint_url url;
        assert_int_equal(endpoint_url_parse(cases[i].text, &url, &error), OK);
        assert_string_equal(url.base, cases[i].base);
        assert_string_equal(url.query == NULL ? "" : url.query, cases[i].query == NULL ? "" : cases[i].query);
        assert_string_equal(url.label, cases[i].label);
        assert_int_equal(url.plain, cases[i].plain);
        assert_int_equal(url.loopback, cases[i].loopback);
        endpoint_url_close(&url);
    }
    static const char *const wrong[] = {
        "", "ftp://SECRET/", "http://user:SECRET@127.0.0.1/", "https://SECRET@host/", "https://host/#SECRET",
        "127.0.0.1:8545/SECRET", "unix:relative", "file:///SECRET", "http://", "http://a b/SECRET",
        "https://host:99999/SECRET", "gopher://SECRET",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct endpoint_url url;
        assert_int_equal(endpoint_url_parse(wrong[i], &url, &error), ERROR_NETWORK_OPTIONS);
        assert_null(strstr(error.message, "SECRET"));
    }
}

static void a_requests_path_goes_before_the_urls_query(void **state)
{
    (void)state;
    static const struct { const char *url, *path, *joined; } cases[] = {
        { "http://h:1/", "/wallet/x", "http://h:1/wallet/x" },
        { "http://h:1/base/", NULL, "http://h:1/base" },
        { "http://h:1/base?key=k", "/x", "http://h:1/base/x?key=k" },
        { "http://h:1/base?key=k", "/x?y=1", "http://h:1/base/x?key=k&y=1" },
        { "http://h:1", "/x?y=1", "http://h:1/x?y=1" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct endpoint_url url;
        assert_int_equal(endpoint_url_parse(cases[i].url, &url, NULL), OK);
        AUTO_FREE char *joined = endpoint_url_join(&url, cases[i].path);
        assert_string_equal(joined, cases[i].joined);
        endpoint_url_close(&url);
    }
}

/* --- credentials ---------------------------------------------------------------------------------------- */
static char folder[64], file[96];

static void write_file(const char *path, const void *content, size_t size, mode_t mode)
{
    unlink(path);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, content, size), size);
    assert_int_equal(fchmod(descriptor, mode), 0);
    close(descriptor);
}

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/layerd-credential-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(file, sizeof file, "%s/secret", folder);
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(folder);
}

static void assert_line(struct credential *credential, const char *expected)
{
    struct credential_line *line = NULL;
    assert_int_equal(credential_take(credential, &line, NULL), OK);
    assert_string_equal(credential_text(line), expected);
    credential_give_back(credential, line);
}

static void each_kind_of_credential_becomes_its_header(void **state)
{
    (void)state;
    struct credential *credential;
    struct error error;
    write_file(file, "__cookie__:0123abcd\n", 20, 0600);
    assert_int_equal(credential_open(CREDENTIAL_BASIC, file, NULL, &credential, &error), OK);
    assert_line(credential, "Authorization: Basic X19jb29raWVfXzowMTIzYWJjZA==");
    credential_close(credential);
    assert_int_equal(credential_open(CREDENTIAL_HEADER, file, "x-api-key", &credential, &error), OK);
    assert_line(credential, "x-api-key: __cookie__:0123abcd");
    credential_close(credential);
    write_file(file, "\x02\x01\x00 \n", 5, 0400); /* a macaroon: every byte counts */
    assert_int_equal(credential_open(CREDENTIAL_HEADER_HEX, file, "Grpc-Metadata-macaroon", &credential,
                                     &error),
                     OK);
    assert_line(credential, "Grpc-Metadata-macaroon: 020100200a");
    credential_close(credential);
}

static void a_file_that_others_may_reach_or_that_is_no_secret_is_refused(void **state)
{
    (void)state;
    struct credential *credential = NULL;
    struct error error;
    for (mode_t mode = 0; mode <= 0777; mode++) {
        if ((mode & 0400) == 0)
            continue;
        write_file(file, "SECRET:word", 11, mode);
        enum status status = credential_open(CREDENTIAL_BASIC, file, NULL, &credential, &error);
        assert_int_equal(status, (mode & 077) == 0 ? OK : ERROR_NETWORK_CREDENTIALS);
        if (status == OK)
            credential_close(credential);
        else
            assert_null(strstr(error.message, "SECRET"));
    }
    static const struct { const char *content; size_t size; } wrong[] = {
        { "", 0 }, { "\n \r\n", 4 }, { "SECRETword", 10 }, { "SECRET:wo\nrd", 12 }, { "SECRET:wo\0rd", 12 },
        { "SECRET:wo\r\nX: y", 15 },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        write_file(file, wrong[i].content, wrong[i].size, 0600);
        assert_int_equal(credential_open(CREDENTIAL_BASIC, file, NULL, &credential, &error),
                         ERROR_NETWORK_CREDENTIALS);
        assert_null(strstr(error.message, "SECRET"));
    }
    AUTO_FREE char *large = memory_new(CREDENTIAL_FILE_MAX + 1);
    memset(large, ':', CREDENTIAL_FILE_MAX + 1);
    write_file(file, large, CREDENTIAL_FILE_MAX + 1, 0600);
    assert_int_equal(credential_open(CREDENTIAL_BASIC, file, NULL, &credential, &error),
                     ERROR_NETWORK_CREDENTIALS);
    write_file(file, large, CREDENTIAL_FILE_MAX, 0600);
    assert_int_equal(credential_open(CREDENTIAL_BASIC, file, NULL, &credential, &error), OK);
    credential_close(credential);
    unlink(file);
    assert_int_equal(credential_open(CREDENTIAL_BASIC, file, NULL, &credential, &error),
                     ERROR_NETWORK_CREDENTIALS);
    assert_int_equal(credential_open(CREDENTIAL_BASIC, folder, NULL, &credential, &error),
                     ERROR_NETWORK_CREDENTIALS);
    assert_int_equal(mkfifo(file, 0600), 0); /* does not wait for a writer */
    assert_int_equal(credential_open(CREDENTIAL_BASIC, file, NULL, &credential, &error),
                     ERROR_NETWORK_CREDENTIALS);
    unlink(file);
    assert_int_equal(credential_open(CREDENTIAL_HEADER, file, "X: y\r\nZ", &credential, &error),
                     ERROR_NETWORK_OPTIONS);
    assert_int_equal(credential_open(CREDENTIAL_NONE, file, NULL, &credential, &error),
                     ERROR_NETWORK_OPTIONS);
}

static void a_changed_file_is_read_again_and_a_missing_one_goes_on(void **state)
{
    (void)state;
    struct credential *credential;
    struct credential_line *old = NULL, *line = NULL;
    write_file(file, "a:1", 3, 0600);
    assert_int_equal(credential_open(CREDENTIAL_BASIC, file, NULL, &credential, NULL), OK);
    assert_int_equal(credential_take(credential, &old, NULL), OK);
    assert_false(credential_renewed(credential, old));
    write_file(file, "a:2", 3, 0600);
    assert_line(credential, "Authorization: Basic YToy");
    /* whoever holds it still has it */
    assert_string_equal(credential_text(old), "Authorization: Basic YTox");
    assert_true(credential_renewed(credential, old));
    credential_give_back(credential, old);
    unlink(file);
    assert_line(credential, "Authorization: Basic YToy");
    write_file(file, "a:3", 3, 0644);
    struct error error;
    assert_int_equal(credential_take(credential, &line, &error), ERROR_NETWORK_CREDENTIALS);
    assert_null(line);
    write_file(file, "a:4", 3, 0600);
    assert_line(credential, "Authorization: Basic YTo0");
    unlink(file);
    credential_close(credential);
}

static void a_systemd_credential_is_a_plain_name_in_its_folder(void **state)
{
    (void)state;
    struct credential *credential;
    write_file(file, "a:1", 3, 0600);
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_int_equal(credential_open(CREDENTIAL_BASIC, "credential:secret", NULL, &credential, NULL),
                     ERROR_NETWORK_CREDENTIALS);
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    assert_int_equal(credential_open(CREDENTIAL_BASIC, "credential:secret", NULL, &credential, NULL), OK);
    assert_line(credential, "Authorization: Basic YTox");
    credential_close(credential);
    static const char *const wrong[] = { "credential:", "credential:..", "credential:.",
                                         "credential:../secret",
                                         "credential:/etc/passwd" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(credential_open(CREDENTIAL_BASIC, wrong[i], NULL, &credential, NULL),
                         ERROR_NETWORK_OPTIONS);
    unsetenv("CREDENTIALS_DIRECTORY");
}

/* --- cancellation --------------------------------------------------------------------------------------- */
static void count_up(void *context)
{
    ++*(int *)context;
}

static void a_cancellation_wakes_each_who_waits_once_and_late_comers_at_once(void **state)
{
    (void)state;
    struct cancellation *cancellation = cancellation_new();
    int woken[4] = { 0 };
    struct cancellation_watch watch[4];
    for (int i = 0; i < 4; i++)
        watch[i] = (struct cancellation_watch){ .wake = count_up, .context = &woken[i] };
    for (int i = 0; i < 3; i++)
        cancellation_watch_begin(cancellation, &watch[i]);
    cancellation_watch_end(cancellation, &watch[1]);
    assert_false(cancellation_requested(cancellation));
    cancellation_cancel(cancellation);
    cancellation_cancel(cancellation);
    assert_true(cancellation_requested(cancellation));
    cancellation_watch_begin(cancellation, &watch[3]);
    assert_true(woken[0] == 1 && woken[1] == 0 && woken[2] == 1 && woken[3] == 1);
    cancellation_watch_end(cancellation, &watch[0]);
    cancellation_watch_end(cancellation, &watch[2]);
    cancellation_watch_end(cancellation, &watch[3]);
    cancellation_free(cancellation);
    assert_false(cancellation_requested(NULL));
    cancellation_watch_begin(NULL, &watch[0]);
    cancellation_watch_end(NULL, &watch[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_bucket_goes_at_once_and_then_the_rate_holds),
        cmocka_unit_test(a_request_dearer_than_the_bucket_waits_for_a_full_one_and_the_next_pay),
        cmocka_unit_test(without_a_rate_only_the_servers_own_word_holds),
        cmocka_unit_test(after_a_pause_the_bucket_is_empty),
        cmocka_unit_test(no_stretch_of_time_sees_more_than_bucket_and_rate),
        cmocka_unit_test(five_failures_in_a_row_open_it_and_four_do_not),
        cmocka_unit_test(half_of_twenty_in_thirty_seconds_opens_it),
        cmocka_unit_test(it_opens_for_5_10_20_40_60_60_seconds_and_lets_one_probe_go_each_time),
        cmocka_unit_test(chance_adds_at_most_a_tenth),
        cmocka_unit_test(who_was_let_go_before_it_opened_tells_nothing_any_more),
        cmocka_unit_test(a_server_that_answers_and_lies_is_left_alone_too),
        cmocka_unit_test(random_histories_agree_with_one_that_recounts_everything),
        cmocka_unit_test(pauses_are_spread_over_all_that_is_allowed),
        cmocka_unit_test(retries_are_a_tenth_of_the_traffic_and_a_reserve_of_ten),
        cmocka_unit_test(seconds_and_the_three_forms_of_a_date_are_read),
        cmocka_unit_test(nobody_is_silenced_for_more_than_an_hour),
        cmocka_unit_test(what_is_neither_seconds_nor_a_date_is_not_believed),
        cmocka_unit_test(every_day_of_two_centuries_is_the_day_that_the_c_library_prints),
        cmocka_unit_test(each_end_means_what_the_readme_says),
        cmocka_unit_test(no_end_of_a_sent_write_claims_that_it_was_not_received),
        cmocka_unit_test(percentiles_are_of_the_newest_thousand),
        cmocka_unit_test(urls_are_taken_apart_and_show_no_secret),
        cmocka_unit_test(a_requests_path_goes_before_the_urls_query),
        cmocka_unit_test_setup_teardown(each_kind_of_credential_becomes_its_header, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(a_file_that_others_may_reach_or_that_is_no_secret_is_refused,
                                        make_folder,
                                        drop_folder),
        cmocka_unit_test_setup_teardown(a_changed_file_is_read_again_and_a_missing_one_goes_on, make_folder,
                                        drop_folder),
        cmocka_unit_test_setup_teardown(a_systemd_credential_is_a_plain_name_in_its_folder, make_folder,
                                        drop_folder),
        cmocka_unit_test(a_cancellation_wakes_each_who_waits_once_and_late_comers_at_once),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests_name("network rules", tests, NULL, NULL);
}
