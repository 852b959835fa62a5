/* Lives on a disk that fails: see lives.h. */
#include "fault/lives.h"
#include "../unit/sanitized.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/database.h"

#include <cmocka.h> /* last: it makes a macro of fail() */

#define LINE_MAX_SIZE 512
#define OPERATIONS_LEAST 14 /* a history with fewer shows nothing */

void lives_end(int out, const struct fault *fault)
{
    dprintf(out, "operations %" PRIu64 "\n", fault_vfs_count(fault->operations));
    _exit(0);
}

/* Returns how many operations of the fault's kinds a whole life has, when it came to its end. */
static uint64_t listen_to(const struct lives *lives, int in, char directory[LINE_MAX_SIZE])
{
    FILE *file = fdopen(in, "r");
    char line[LINE_MAX_SIZE];
    uint64_t operations = 0;

    assert_non_null(file);
    directory[0] = '\0';
    lives->hear(NULL);
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "directory %511s", directory) != 1 &&
            sscanf(line, "operations %" SCNu64, &operations) != 1)
            lives->hear(line);
    }
    fclose(file);
    return operations;
}

static uint64_t one_life(const struct lives *lives, const struct fault *fault)
{
    char directory[LINE_MAX_SIZE];
    uint64_t operations;
    int ends[2], status;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        (void)!freopen("/dev/null", "w", stderr);
        setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failure ends the child, not its copy of the tests */
        lives->live(ends[1], fault);
        _exit(4); /* it ends by lives_end() */
    }
    close(ends[1]);
    operations = listen_to(lives, ends[0], directory);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != EXIT_STORAGE &&
                               WEXITSTATUS(status) != FAULT_POWER_EXIT))
        fail_msg("operation %" PRIu64 " of kinds %x failing (how %d, seed %" PRIu64
                 "): the node ended with status %x",
                 fault->nth, fault->operations, fault->kind, fault->seed, (unsigned)status);
    if (directory[0] != '\0')
        lives->check(directory);
    return operations;
}

void lives_each(const struct lives *lives, unsigned operations, enum fault_kind kind)
{
    uint64_t quick = lives->stride * (SANITIZED ? 4 : 1), seed = (uint64_t)time(NULL);
    uint64_t stride = getenv("LAYERD_THOROUGH") != NULL ? 1 : quick;
    uint64_t count = one_life(lives, &(struct fault){ .operations = operations, .nth = 0 });

    assert_true(count > OPERATIONS_LEAST);
    print_message("%" PRIu64 " operations of kinds %x, every %" PRIu64 ". fails, seed %" PRIu64 "\n", count,
                  operations, stride, seed);
    for (uint64_t nth = 1 + seed % stride; nth <= count; nth += stride)
        one_life(lives, &(struct fault){ .operations = operations, .nth = nth, .kind = kind,
                                         .seed = seed + nth });
}
