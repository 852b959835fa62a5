/* Who is closed: of the user that makes the node keep most of what is spent, one of those whose clients are
 * to blame, for they had two seconds to read: the one that has not been empty for longest among those that
 * keep at least the average of these. Somebody keeps that much, so wherever anybody is to blame there is
 * one to close. A client that reads is safe whatever the others do and however much it has to wait with,
 * and a flood costs the flooding user its own connections. */
#include "api/relief.h"

#include <malloc.h>

#include "api/listener.h"
#include "base/clock.h"
#include "base/log.h"

#define LOG_ROOM "api"
#define ROUND_US (50 * 1000)
#define GRACE_US (2 * MICROSECONDS_PER_SECOND) /* to read, while others wait for room */
#define REPORT_US MICROSECONDS_PER_SECOND
#define SWOLLEN_PART 4    /* of all output: worth giving back afterwards */
#define SUBSIDED_PART 16

/* --- telling ---------------------------------------------------------------------------------- */
static const char *closing_text(enum closing why)
{
    switch (why) {
    case CLOSING_UNREAD:
        return "did not read their replies while others waited for room";
    case CLOSING_LINE_TIME:
        return "did not finish a line in time";
    case CLOSING_LINE_SIZE:
        return "sent a line that is too long";
    case CLOSING_ROOM:
        return "were idle longest when all connections were taken";
    }
    return "";
}

static void report(struct listener *l)
{
    for (struct budget_user *u = l->budget.users; u != NULL; u = u->next)
        for (size_t why = 0; why < CLOSINGS; why++) {
            if (u->closed[why] > 0)
                log_info("uid %lld: %zu of its connections closed that %s", (long long)u->uid,
                         u->closed[why], closing_text((enum closing)why));
            u->closed[why] = 0;
        }
}

static void start_report(struct listener *l)
{
    if (l->relief.reporting)
        return;
    l->relief.reporting = true;
    watch_start_timer(&l->relief.report, REPORT_US);
}

void relief_count(struct listener *l, struct budget_user *user, enum closing why)
{
    user->closed[why]++;
    start_report(l);
}

void relief_watch_memory(struct listener *l)
{
    if (l->relief.swollen
        || atomic_load(&l->budget.bytes[BUDGET_OUTPUT]) < l->budget.most[BUDGET_OUTPUT] / SWOLLEN_PART)
        return;
    l->relief.swollen = true;
    start_report(l);
}

static void on_report(void *context)
{
    struct listener *l = context;
    l->relief.reporting = false;
    report(l);
    if (!l->relief.swollen)
        return;
    if (atomic_load(&l->budget.bytes[BUDGET_OUTPUT]) < l->budget.most[BUDGET_OUTPUT] / SUBSIDED_PART) {
        malloc_trim(0); /* freed pieces lie between others, in the arenas of several threads */
        l->relief.swollen = false;
    } else {
        start_report(l);
    }
}

/* --- who reads nothing ------------------------------------------------------------------------ */
/* Since when the connection keeps what it keeps of this kind; `now` when its client is not to blame:
 * requests of one that reads wait for room that others take. */
static int64_t kept_since(const struct connection *c, enum budget_kind kind, int64_t now)
{
    int64_t since = now;
    if (atomic_load(&c->kept[kind]) == 0)
        return now;
    if (connection_unsent(c) > 0)
        since = c->unread_since_us;
    if (kind == BUDGET_OUTPUT)
        return since;
    bool stopped = !c->reading && !budget_is_exhausted(&c->listener->budget, BUDGET_INPUT);
    if (line_framer_in_line(&c->framer) && !stopped && c->line_begun_us < since)
        since = c->line_begun_us;
    return since;
}

static bool is_to_blame(const struct connection *c, const struct budget_user *user, enum budget_kind kind,
                        int64_t now)
{
    return c->user == user && kept_since(c, kind, now) <= now - GRACE_US;
}

static struct connection *worst_of(const struct listener *l, const struct budget_user *user,
                                   enum budget_kind kind)
{
    int64_t now = clock_monotonic_us(), oldest = now;
    size_t kept = 0, count = 0;
    struct connection *worst = NULL;
    for (const struct connection *c = l->connections; c != NULL; c = c->next)
        if (is_to_blame(c, user, kind, now)) {
            kept += atomic_load(&c->kept[kind]);
            count++;
        }
    size_t average = count == 0 ? 0 : kept / count;
    for (struct connection *c = l->connections; c != NULL; c = c->next)
        if (is_to_blame(c, user, kind, now) && atomic_load(&c->kept[kind]) >= average
            && kept_since(c, kind, now) < oldest) {
            oldest = kept_since(c, kind, now);
            worst = c;
        }
    return worst;
}

/* Requests that wait for output make input spent, too: whose output is spent is not blamed for its input. */
static void make_room(struct listener *l, enum budget_kind kind)
{
    struct budget_user *user;
    struct connection *worst;
    while ((user = budget_greediest(&l->budget, kind)) != NULL && budget_is_spent(&l->budget, user, kind)
           && (kind == BUDGET_OUTPUT || !budget_is_spent(&l->budget, user, BUDGET_OUTPUT))
           && (worst = worst_of(l, user, kind)) != NULL) {
        relief_count(l, user, CLOSING_UNREAD);
        connection_close(worst);
    }
}

static void on_round(void *context)
{
    struct listener *l = context;
    l->relief.asked = false;
    make_room(l, BUDGET_OUTPUT);
    l->options.handler->relieved(l);
    make_room(l, BUDGET_INPUT); /* what is still kept when requests that waited for output have gone on */
}

void relief_ask(struct listener *l)
{
    if (l->relief.asked)
        return;
    l->relief.asked = true;
    watch_start_timer(&l->relief.round, ROUND_US);
}

/* --- a newcomer ------------------------------------------------------------------------------- */
static struct budget_user *with_most_connections(const struct listener *l)
{
    struct budget_user *most = l->budget.users;
    for (struct budget_user *u = l->budget.users; u != NULL; u = u->next)
        if (u->connections > most->connections)
            most = u;
    return most;
}

bool relief_make_room(struct listener *l, const struct budget_user *newcomer)
{
    const struct budget_user *user = with_most_connections(l);
    struct connection *idle = NULL;
    if (user->connections <= newcomer->connections + 1)
        return false;
    for (struct connection *c = l->connections; c != NULL; c = c->next)
        if (c->user == user && !c->handler->busy(c) && (idle == NULL || c->active_us < idle->active_us))
            idle = c;
    if (idle == NULL)
        return false;
    connection_close_telling(idle, CLOSING_ROOM, ERROR_TOO_MANY,
                             "all connections are taken, and this one was idle longest");
    return true;
}

/* --- life ------------------------------------------------------------------------------------- */
void relief_open(struct listener *l)
{
    watch_open(&l->relief.round, l->options.base, WATCH_TIMER, -1, on_round, l);
    watch_open(&l->relief.report, l->options.base, WATCH_TIMER, -1, on_report, l);
}

void relief_close(struct listener *l)
{
    report(l);
    watch_close(&l->relief.round);
    watch_close(&l->relief.report);
}
