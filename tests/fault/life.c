/* Lives on a disk that fails: see lives.h. */
#include "fault/life.h"

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

#include <cmocka.h>

#include "store/database.h"

#define TOLD_MAX 65536

static void live_in_child(const struct life *life, const struct fault *fault, int out)
{
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failure ends the child, not its copy of the tests */
    fault_vfs_register("fault", true);
    life->live(out, fault);
    dprintf(out, "operations %" PRIu64 "\n", fault_vfs_count(fault->operations));
    _exit(0);
}

static void read_told(int in, char told[TOLD_MAX])
{
    size_t size = 0;
    ssize_t got;

    while ((got = read(in, told + size, TOLD_MAX - 1 - size)) > 0)
        size += (size_t)got;
    told[size] = '\0';
    close(in);
}

uint64_t life_run(const struct life *life, const struct fault *fault)
{
    static char told[TOLD_MAX];
    int ends[2], status;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        live_in_child(life, fault, ends[1]);
    }
    close(ends[1]);
    read_told(ends[0], told);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != EXIT_STORAGE &&
                               WEXITSTATUS(status) != FAULT_POWER_EXIT))
        fail_msg("operation %" PRIu64 " (seed %" PRIu64 "): the node ended with status %x", fault->nth,
                 fault->seed, (unsigned)status);
    print_message("operation %" PRIu64 " (seed %" PRIu64 ")\n", fault->nth, fault->seed);
    life->look(told);
    return (uint64_t)life_told(told, "operations", 0);
}

void life_each(const struct life *life, enum fault_kind kind, uint64_t stride)
{
    uint64_t step = getenv("LAYERD_THOROUGH") != NULL ? 1 : stride, seed = (uint64_t)time(NULL);
    uint64_t count = life_run(life, &(struct fault){ .operations = FAULT_CHANGE, .nth = 0 });

    assert_true(count > 20);
    print_message("%" PRIu64 " changes to the disk, every %" PRIu64 ". fails, seed %" PRIu64 "\n", count,
                  step, seed);
    for (uint64_t nth = 1 + seed % step; nth <= count; nth += step)
        life_run(life, &(struct fault){ .operations = FAULT_CHANGE, .nth = nth, .kind = kind,
                                        .seed = seed + nth });
}

bool life_told_text(const char *told, const char *name, char *text, size_t size)
{
    size_t length = strlen(name);
    bool found = false;

    for (const char *line = told; line[0] != '\0'; line += strcspn(line, "\n"), line += line[0] == '\n') {
        if (strncmp(line, name, length) == 0 && line[length] == ' ') {
            snprintf(text, size, "%.*s", (int)strcspn(line + length + 1, "\n"), line + length + 1);
            found = true;
        }
    }
    return found;
}

int64_t life_told(const char *told, const char *name, int64_t fallback)
{
    char text[32];

    return life_told_text(told, name, text, sizeof(text)) ? (int64_t)strtoll(text, NULL, 10) : fallback;
}
