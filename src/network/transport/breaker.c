/* The three states and their moves. The window is thirty counters, one a second, reused in turn. */
#include "network/transport/breaker.h"

#include <string.h>

#include "base/clock.h"
#include "base/status.h"

void breaker_init(struct breaker *breaker)
{
    memset(breaker, 0, sizeof *breaker);
    for (size_t i = 0; i < BREAKER_WINDOW_S; i++)
        breaker->window[i].second = INT64_MIN;
}

const char *breaker_state_name(enum breaker_state state)
{
    switch (state) {
    case BREAKER_CLOSED: return "closed";
    case BREAKER_OPEN: return "open";
    case BREAKER_HALF_OPEN: return "half_open";
    }
    INVARIANT(false, "breaker state %d", (int)state);
}

static void window_clear(struct breaker *breaker)
{
    for (size_t i = 0; i < BREAKER_WINDOW_S; i++) {
        breaker->window[i].second = INT64_MIN;
        breaker->window[i].good = breaker->window[i].bad = 0;
    }
}

static void close_circuit(struct breaker *breaker)
{
    breaker->state = BREAKER_CLOSED;
    breaker->epoch++;
    breaker->in_a_row = breaker->forgotten = 0;
    breaker->open_us = 0;
    breaker->probing = false;
    window_clear(breaker);
}

static void open_circuit(struct breaker *breaker, int64_t now_us, uint64_t random)
{
    int64_t open_us = breaker->open_us == 0 ? BREAKER_OPEN_US : 2 * breaker->open_us;
    breaker->open_us = open_us > BREAKER_OPEN_MAX_US ? BREAKER_OPEN_MAX_US : open_us;
    breaker->state = BREAKER_OPEN;
    breaker->epoch++;
    breaker->probing = false;
    breaker->open_until_us =
        now_us + breaker->open_us + (int64_t)(random % (uint64_t)(breaker->open_us / 10 + 1));
}

bool breaker_refuses(const struct breaker *breaker, int64_t now_us)
{
    switch (breaker->state) {
    case BREAKER_CLOSED: return false;
    case BREAKER_OPEN: return now_us < breaker->open_until_us;
    case BREAKER_HALF_OPEN: return breaker->probing;
    }
    INVARIANT(false, "breaker state %d", (int)breaker->state);
}

bool breaker_admit(struct breaker *breaker, int64_t now_us, struct breaker_ticket *ticket)
{
    if (breaker_refuses(breaker, now_us))
        return false;
    if (breaker->state == BREAKER_OPEN) {
        breaker->state = BREAKER_HALF_OPEN;
        breaker->epoch++;
    }
    breaker->probing = breaker->state == BREAKER_HALF_OPEN;
    ticket->epoch = breaker->epoch;
    return true;
}

static void window_add(struct breaker *breaker, int64_t now_us, unsigned good, unsigned bad)
{
    int64_t second = now_us / MICROSECONDS_PER_SECOND;
    size_t at = (size_t)(((second % BREAKER_WINDOW_S) + BREAKER_WINDOW_S) % BREAKER_WINDOW_S);
    if (breaker->window[at].second != second) {
        breaker->window[at].second = second;
        breaker->window[at].good = breaker->window[at].bad = 0;
    }
    breaker->window[at].good += good;
    breaker->window[at].bad += bad;
}

static bool window_is_bad(const struct breaker *breaker, int64_t now_us)
{
    int64_t second = now_us / MICROSECONDS_PER_SECOND;
    uint64_t good = 0, bad = 0;
    for (size_t i = 0; i < BREAKER_WINDOW_S; i++) {
        if (breaker->window[i].second <= second - BREAKER_WINDOW_S)
            continue;
        good += breaker->window[i].good;
        bad += breaker->window[i].bad;
    }
    return good + bad >= BREAKER_SAMPLE_MIN && bad >= good;
}

static void open_if_bad(struct breaker *breaker, int64_t now_us, uint64_t random)
{
    if (breaker->in_a_row >= BREAKER_IN_A_ROW || window_is_bad(breaker, now_us))
        open_circuit(breaker, now_us, random);
}

void breaker_report(struct breaker *breaker, struct breaker_ticket ticket, enum evidence evidence,
                    int64_t now_us, uint64_t random)
{
    if (ticket.epoch != breaker->epoch)
        return;
    bool probe = breaker->state == BREAKER_HALF_OPEN;
    switch (evidence) {
    case EVIDENCE_NONE:
        breaker->probing = false;
        return;
    case EVIDENCE_GOOD:
        if (probe)
            close_circuit(breaker);
        breaker->forgotten = breaker->in_a_row;
        breaker->in_a_row = 0;
        window_add(breaker, now_us, 1, 0);
        /* so many failures may lie in the window that this success only makes the sample large enough */
        open_if_bad(breaker, now_us, random);
        return;
    case EVIDENCE_BAD:
        if (probe) {
            open_circuit(breaker, now_us, random);
            return;
        }
        breaker->in_a_row++;
        window_add(breaker, now_us, 0, 1);
        open_if_bad(breaker, now_us, random);
        return;
    }
    INVARIANT(false, "evidence %d", (int)evidence);
}

void breaker_blame(struct breaker *breaker, int64_t now_us, uint64_t random)
{
    if (breaker->state != BREAKER_CLOSED)
        return;
    breaker->in_a_row += breaker->forgotten + 1;
    breaker->forgotten = 0;
    /* the success is taken out of the newest second that has one: it is no older than the exchange */
    size_t newest = BREAKER_WINDOW_S;
    for (size_t i = 0; i < BREAKER_WINDOW_S; i++) {
        if (breaker->window[i].good > 0
            && (newest == BREAKER_WINDOW_S || breaker->window[i].second > breaker->window[newest].second))
            newest = i;
    }
    if (newest < BREAKER_WINDOW_S)
        breaker->window[newest].good--;
    window_add(breaker, now_us, 0, 1);
    open_if_bad(breaker, now_us, random);
}
