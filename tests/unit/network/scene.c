/* A node with a link to the fake network: see scene.h. */
#include "scene.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define PATIENCE_TURNS 30000

int64_t scene_step_us = MICROSECONDS_PER_SECOND / 10;

const struct module *const scene_modules[] = { &network_module, NULL };

void scene_begin(struct fixture *f)
{
    fake_reset();
    fixture_start(f, NETWORK_DEV, scene_modules);
    snprintf(fake->database, sizeof(fake->database), "%s", kernel_database_path(f->kernel));
    scene_link(f, "main", "{'account':'me'}");
}

void scene_end(struct fixture *f)
{
    fixture_audit(f);
    fixture_stop(f);
    fake_check();
}

void scene_link(struct fixture *f, const char *name, const char *options)
{
    char *sql AUTO_FREE = text_format("SELECT count(*) FROM network_link WHERE name = '%s' AND state = "
                                      "'connected'",
                                      name);
    struct reply reply = fixture_call(f, "network.initialize",
                                      fixture_json("{'link':'%s','network':'fake','options':%s,'poll':'1s',"
                                                   "'health':'2s'}", name, options));

    if (reply.status != OK)
        fail_msg("no link: %s", reply.error.message);
    reply_close(&reply);
    ask(f, "network.connect", "{'link':'%s'}", name);
    await(f, sql, 1);
}

/* --- asking ------------------------------------------------------------------------------------- */
__attribute__((format(printf, 1, 0))) static json_t *parse(const char *format, va_list arguments)
{
    char text[4096];

    vsnprintf(text, sizeof(text), format, arguments);
    return fixture_json("%s", text);
}

struct operation ask(struct fixture *f, const char *method, const char *format, ...)
{
    struct operation o;
    struct reply reply;
    va_list arguments;
    json_t *params;

    va_start(arguments, format);
    params = parse(format, arguments);
    va_end(arguments);
    reply = fixture_call(f, method, params);
    if (reply.status != OK)
        fail_msg("%s was refused: %s", method, reply.error.message);
    snprintf(o.id, sizeof(o.id), "%s", json_string_value(json_object_get(reply.result, "operation")));
    assert_int_equal(strlen(o.id), 32);
    reply_close(&reply);
    return o;
}

void ask_refused(struct fixture *f, enum status code, const char *method, const char *format, ...)
{
    struct reply reply;
    va_list arguments;
    json_t *params;

    va_start(arguments, format);
    params = parse(format, arguments);
    va_end(arguments);
    reply = fixture_call(f, method, params);
    if (reply.status != code)
        fail_msg("%s: expected was %s, it came to %s (%s)", method, status_name(code),
                 status_name(reply.status),
                 reply.status == OK ? "" : reply.error.message);
    reply_close(&reply);
}

struct operation transfer(struct fixture *f, const char *link, const char *request)
{
    return ask(f, "network.transfer_asset", "{'link':'%s','to':'you','amount':'5','request':'%s'}", link,
               request);
}

/* --- waiting ------------------------------------------------------------------------------------ */
static void wait_until(struct fixture *f, const char *sql, int64_t value, int64_t by_us)
{
    int64_t is = -1;

    for (int i = 0; i < PATIENCE_TURNS; i++) {
        is = fixture_sql(f, sql);
        if (is == value)
            return;
        if (by_us > 0)
            fixture_advance(f, by_us);
        usleep(1000);
    }
    fail_msg("%s: %" PRId64 " was expected, it is %" PRId64, sql, value, is);
}

void await(struct fixture *f, const char *sql, int64_t value)
{
    wait_until(f, sql, value, 0);
}

void await_later(struct fixture *f, const char *sql, int64_t value)
{
    wait_until(f, sql, value, scene_step_us);
}

void await_operation(struct fixture *f, const struct operation *o, const char *state)
{
    char *sql AUTO_FREE = text_format("SELECT count(*) FROM network_operation WHERE id = x'%s' AND state = "
                                      "'%s'",
                                      o->id, state);

    await_later(f, sql, 1);
}

static char *is_in_state(const struct operation *o, const char *state)
{
    return text_format("SELECT count(*) FROM network_write w JOIN network_operation o USING (number)"
                       " WHERE id = x'%s' AND w.state = '%s'", o->id, state);
}

void await_write(struct fixture *f, const struct operation *o, const char *state)
{
    char *sql AUTO_FREE = is_in_state(o, state);

    await_later(f, sql, 1);
}

void await_write_now(struct fixture *f, const struct operation *o, const char *state)
{
    char *sql AUTO_FREE = is_in_state(o, state);

    await(f, sql, 1);
}

json_t *operation_of(struct fixture *f, const struct operation *o)
{
    return fixture_query(f, "network.operation", "{'operation':'%s'}", o->id);
}

int64_t events(struct fixture *f, const char *type)
{
    char *sql AUTO_FREE = text_format("SELECT count(*) FROM event WHERE type = 'network.%s'", type);

    return fixture_sql(f, sql);
}
