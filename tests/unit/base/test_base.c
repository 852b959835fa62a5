/* Runs every test of base, and holds what they share. */
#include "support.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

struct random random_start(const char *test)
{
    const char *given = getenv("LAYERD_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_wall_us();
    print_message("%s: LAYERD_SEED=%llu\n", test, (unsigned long long)seed);
    return (struct random){ .state = seed * 2 + 1 };
}

uint64_t random_next(struct random *random)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * 0x2545f4914f6cdd1d;
}

size_t random_below(struct random *random, size_t bound)
{
    return (size_t)((random_next(random) >> 16) % bound);
}

void random_bytes(struct random *random, void *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)out)[i] = (uint8_t)(random_next(random) >> 32);
}

static size_t put_character(char *out, uint32_t point)
{
    uint8_t *bytes = (uint8_t *)out;
    if (point < 0x80) {
        bytes[0] = (uint8_t)point;
        return 1;
    }
    size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (size_t i = length - 1; i > 0; i--) {
        bytes[i] = 0x80 | (point & 0x3f);
        point >>= 6;
    }
    bytes[0] = (uint8_t)(lead[length] | point);
    return length;
}

size_t random_text(struct random *random, char *out, size_t characters)
{
    static const struct {
        uint32_t first, count;
    } ranges[] = {
        { 0x20, 0x5f }, { 0x20, 0x5f }, { 1, 0x1f }, { 0x80, 0x780 }, { 0x800, 0xd000 },
        { 0xe000, 0x2000 }, { 0x10000, 0x100000 },
    };
    size_t size = 0;
    for (size_t i = 0; i < characters; i++) {
        size_t range = random_below(random, sizeof ranges / sizeof ranges[0]);
        uint32_t point = ranges[range].first + (uint32_t)random_below(random, ranges[range].count);
        size += put_character(out + size, point);
    }
    return size;
}

int ending_of(void (*body)(void), char *said, size_t size)
{
    int channel[2];
    assert_int_equal(pipe(channel), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL); /* cmocka catches it */
        dup2(channel[1], STDERR_FILENO);
        close(channel[0]);
        close(channel[1]);
        body();
        _exit(0);
    }
    close(channel[1]);
    size_t filled = 0;
    ssize_t got;
    while (filled < size - 1 && (got = read(channel[0], said + filled, size - 1 - filled)) > 0)
        filled += (size_t)got;
    said[filled] = '\0';
    close(channel[0]);
    int ending;
    assert_int_equal(waitpid(child, &ending, 0), child);
    return WIFSIGNALED(ending) ? WTERMSIG(ending) : ENDED_BY_EXIT + WEXITSTATUS(ending);
}

void assert_aborts(void (*body)(void), const char *saying)
{
    char said[8192];
    assert_int_equal(ending_of(body, said, sizeof said), SIGABRT);
    if (strstr(said, saying) == NULL)
        fail_msg("'%s' is not in: %s", saying, said);
}

int main(void)
{
    int failed = status_tests() + bytes_tests() + memory_tests() + buffer_tests() + writer_tests() +
                 json_tests() + bech32_tests() + clock_tests() + log_tests() + queue_tests() +
                 workers_tests();
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE; /* a count could be 77: "skipped" to automake */
}
