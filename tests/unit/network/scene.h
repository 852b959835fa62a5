/* A node with one link, "main", to the fake network; and what tests do with it. */
#ifndef TESTS_NETWORK_SCENE_H
#define TESTS_NETWORK_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "fake_network.h"
#include "kernel_fixture.h"

#include <cmocka.h> /* last: it makes a macro of fail() */

extern const struct module *const scene_modules[];

struct operation { char id[33]; };

void scene_begin(struct fixture *f); /* connected, with a nonce */
void scene_end(struct fixture *f);   /* audits */
/* Options are those of the link; connects it and waits until it is. */
void scene_link(struct fixture *f, const char *name, const char *options);

/* A command that is taken; one that is refused. Parameters in the manner of fixture_json. */
struct operation ask(struct fixture *f, const char *method, const char *format, ...) PRINTF_LIKE(3, 4);
void ask_refused(struct fixture *f, enum status code, const char *method, const char *format, ...)
    PRINTF_LIKE(4, 5);
struct operation transfer(struct fixture *f, const char *link, const char *request);

/* Waits, the node's clock standing still; or moving, so much at a time, for what comes later. */
extern int64_t scene_step_us; /* a tenth of a second */
void await(struct fixture *f, const char *sql, int64_t value);
void await_later(struct fixture *f, const char *sql, int64_t value);
/* The state of an operation; of a write. */
void await_operation(struct fixture *f, const struct operation *o, const char *state);
void await_write(struct fixture *f, const struct operation *o, const char *state);
/* The same with the clock standing still: for a state that goes on by itself when its time has come. */
void await_write_now(struct fixture *f, const struct operation *o, const char *state);
json_t *operation_of(struct fixture *f, const struct operation *o);
int64_t events(struct fixture *f, const char *type);

#endif
