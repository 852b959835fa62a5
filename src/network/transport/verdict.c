/* First what happened to the connection, then what the HTTP status means, last what it means for a write:
 * once a byte of it is out, every end but a clear answer is ambiguous. */
#include "network/transport/verdict.h"

/* HTTP: 401 and 403 want other credentials, 408 and 429 are of the moment, all else below 500 is an answer of
 * the application. */
static struct verdict of_reply(const struct outcome *outcome)
{
    long http = outcome->http_status;
    if (outcome->answered)
        return (struct verdict){ OK, EVIDENCE_GOOD, false };
    if (http >= 300 && http < 400 && http != 304)
        return (struct verdict){ ERROR_NETWORK_PROTOCOL, EVIDENCE_BAD, false };
    if (http == 401 || http == 403)
        return (struct verdict){ ERROR_NETWORK_AUTH, EVIDENCE_GOOD, false };
    if (http == 408)
        return (struct verdict){ ERROR_NETWORK_TIMEOUT, EVIDENCE_BAD, true };
    if (http == 429)
        return (struct verdict){ ERROR_NETWORK_RATE_LIMITED, EVIDENCE_BAD, true };
    if (http >= 500)
        return (struct verdict){ ERROR_NETWORK_SERVER, EVIDENCE_BAD, true };
    return (struct verdict){ OK, EVIDENCE_GOOD, false };
}

static struct verdict of_ending(const struct outcome *outcome)
{
    bool fair = outcome->took_us >= TIMEOUT_IS_EVIDENCE_US;
    switch (outcome->ending) {
    case ENDING_REPLY:
        return of_reply(outcome);
    case ENDING_UNREACHABLE:
    case ENDING_BROKEN:
        return (struct verdict){ ERROR_NETWORK_TRANSPORT, EVIDENCE_BAD, true };
    case ENDING_TIMEOUT:
        return (struct verdict){ ERROR_NETWORK_TIMEOUT, fair ? EVIDENCE_BAD : EVIDENCE_NONE, true };
    case ENDING_TLS:
        return (struct verdict){ ERROR_NETWORK_TLS, EVIDENCE_BAD, false };
    case ENDING_TOO_LARGE:
        return (struct verdict){ ERROR_NETWORK_TOO_LARGE, EVIDENCE_NONE, false };
    case ENDING_NO_HTTP:
        return (struct verdict){ ERROR_NETWORK_PROTOCOL, EVIDENCE_BAD, false };
    case ENDING_CANCELLED:
        return (struct verdict){ ERROR_NETWORK_CANCELLED, EVIDENCE_NONE, false };
    case ENDING_BAD_REQUEST:
        return (struct verdict){ ERROR_NETWORK_OPTIONS, EVIDENCE_NONE, false };
    case ENDING_LATE:
        return (struct verdict){ ERROR_NETWORK_TIMEOUT, EVIDENCE_NONE, false };
    case ENDING_RATE_LIMITED:
        return (struct verdict){ ERROR_NETWORK_RATE_LIMITED, EVIDENCE_NONE, false };
    case ENDING_CIRCUIT_OPEN:
        return (struct verdict){ ERROR_NETWORK_CIRCUIT_OPEN, EVIDENCE_NONE, false };
    case ENDINGS:
        break;
    }
    INVARIANT(false, "ending %d", (int)outcome->ending);
}

/* Replies that say that the request was not looked at. */
static bool surely_not_done(const struct outcome *outcome)
{
    long http = outcome->http_status;
    return outcome->ending == ENDING_REPLY
           && (http == 401 || http == 403 || http == 429 || (http == 503 && outcome->has_retry_after));
}

struct verdict verdict_of(const struct outcome *outcome, bool write)
{
    struct verdict verdict = of_ending(outcome);
    if (!write)
        return verdict;
    verdict.retry = false;
    if (verdict.status != OK && outcome->sent && !surely_not_done(outcome))
        verdict.status = ERROR_NETWORK_AMBIGUOUS;
    return verdict;
}
