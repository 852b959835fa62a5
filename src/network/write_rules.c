/* How a write goes through its life: see write_rules.h. */
#include "network/write_rules.h"

#include <string.h>

#include "base/clock.h"

#define RESEND_POLLS 10 /* looks that found nothing before the bytes are sent again, at least */
#define POLL_SHARE 8    /* the next look comes after this part of its age */

/* --- stages ------------------------------------------------------------------------------------- */
const char *write_stage_name(enum write_stage stage)
{
    switch (stage) {
    case STAGE_QUEUED: return "queued";
    case STAGE_PREPARED: return "prepared";
    case STAGE_SENDING: return "sending";
    case STAGE_AMBIGUOUS: return "ambiguous";
    case STAGE_SENT: return "sent";
    case STAGE_PENDING: return "pending";
    case STAGE_CONFIRMED: return "confirmed";
    case STAGE_FINAL: return "final";
    case STAGE_FAILED: return "failed";
    case STAGE_REJECTED: return "rejected";
    case STAGE_DROPPED: return "dropped";
    case STAGE_CANCELLED: return "cancelled";
    }
    return "";
}

enum write_stage write_stage_find(const char *name)
{
    enum write_stage stage = STAGE_QUEUED;

    while (strcmp(write_stage_name(stage), name) != 0) {
        INVARIANT(stage < STAGE_CANCELLED, "a write that is '%s'", name);
        stage++;
    }
    return stage;
}

#define TO(stage) (1u << STAGE_##stage)
#define SEEN (TO(PENDING) | TO(CONFIRMED) | TO(FINAL) | TO(FAILED) | TO(DROPPED))

static const unsigned moves[WRITE_STAGES] = {
    [STAGE_QUEUED] = TO(QUEUED) | TO(PREPARED) | TO(REJECTED) | TO(FAILED) | TO(DROPPED) | TO(CANCELLED),
    [STAGE_PREPARED] = TO(SENDING) | TO(QUEUED) | TO(DROPPED),
    [STAGE_SENDING] = TO(SENT) | TO(AMBIGUOUS) | TO(REJECTED) | TO(PREPARED) | TO(DROPPED),
    [STAGE_AMBIGUOUS] = TO(SENT) | TO(AMBIGUOUS) | TO(REJECTED) | TO(DROPPED),
    [STAGE_SENT] = TO(SENT) | SEEN,
    [STAGE_PENDING] = SEEN,
    [STAGE_CONFIRMED] = SEEN,
    [STAGE_FAILED] = SEEN, /* until its block is final */
};

bool write_stage_may_follow(enum write_stage from, enum write_stage to)
{
    return (moves[from] & 1u << to) != 0;
}

/* --- errors ------------------------------------------------------------------------------------- */
static bool is_among(enum status status, const enum status *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (status == list[i])
            return true;
    return false;
}

enum write_error write_error_of(enum status status)
{
    static const enum status refused[] = { ERROR_NETWORK_REJECTED, ERROR_NETWORK_NOT_SUPPORTED,
                                           ERROR_NETWORK_NOT_FOUND, ERROR_NETWORK_OPTIONS,
                                           ERROR_INVALID_PARAMS, ERROR_KEY_NOT_FOUND, ERROR_LIMIT };
    static const enum status not_now[] = { ERROR_NETWORK_TRANSPORT, ERROR_NETWORK_TLS, ERROR_NETWORK_AUTH,
                                           ERROR_NETWORK_RATE_LIMITED, ERROR_NETWORK_CIRCUIT_OPEN,
                                           ERROR_NETWORK_BUSY, ERROR_NETWORK_CREDENTIALS,
                                           ERROR_NETWORK_WRONG_CHAIN, ERROR_NETWORK_NOT_CONNECTED,
                                           ERROR_KEYSTORE_LOCKED, ERROR_STORAGE };

