/* The circuit breaker: leaves a server alone that fails, and finds out when it is back. Pure: clock and
 * randomness are given; the owner locks.
 *
 *   closed     everybody may go. 5 failures in a row, or half of at least 20 in the last 30 s: open
 *   open       nobody may go, for 5 s, then 10, 20, 40, 60 (and up to a tenth more); then half open
 *   half open  one may go, the probe. It succeeds: closed. It fails: open, for longer
 *
 * Who was let go holds a ticket. What he tells counts only while the breaker has not changed since. */
#ifndef NETWORK_TRANSPORT_BREAKER_H
#define NETWORK_TRANSPORT_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#define BREAKER_IN_A_ROW 5
#define BREAKER_SAMPLE_MIN 20
#define BREAKER_WINDOW_S 30
#define BREAKER_OPEN_US ((int64_t)5000000)
#define BREAKER_OPEN_MAX_US ((int64_t)60000000)

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };
enum evidence {
    EVIDENCE_NONE, /* tells nothing of the server: cancelled, too late in our own queue */
    EVIDENCE_GOOD, /* it answered, be it with an error of the application */
    EVIDENCE_BAD,
};

struct breaker_ticket { uint64_t epoch; };

struct breaker {
    enum breaker_state state;
    uint64_t epoch;        /* grows with each change of state */
    unsigned in_a_row;     /* failures since the last success */
    unsigned forgotten;    /* what the last success made of in_a_row: a lie found later brings it back */
    struct { int64_t second; unsigned good, bad; } window[BREAKER_WINDOW_S];
    int64_t open_until_us;
    int64_t open_us;       /* how long the last opening was, without what chance added; 0: it is closed */
    bool probing;
};

void breaker_init(struct breaker *breaker);
bool breaker_refuses(const struct breaker *breaker, int64_t now_us); /* would breaker_admit say no? */
bool breaker_admit(struct breaker *breaker, int64_t now_us, struct breaker_ticket *ticket);

/* Every ticket is reported once. */
void breaker_report(struct breaker *breaker, struct breaker_ticket ticket, enum evidence evidence,
                    int64_t now_us, uint64_t random);

/* An exchange that was reported good turned out to be bad: the server lied. */
void breaker_blame(struct breaker *breaker, int64_t now_us, uint64_t random);
const char *breaker_state_name(enum breaker_state state);

#endif
