/* Secrets and progress: see terminal.h. */
#include "cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

#define PROGRESS_TERMINAL_US (MICROSECONDS_PER_SECOND / 10)
#define CLEAR_LINE "\r\033[K"
#define PROGRESS_PLAIN_US (3 * MICROSECONDS_PER_SECOND)

/* --- secrets ---------------------------------------------------------------------------------- */

static char *secret_memory(void)
{
    char *memory =
        mmap(NULL, TERMINAL_SECRET_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        resource_exhausted("memory");
    (void)mlock(
        memory,
        TERMINAL_SECRET_MAX); /* a limit of 0 is no reason to refuse: the memory is wiped all the same */
    (void)madvise(memory, TERMINAL_SECRET_MAX, MADV_DONTDUMP);
    return memory;
}

void terminal_secret_close(struct terminal_secret *secret)
{
    if (secret->text == NULL)
        return;
    explicit_bzero(secret->text, TERMINAL_SECRET_MAX);
    munmap(secret->text, TERMINAL_SECRET_MAX);
    secret->text = NULL;
}

void terminal_secrets_close(struct terminal_secrets *secrets)
{
    if (secrets->file != NULL && secrets->file != stdin)
        fclose(secrets->file);
    secrets->file = NULL;
}

static volatile sig_atomic_t interrupted; /* the signal that came while a secret was typed */

static void note_signal(int signal)
{
    interrupted = signal;
}

/* Reads a line of bytes without stdio's buffer keeping a copy. */
static bool read_secret_line(int descriptor, char *out, const char **reason)
{
    for (size_t size = 0; size < TERMINAL_SECRET_MAX; size++) {
        ssize_t got;
        do
            got = read(descriptor, out + size, 1);
        while (got < 0 && errno == EINTR && interrupted == 0);
        if (got < 0 || (got == 0 && size == 0)) {
            *reason = "there is no further line to read it from";
            return false;
        }
        if (got == 0 || out[size] == '\n') {
            out[size] = '\0';
            if (size > 0 && out[size - 1] == '\r')
                out[size - 1] = '\0';
            return true;
        }
    }
    *reason = "a passphrase has at most 1023 bytes";
    return false;
}

static bool secret_from_file(struct terminal_secrets *secrets, char *out, const char **reason)
{
    if (secrets->file == NULL) {
        secrets->file = strcmp(secrets->path, "-") == 0 ? stdin : fopen(secrets->path, "re");
        if (secrets->file == NULL) {
            *reason = "the passphrase's file cannot be read";
            return false;
        }
    }
    return read_secret_line(fileno(secrets->file), out, reason);
}

/* Echo is off while the line is typed, and on again before a signal has its effect. */
static bool secret_from_terminal(int terminal, const char *prompt, char *out, const char **reason)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
    struct sigaction noting = { .sa_handler = note_signal }, before[sizeof signals / sizeof signals[0]];
    struct termios normal, silent;

    if (tcgetattr(terminal, &normal) != 0) {
        *reason = "the terminal does not let the echo be switched off";
        return false;
    }
    interrupted = 0;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &noting, &before[i]);
    silent = normal;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    silent.c_lflag |= ICANON;
    tcsetattr(terminal, TCSAFLUSH, &silent);
    dprintf(terminal, "%s: ", prompt);
    bool good = read_secret_line(terminal, out, reason);
    tcsetattr(terminal, TCSAFLUSH, &normal);
    dprintf(terminal, "\n");
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &before[i], NULL);
    if (interrupted != 0)
        raise(interrupted);
    return good;
}

static bool secret_asked(const char *prompt, bool twice, char *out, const char **reason)
{
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0) {
        *reason = "there is no terminal to ask for it; use --passphrase-file FILE (or '-')";
        return false;
    }
    bool good = secret_from_terminal(terminal, prompt, out, reason);
    if (good && twice) {
        struct terminal_secret again CLEANUP(terminal_secret_close) = { secret_memory() };
        good = secret_from_terminal(terminal, "the same again", again.text, reason);
        if (good && strcmp(out, again.text) != 0) {
            *reason = "the two do not agree";
            good = false;
        }
    }
    close(terminal);
    return good;
}

bool terminal_secret_next(struct terminal_secrets *secrets, const char *prompt, bool twice,
                          struct terminal_secret *secret, const char **reason)
{
    struct terminal_secret read CLEANUP(terminal_secret_close) = { secret_memory() };
    bool good = secrets->path != NULL ? secret_from_file(secrets, read.text, reason)
                                      : secret_asked(prompt, twice, read.text, reason);
    if (good && read.text[0] == '\0') {
        *reason = "it is empty";
        return false;
    }
    if (good) {
        *secret = read;
        read.text = NULL;
    }
    return good;
}

/* --- progress --------------------------------------------------------------------------------- */

/* Past the screen that escapes what others wrote: this is ours. */
static void clear_line(void)
{
    fflush(stderr);
    (void)!write(STDERR_FILENO, CLEAR_LINE, strlen(CLEAR_LINE));
}

void progress_begin(struct progress *progress)
{
    *progress = (struct progress){ .terminal = isatty(STDERR_FILENO), .last_us = clock_monotonic_us() };
}

void progress_show(struct progress *progress, const char *format, ...)
{
    int64_t now = clock_monotonic_us();
    if (now - progress->last_us < (progress->terminal ? PROGRESS_TERMINAL_US : PROGRESS_PLAIN_US))
        return;
    progress->last_us = now;
    progress->shown = true;
    va_list arguments;
    va_start(arguments, format);
    if (progress->terminal)
        clear_line();
    vfprintf(stderr, format, arguments);
    if (!progress->terminal)
        fputc('\n', stderr);
    va_end(arguments);
    fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (progress->terminal && progress->shown)
        clear_line();
    progress->shown = false;
}
