/* The list of applications, and what all of them share: see application.h. */
#include "layer2/channel/application.h"

#include <string.h>

static const struct application *const applications[] = {
    NULL,
};

const struct application *application_at(size_t index)
{
    return applications[index];
}

enum status application_find(const char *name, const struct application **application, struct error *error)
{
    for (size_t i = 0; applications[i] != NULL; i++) {
        if (strcmp(applications[i]->name, name) == 0) {
            *application = applications[i];
            return OK;
        }
    }
    return error_set(error, ERROR_APPLICATION_NOT_FOUND, "no application '%.32s'", name);
}

uint32_t application_everyone(const struct channel_fixed *fixed)
{
    return (uint32_t)((1ul << fixed->participant_count) - 1);
}
