/* The person at the terminal: secrets asked without echo, and progress that never disturbs a pipe. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TERMINAL_SECRET_MAX 1024 /* bytes with the final zero */

/* A secret in locked memory. */
struct terminal_secret {
    char *text; /* NULL: none */
};
void terminal_secret_close(struct terminal_secret *secret); /* wipes; for CLEANUP */

/* Where secrets come from: lines of a file ("-": standard input), or else the terminal. */
struct terminal_secrets {
    const char *path; /* NULL: ask on the terminal */
    FILE *file;       /* opened at the first use */
};
void terminal_secrets_close(struct terminal_secrets *secrets);

/* The next line of the file, or what is typed after "prompt: ". With `twice` it is asked for again and must
 * be the same. False: `reason` says why there is none. */
bool terminal_secret_next(struct terminal_secrets *secrets, const char *prompt, bool twice,
                          struct terminal_secret *secret, const char **reason);

/* Progress on standard error: one line that is written over on a terminal, else a plain line every few
 * seconds. */
struct progress {
    bool terminal;
    bool shown;      /* something stands on the line */
    int64_t last_us; /* when it was written last */
};
void progress_begin(struct progress *progress);
void progress_show(struct progress *progress, const char *format, ...) __attribute__((format(printf, 2, 3)));
void progress_end(struct progress *progress); /* clears the line */

#endif
