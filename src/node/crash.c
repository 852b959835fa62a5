/* The crash handler. What it needs is made ready at the start: path, text, stack, and libgcc's unwinder,
 * which the first backtrace(3) loads with malloc. */
#include "node/crash.h"

#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"

#define FRAMES_MAX 64
#define CRASH_STACK_SIZE (64 * 1024)
#define CRASH_TEXT_MAX 256

static const struct crash_signal {
    int number;
    const char *name;
} crash_signals[] = {
    { SIGSEGV, "SIGSEGV" }, { SIGABRT, "SIGABRT" }, { SIGBUS, "SIGBUS" },
    { SIGFPE, "SIGFPE" },   { SIGILL, "SIGILL" },
};
#define CRASH_SIGNALS (sizeof crash_signals / sizeof crash_signals[0])

static char crash_path[4096];
static char crash_version[CRASH_TEXT_MAX];
static char crash_stack[CRASH_STACK_SIZE]
    __attribute__((aligned(16)));              /* a stack overflow has no other to run on */
static struct sigaction before[CRASH_SIGNALS]; /* sanitizers and debuggers have theirs */

/* A text put together without the C library's formatting. */
struct words {
    char text[CRASH_TEXT_MAX * 2];
    size_t size;
};

static void say(struct words *words, const char *text)
{
    for (; *text != '\0' && words->size < sizeof words->text; text++)
        words->text[words->size++] = *text;
}

static void say_number(struct words *words, uint64_t number)
{
    char digits[DECIMAL_MAX + 1];

    digits[decimal_encode(digits, number)] = '\0';
    say(words, digits);
}

static void say_address(struct words *words, const void *address)
{
    char hex[2 * sizeof(uint64_t) + 1];
    uint8_t bytes[sizeof(uint64_t)];

    put_be64(bytes, (uint64_t)(uintptr_t)address);
    hex_text(hex, bytes, sizeof bytes);
    say(words, "0x");
    say(words, hex);
}

static void write_words(int file, const struct words *words, void *const *frames, int count)
{
    if (file < 0 || write(file, words->text, words->size) < 0)
        return;
    backtrace_symbols_fd(frames, count, file);
}

static void crash(int number, siginfo_t *facts, void *context)
{
    struct words words = { .size = 0 };
    void *frames[FRAMES_MAX];
    int count = backtrace(frames, FRAMES_MAX);
    int file = open(crash_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

    (void)context;
    say(&words, "\nlayerd ");
    say(&words, crash_version);
    say(&words, " crashed: ");
    for (size_t i = 0; i < CRASH_SIGNALS; i++) {
        if (crash_signals[i].number != number)
            continue;
        say(&words, crash_signals[i].name);
        (void)sigaction(number, &before[i], NULL); /* the second time it takes its course */
    }
    if (number != SIGABRT) {
        say(&words, " at address ");
        say_address(&words, facts->si_addr);
    }
    say(&words, ", process ");
    say_number(&words, (uint64_t)getpid());
    say(&words, ", unix time ");
    say_number(&words, (uint64_t)time(NULL));
    say(&words, "\n");
    write_words(file, &words, frames, count);
    write_words(log_descriptor(), &words, frames, count);
    if (facts->si_code <=
        0) /* sent, not met: returning would go on as if nothing was; a fault comes again by itself */
        (void)raise(number);
}

void crash_install(const char *path, const char *version)
{
    stack_t stack = { .ss_sp = crash_stack, .ss_size = sizeof crash_stack };
    struct sigaction action = { .sa_sigaction = crash, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    void *frame[1];

    snprintf(crash_path, sizeof crash_path, "%s", path);
    snprintf(crash_version, sizeof crash_version, "%s", version);
    (void)backtrace(frame, 1);
    (void)sigaltstack(&stack, NULL); /* cannot fail: it is large enough and not in use */
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < CRASH_SIGNALS; i++)
        (void)sigaction(crash_signals[i].number, &action, &before[i]); /* nor can this, for these signals */
}
