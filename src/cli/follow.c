/* Waiting on events: see follow.h. */
#include "cli/follow.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

#define RESUME_SLICE_MS 500 /* between two looks for Ctrl-C while the node is away */

static void stop_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
}

enum layerd_error follow_begin(struct follow *follow, const struct cli *cli,
                               const struct layerd_subscribe_options *options, bool signals, int timeout_ms,
                               struct layerd_failure *failure)
{
    AUTO_FREE char *path = NULL;
    sigset_t set;

    *follow = (struct follow){ .signals = -1, .deadline_us = INT64_MAX };
    if (timeout_ms >= 0)
        follow->deadline_us = clock_monotonic_us() + (int64_t)timeout_ms * 1000;
    enum layerd_error code = cli_path(cli, &path, failure);
    if (code == LAYERD_OK)
        code = layerd_subscribe(path, options, cli_timeout(cli, CLI_TIMEOUT_DEFAULT_MS),
                                &follow->subscription, failure);
    if (code != LAYERD_OK || !signals)
        return code;
    stop_signals(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    follow->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return LAYERD_OK;
}

void follow_end(struct follow *follow)
{
    sigset_t set;
    layerd_unsubscribe(follow->subscription);
    follow->subscription = NULL;
    if (follow->signals < 0)
        return;
    stop_signals(&set);
    close(follow->signals);
    follow->signals = -1;
}

enum follow_step follow_next(struct follow *follow, struct layerd_event *event,
                             struct layerd_failure *failure)
{
    enum layerd_error code = layerd_event_next(follow->subscription, 0, event, failure);
    if (code == LAYERD_OK)
        return FOLLOW_EVENT;
    return code == LAYERD_ERROR_TIMEOUT ? FOLLOW_IDLE : FOLLOW_FAILED;
}

/* Milliseconds to wait: up to the bound given or the deadline, whichever is first. */
static int wait_ms(const struct follow *follow, int idle_ms)
{
    if (follow->deadline_us == INT64_MAX)
        return idle_ms;
    int64_t left = (follow->deadline_us - clock_monotonic_us() + 999) / 1000;
    if (left < 0)
        left = 0;
    if (left > INT_MAX)
        left = INT_MAX;
    return idle_ms >= 0 && idle_ms < left ? idle_ms : (int)left;
}

enum follow_step follow_wait(struct follow *follow, int idle_ms, struct layerd_failure *failure)
{
    struct pollfd polled[2] = { { .fd = layerd_subscription_descriptor(follow->subscription),
                                  .events = POLLIN },
                                { .fd = follow->signals, .events = POLLIN } };
    int ready = poll(polled, 2, wait_ms(follow, idle_ms));
    if (ready > 0 && polled[1].revents != 0)
        return FOLLOW_INTERRUPTED;
    if (ready == 0 && clock_monotonic_us() >= follow->deadline_us) {
        cli_fail(failure, LAYERD_ERROR_TIMEOUT, "the time allowed by --timeout is over");
        return FOLLOW_FAILED;
    }
    return FOLLOW_IDLE;
}

enum follow_step follow_resume(struct follow *follow, int limit_ms, struct layerd_failure *failure)
{
    int64_t end = clock_monotonic_us() + (int64_t)limit_ms * 1000;
    for (;;) {
        struct pollfd polled = { .fd = follow->signals, .events = POLLIN };
        enum layerd_error code = layerd_resume(follow->subscription, RESUME_SLICE_MS, failure);
        if (code == LAYERD_OK)
            return FOLLOW_IDLE;
        if (poll(&polled, 1, 0) > 0)
            return FOLLOW_INTERRUPTED;
        int64_t now = clock_monotonic_us();
        bool passes = code == LAYERD_ERROR_CONNECT || code == LAYERD_ERROR_TIMEOUT
                      || code == LAYERD_ERROR_DISCONNECTED || code == LAYERD_ERROR_STOPPING
                      || code == LAYERD_ERROR_CURSOR_BUSY || code == LAYERD_ERROR_BUSY;
        if (!passes || now >= end || now >= follow->deadline_us)
            return FOLLOW_FAILED;
    }
}
