/* The room's effects, as the kernel runs and ends them; module.c lists them. Each is transient: its
 * outcome is in the room's own rows. */
#ifndef NETWORK_EFFECTS_H
#define NETWORK_EFFECTS_H

#include "kernel/module.h"

#define EFFECT_OF(name)                                                                                      \
    enum status network_##name##_run(struct effect_run *run);                                                \
    void network_##name##_ended(struct execution *x, uint64_t id, const char *key, const char *request,      \
                                enum status outcome, const char *result)
EFFECT_OF(call);    /* one read: operation.c */
EFFECT_OF(prepare); /* a link's queued writes made ready: prepare.c */
EFFECT_OF(send);    /* prepared writes sent: send.c */
EFFECT_OF(track);   /* a look what has become of a write: track.c */
EFFECT_OF(health);  /* a look whether a server answers: health.c */
#undef EFFECT_OF

#endif
