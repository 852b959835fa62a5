/* Durable events by kernel tasks: see appender.h. */
#include "appender.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "kernel/execution.h"
#include "measure.h"
#include "store/migration.h"

#define RANDOM_SEED 0x9E3779B97F4A7C15 /* any but 0 */
#define AMOUNTS 1000000

/* xorshift64 (Marsaglia 2003): which rows are touched must cost nothing and be the same in each run. */
static uint64_t next_random(struct appender *appender)
{
    uint64_t x = appender->random;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return appender->random = x;
}

static struct account_id account_of(uint64_t number)
{
    static struct account_id accounts[APPENDER_ACCOUNTS];
    static bool known[APPENDER_ACCOUNTS];
    size_t index = number % APPENDER_ACCOUNTS;
    struct hash hash;

    if (!known[index]) {
        tagged_hash(&hash, "layerd/benchmark", &index, sizeof(index));
        memcpy(accounts[index].bytes, hash.bytes, sizeof(hash.bytes));
        known[index] = true;
    }
    return accounts[index];
}

static enum status run(struct kernel_task *task, struct execution *x)
{
    struct appender *appender = ((struct append_task *)task)->appender;
    uint64_t random = next_random(appender);
    char key[32], value[24];

    appender->begun_ns = now_ns();
    snprintf(key, sizeof(key), "benchmark/%04" PRIu64, random % STATE_ROWS);
    snprintf(value, sizeof(value), "%" PRIu64, random % AMOUNTS);
    meta_set(execution_database(x), key, value);
    return event_transferred(x, &(struct event_transferred){ .from = account_of(random >> 16),
                                                             .to = account_of(random >> 32),
                                                             .asset = "BENCH",
                                                             .amount = 1 + random % AMOUNTS });
}

static void finish(struct appender *appender)
{
    pthread_mutex_lock(&appender->lock);
    appender->finished = true;
    pthread_cond_signal(&appender->changed);
    pthread_mutex_unlock(&appender->lock);
}

static void submit(struct appender *appender, struct kernel_task *task)
{
    appender->to_start--;
    appender->under_way++;
    if (!kernel_submit_task(appender->kernel, task))
        fatal("the executor takes no more tasks");
}

/* On the executor, after COMMIT. */
static void done(struct kernel_task *task, enum status status, const struct error *error)
{
    struct appender *appender = ((struct append_task *)task)->appender;

    if (status != OK)
        fatal("an event was refused: %s", error->message);
    appender->durable++;
    appender->under_way--;
    if (appender->to_start > 0 && appender->begun_ns < appender->until_ns)
        submit(appender, task);
    if (appender->under_way == 0)
        finish(appender);
}

void appender_open(struct appender *appender, struct kernel *kernel, size_t depth)
{
    *appender = (struct appender){ .kernel = kernel, .task_count = depth, .random = RANDOM_SEED };
    appender->tasks = memory_array(depth, sizeof(*appender->tasks));
    for (size_t i = 0; i < depth; i++)
        appender->tasks[i] = (struct append_task){ { run, done }, appender };
    pthread_mutex_init(&appender->lock, NULL);
    pthread_cond_init(&appender->changed, NULL);
}

void appender_close(struct appender *appender)
{
    pthread_mutex_destroy(&appender->lock);
    pthread_cond_destroy(&appender->changed);
    free(appender->tasks);
}

/* The first tasks are submitted from inside the executor too, by a task of their own: so that nothing but the
 * executor ever looks at the counters, and the very first batch is the only one that is not full. */
struct opening {
    struct kernel_task task;
    struct appender *appender;
};

static enum status open_nothing(struct kernel_task *task, struct execution *x)
{
    (void)task;
    (void)x;
    return OK;
}

static void open_done(struct kernel_task *task, enum status status, const struct error *error)
{
    struct appender *appender = ((struct opening *)task)->appender;

    (void)status;
    (void)error;
    for (size_t i = 0; i < appender->task_count && appender->to_start > 0; i++)
        submit(appender, &appender->tasks[i].task);
}

static double run_until(struct appender *appender, uint64_t count, int64_t until_ns)
{
    struct opening opening = { { open_nothing, open_done }, appender };
    int64_t begin = now_ns();

    appender->to_start = count;
    appender->until_ns = until_ns;
    appender->durable = 0;
    appender->finished = false;
    if (!kernel_submit_task(appender->kernel, &opening.task))
        fatal("the executor takes no tasks");
    pthread_mutex_lock(&appender->lock);
    while (!appender->finished)
        pthread_cond_wait(&appender->changed, &appender->lock);
    pthread_mutex_unlock(&appender->lock);
    return (double)appender->durable / seconds_since(begin);
}

double appender_run(struct appender *appender, uint64_t count)
{
    return run_until(appender, count, INT64_MAX);
}

double appender_run_for(struct appender *appender, double seconds)
{
    return run_until(appender, UINT64_MAX, now_ns() + (int64_t)(seconds * NANOSECONDS));
}
