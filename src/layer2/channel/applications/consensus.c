/* consensus: whatever all participants sign, nothing else. For ledger channels between two, and for whatever
 * people decide by hand. */
#include "layer2/channel/applications/applications.h"

static enum status fixed_ok(const struct channel_fixed *fixed, struct error *error)
{
    if (fixed->terms.size != 0)
        return error_set(error, ERROR_INVALID_PARAMS, "terms: consensus has none");
    return OK;
}

static enum status init_ok(const struct channel_fixed *fixed, const struct channel_state *state,
                           struct error *error)
{
    (void)fixed, (void)state, (void)error;
    return OK;
}

static enum status next_ok(const struct channel_fixed *fixed, const struct channel_state *previous,
                           const struct channel_state *next, size_t mover, struct error *error)
{
    (void)fixed, (void)previous, (void)next, (void)mover, (void)error;
    return OK;
}

static enum status take_out(const struct channel_fixed *fixed, const struct channel_state *previous,
                            struct channel_state *next, size_t mover, struct arena *arena,
                            struct error *error)
{
    (void)fixed, (void)mover, (void)arena, (void)error;
    next->data = previous->data;
    return OK;
}

const struct application application_consensus = {
    .name = "consensus",
    .help = "Any outcome that all participants sign.",
    .fixed_ok = fixed_ok,
    .init_ok = init_ok,
    .next_ok = next_ok,
    .take_out = take_out,
};
