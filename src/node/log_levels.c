/* Rooms of the log: see log_levels.h. */
#include "node/log_levels.h"

#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "node/setting.h"

/* The rooms of the daemon: folders of src. contrib/check-source finds a LOG_ROOM that is missing here. */
static const char *const rooms[] = { "base", "crypto", "store", "kernel", "ledger", "payment", "rollup",
                                     "optimistic", "proving", "network", "transfer", "api", "node" };

static const char *room_at(size_t index)
{
    return rooms[index];
}

static enum status check_room(const char *name, size_t size, struct error *error)
{
    struct buffer known CLEANUP(buffer_close) = { 0 };
    int shown = size > 40 ? 40 : (int)size;

    buffer_init(&known);
    for (size_t i = 0; i < COUNT_OF(rooms); i++) {
        if (strlen(rooms[i]) == size && memcmp(rooms[i], name, size) == 0)
            return OK;
        buffer_append_format(&known, "%s%s", i == 0 ? "" : ", ", rooms[i]);
    }
    const char *meant = suggestion(name, size, room_at, COUNT_OF(rooms));
    if (meant != NULL)
        return error_set(error, ERROR_INVALID_PARAMS, "the log has no room '%.*s'; did you mean '%s'?", shown,
                         name, meant);
    return error_set(error, ERROR_INVALID_PARAMS, "the log has no room '%.*s'; there are %s", shown, name,
                     buffer_text(&known));
}

enum status log_levels_apply(const char *levels, struct error *error)
{
    for (const char *item = levels; item != NULL; item = strchr(item, ',')) {
        item += *item == ',';
        size_t size = strcspn(item, ":,");
        if (item[size] == ':')
            TRY(check_room(item, size, error));
    }
    return log_set_levels(levels, error);
}