    if (is_among(status, refused, COUNT_OF(refused)))
        return WRITE_ERROR_REFUSED;
    if (is_among(status, not_now, COUNT_OF(not_now)))
        return WRITE_ERROR_NOT_NOW;
    return WRITE_ERROR_UNCERTAIN;
}

int64_t write_retry_delay(uint64_t retries)
{
    int64_t delay_us = RETRY_FIRST_US;

    for (uint64_t i = 1; i < retries && delay_us < RETRY_MOST_US; i++)
        delay_us *= 2;
    return delay_us < RETRY_MOST_US ? delay_us : RETRY_MOST_US;
}

/* --- following ---------------------------------------------------------------------------------- */
static bool is_same_block(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* It was in a block; what is said now has it in none, or in another. */
static bool is_reorg(const struct write_course *c, const struct network_status *s)
{
    if (c->stage != STAGE_CONFIRMED && !(c->stage == STAGE_FAILED && c->block != NULL))
        return false;
    if (s->state == TRANSACTION_UNKNOWN || s->state == TRANSACTION_PENDING)
        return true;
    return c->block != NULL && s->block != NULL && !is_same_block(c->block, s->block);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static unsigned follow_unknown(struct write_course *c, int64_t poll_us, int64_t now_us)
{
    if (c->unknown_us == 0)
        c->unknown_us = now_us;
    if (now_us - c->unknown_us >= DROP_AFTER_US && !c->awaited) {
        c->stage = STAGE_DROPPED;
        c->settled = true;
        return NEWS_DROPPED;
    }
    if (c->can_resend &&
        now_us - later(c->unknown_us, c->sent_us) >= later(RESEND_LEAST_US, RESEND_POLLS * poll_us))
        return NEWS_RESEND;
    return 0;
}

static unsigned follow_confirmed(struct write_course *c, const struct network_status *s, bool first)
{
    bool more = first || s->finality > c->finality;

    c->stage = s->finality == FINALITY_FINAL ? STAGE_FINAL : STAGE_CONFIRMED;
    c->settled = s->finality == FINALITY_FINAL;
    c->finality = s->finality;
    c->block = s->block;
    return (more ? NEWS_CONFIRMED : 0) | (first ? NEWS_ARRIVED : 0);
}

static unsigned follow_failed(struct write_course *c, const struct network_status *s, bool first)
{
    c->stage = STAGE_FAILED;
    /* in a block that may still go: not yet */
    c->settled = s->block == NULL || s->finality == FINALITY_FINAL;
    c->finality = s->finality;
    c->block = s->block;
    return first ? NEWS_FAILED : 0;
}

static void leave_block(struct write_course *c)
{
    c->stage = STAGE_PENDING;
    c->finality = FINALITY_NONE;
    c->block = NULL;
}

unsigned write_follow(struct write_course *c, const struct network_status *s, int64_t poll_us, int64_t now_us)
{
    unsigned news = is_reorg(c, s) ? NEWS_REORGED : 0;

    if (news != 0)
        leave_block(c);
    if (s->state != TRANSACTION_UNKNOWN)
        c->unknown_us = 0;
    switch (s->state) {
    case TRANSACTION_UNKNOWN:
        return news | follow_unknown(c, poll_us, now_us);
    case TRANSACTION_PENDING:
        leave_block(c);
        return news;
    case TRANSACTION_CONFIRMED:
        return news | follow_confirmed(c, s, c->stage != STAGE_CONFIRMED);
    case TRANSACTION_FAILED:
        return news | follow_failed(c, s, c->stage != STAGE_FAILED);
    }
    return news;
}

int64_t write_poll_delay(const struct write_course *c, int64_t poll_us, int64_t now_us)
{
    int64_t delay_us = (now_us - c->sent_us) / POLL_SHARE;
    int64_t most_us = c->can_raise && c->block == NULL ? POLL_WAITING_MOST_US : POLL_MOST_US;

    if (delay_us > most_us)
        delay_us = most_us;
    return later(delay_us, poll_us);
}
