/* The worker pool. */
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/workers.h"

#define JOBS 10000
#define WORKERS 3

struct job {
    struct work work; /* first: a job is found from its work by cast */
    atomic_int runs;
};

static struct job jobs[JOBS];
static atomic_int per_worker[WORKERS], wrong_worker;

static void run_job(struct work *work, size_t worker)
{
    struct job *job = (struct job *)work;
    atomic_fetch_add(&job->runs, 1);
    if (worker < WORKERS)
        atomic_fetch_add(&per_worker[worker], 1);
    else
        atomic_fetch_add(&wrong_worker, 1);
}

static void every_job_runs_once_and_stop_waits_for_the_queued(void **state)
{
    (void)state;
    struct workers *workers = workers_start("test", WORKERS, 100);
    assert_int_equal(workers_count(workers), WORKERS);
    for (int i = 0; i < JOBS; i++) {
        jobs[i].work.run = run_job;
        while (!workers_submit(workers, &jobs[i].work))
            sched_yield();
        assert_true(workers_queued(workers) <= 100);
    }
    workers_stop(workers);
    int total = 0;
    for (int i = 0; i < WORKERS; i++)
        total += atomic_load(&per_worker[i]);
    assert_int_equal(total, JOBS);
    assert_int_equal(atomic_load(&wrong_worker), 0);
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(atomic_load(&jobs[i].runs), 1);
}

struct gate {
    struct work work;
    sem_t entered, leave;
    char thread_name[16];
    sigset_t blocked;
};

static void wait_at_gate(struct work *work, size_t worker)
{
    (void)worker;
    struct gate *gate = (struct gate *)work;
    pthread_getname_np(pthread_self(), gate->thread_name, sizeof gate->thread_name);
    pthread_sigmask(SIG_BLOCK, NULL, &gate->blocked);
    sem_post(&gate->entered);
    sem_wait(&gate->leave);
}

static void a_full_pool_says_no(void **state)
{
    (void)state;
    struct gate gate = { .work.run = wait_at_gate };
    struct job job = { .work.run = run_job };
    sem_init(&gate.entered, 0, 0);
    sem_init(&gate.leave, 0, 0);
    struct workers *workers = workers_start("gate", 1, 2);
    assert_true(workers_submit(workers, &gate.work));
    sem_wait(&gate.entered);
    assert_true(workers_submit(workers, &job.work));
    assert_true(workers_submit(workers, &job.work));
    assert_int_equal(workers_queued(workers), 2);
    assert_false(workers_submit(workers, &job.work));
    sem_post(&gate.leave);
    workers_stop(workers);
    assert_int_equal(atomic_load(&job.runs), 2);
    sem_destroy(&gate.entered);
    sem_destroy(&gate.leave);
}

static void threads_carry_the_pools_name_and_take_no_signals(void **state)
{
    (void)state;
    sigset_t before, after;
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    struct gate gate = { .work.run = wait_at_gate };
    sem_init(&gate.entered, 0, 0);
    sem_init(&gate.leave, 0, 1);
    struct workers *workers = workers_start("a-long-pool-name", 1, 1);
    assert_true(workers_submit(workers, &gate.work));
    workers_stop(workers);
    assert_string_equal(gate.thread_name, "a-long-poo-0");
    assert_true(sigismember(&gate.blocked, SIGTERM));
    assert_true(sigismember(&gate.blocked, SIGHUP));
    assert_true(sigismember(&gate.blocked, SIGINT));
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    assert_int_equal(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
    sem_destroy(&gate.entered);
    sem_destroy(&gate.leave);
}

static void start_no_workers(void)
{
    workers_start("none", 0, 1);
}

static void a_pool_of_no_workers_is_a_broken_invariant(void **state)
{
    (void)state;
    assert_aborts(start_no_workers, "0 workers");
}

int workers_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_runs_once_and_stop_waits_for_the_queued),
        cmocka_unit_test(a_full_pool_says_no),
        cmocka_unit_test(threads_carry_the_pools_name_and_take_no_signals),
        cmocka_unit_test(a_pool_of_no_workers_is_a_broken_invariant),
    };
    return cmocka_run_group_tests_name("base/workers", tests, NULL, NULL);
}
