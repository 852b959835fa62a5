/* Writes on a disk that loses power. For every N, a child sends three transfers through a server that
 * rejects one, forgets one and loses an answer, and raises the fees of what waits there, while the power goes
 * at the Nth change to the disk. The server lives on. A node that opens what is left must bring every
 * acknowledged transfer to its end, and the server must never have seen bytes that were not durable, other
 * bytes for the same write but at a higher fee, or a nonce out of turn. */
#include "fault/lives.h"
#include "scene.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/hash.h"

#define TRANSFERS 3

static size_t acknowledged;

static struct operation ask_transfer(struct fixture *f, int i)
{
    char request[8];

    snprintf(request, sizeof(request), "r%d", i);
    return transfer(f, "main", request);
}

/* Of each sequence the first that came in. Tells how many there are. */
static int64_t mine_all(void)
{
    int64_t count = 0;

    for (size_t i = 0; i < fake->transaction_count; i++) {
        bool is_first = true;

        for (size_t j = 0; j < i; j++)
            if (fake->transactions[j].sequence == fake->transactions[i].sequence)
                is_first = false;
        if (!is_first)
            continue;
        fake_mine_one(i, FINALITY_FINAL, 7, "b7");
        count++;
    }
    return count;
}

static void live(int out, const struct fault *fault)
{
    static const enum fake_send script[] = { FAKE_TAKES_MUTE, FAKE_REJECTS, FAKE_LOSES };
    static struct fixture f;

    fault_vfs_register("fault", true);
    scene_begin(&f);
    dprintf(out, "directory %s\n", f.directory);
    fake_script(sizeof(script) / sizeof(script[0]), script);
    fault_vfs_arm(fault);
    for (int i = 0; i < TRANSFERS; i++) {
        ask_transfer(&f, i);
        dprintf(out, "transfer\n");
    }
    await_later(&f, "SELECT count(*) FROM network_operation WHERE operation = 'transfer_asset' AND state = "
                    "'queued'", 0);
    fake->raises = true;
    fake->bump_after_us = MICROSECONDS_PER_SECOND;
    await_later(&f, "SELECT count(*) > 0 AND sum(sent_us IS NULL) = 0 FROM network_candidate", 1);
    fake->bump_after_us = INT64_MAX;
    mine_all();
    await_later(&f, "SELECT count(*) FROM network_write WHERE settled = 0", 0);
    lives_end(out, fault);
}

static void hear(const char *line)
{
    if (line == NULL)
        acknowledged = 0;
    else if (strcmp(line, "transfer") == 0)
        acknowledged++;
}

static void check_left(const char *directory)
{
    static struct fixture f;
    int64_t sequences;

    pthread_mutex_init(&fake->lock, NULL); /* the child may have died with it */
    fake->script_size = 0;
    scene_step_us = 10 * MICROSECONDS_PER_SECOND; /* years lie between: what is old is looked at rarely */
    fixture_open(&f, NETWORK_DEV, scene_modules, directory);
    fixture_audit(&f);
    assert_true(fixture_sql(&f, "SELECT count(*) FROM network_write") >= (int64_t)acknowledged);
    await_later(&f, "SELECT count(*) FROM network_operation WHERE operation = 'transfer_asset' AND state = "
                    "'queued'", 0);
    fake->bump_after_us = INT64_MAX; /* what was signed is enough */
    await_later(&f, "SELECT count(*) FROM network_candidate WHERE sent_us IS NULL", 0);
    sequences = mine_all();
    await_later(&f, "SELECT count(*) FROM network_write WHERE settled = 0", 0);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM network_write WHERE state NOT IN ('final', "
                                     "'rejected')"), 0);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM network_write WHERE state = 'final'"),
                     sequences);
    fixture_audit(&f);
    fixture_stop(&f);
    fake_check();
}

static const struct lives lives = { .live = live, .hear = hear, .check = check_left, .stride = 11 };

static void nothing_is_lost_or_sent_twice_when_the_power_goes(void **state)
{
    (void)state;
    lives_each(&lives, FAULT_CHANGE, FAULT_POWER_LOSS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_or_sent_twice_when_the_power_goes),
    };
    struct error error;

    crypto_start();
    fake_open();
    if (log_set_levels("error", &error) != OK)
        return 1;
    return cmocka_run_group_tests_name("networks on a failing disk", tests, NULL, NULL) == 0 ? 0 : 1;
}
