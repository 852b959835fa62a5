/* The list of applications, and what all of them share: see application.h. */
#include "layer2/channel/application.h"

#include <inttypes.h>
#include <string.h>

#include "layer2/channel/applications/applications.h"

static const struct application *const applications[] = {
    &application_consensus,
    &application_escrow,
    &application_payment,
    &application_tictactoe,
    &application_voucher,
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
    return (uint32_t)((UINT64_C(1) << fixed->participant_count) - 1);
}

enum status application_supported(const struct application *application, const struct channel_fixed *fixed,
                                  const struct signed_state *states, size_t count, struct error *error)
{
    if (application->supported == NULL)
        return application_unanimous(fixed, states, count, error);
    return application->supported(fixed, states, count, error);
}

enum status application_unanimous(const struct channel_fixed *fixed, const struct signed_state *states,
                                  size_t count, struct error *error)
{
    if (count != 1)
        return error_set(error, ERROR_WRONG_NUMBER_OF_STATES, "one state is expected, not %zu", count);
    if (states[0].signed_by != application_everyone(fixed))
        return error_set(error, ERROR_WRONG_SIGNERS, "turn %" PRIu64 ": %d of %zu participants signed",
                         states[0].state.turn, __builtin_popcount(states[0].signed_by),
                         fixed->participant_count);
    return OK;
}

enum status application_turn_taking(const struct application *application, const struct channel_fixed *fixed,
                                    const struct signed_state *states, size_t count, struct error *error)
{
    if (count != fixed->participant_count)
        return error_set(error, ERROR_WRONG_NUMBER_OF_STATES, "%zu states are expected, not %zu",
                         fixed->participant_count, count);
    for (size_t i = 0; i < count; i++) {
        size_t mover = (size_t)(states[i].state.turn % fixed->participant_count);

        if (states[i].state.turn != states[0].state.turn + i)
            return error_set(error, ERROR_INVALID_TRANSITION, "the states' turns do not follow each other");
        if (states[i].signed_by != UINT32_C(1) << mover)
            return error_set(error, ERROR_WRONG_SIGNERS,
                             "turn %" PRIu64 " is participant %zu's, who must have signed it and nobody else",
                             states[i].state.turn, mover);
    }
    for (size_t i = 1; i < count; i++)
        TRY(application->next_ok(fixed, &states[i - 1].state, &states[i].state,
                                 (size_t)(states[i].state.turn % count), error));
    return OK;
}
