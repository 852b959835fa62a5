/* A log of a test's own making, whose owner signs what he likes, and bundles from it: what only looks right
 * must be refused however well it is signed. */
#ifndef TESTS_FORGED_LOG_H
#define TESTS_FORGED_LOG_H

#include "test_transfer.h"

#define FORGED_EVENTS_MAX 20
#define FORGED_TRANSFER "1111111111111111111111111111111111111111111111111111111111111111"
#define FORGED_ESCROW "2222222222222222222222222222222222222222222222222222222222222222"

struct forged_log {
    json_t *events;
    size_t count;
    struct hash leaves[FORGED_EVENTS_MAX];
};
void forged_open(struct forged_log *log);
void forged_close(struct forged_log *log);
/* Its number is the next; the body is stolen. */
void forged_add(struct forged_log *log, const char *type, const char *subject, json_t *body);
json_t *forged_hex(const struct hash *hash);
/* The bundle of all of it, canonical; `networks` may be NULL, and is stolen. The key that signs is told, when
 * it is asked for. */
char *forged_bundle(const struct forged_log *log, const char *format, const char *preimage, json_t *networks,
                    struct buffer *key);

/* Of one side of a transfer. */
struct forged_leg { const char *place, *from, *to, *asset, *amount; };
/* What transfer.initiated says: 10 GOLD for 2, from alice through bob. */
json_t *forged_terms(const struct forged_leg *source, const struct forged_leg *destination, const char *hash);
/* What transfer.source_locked and transfer.destination_locked say. */
json_t *forged_locked(const char *place, const char *reference, int64_t expiry_us);

#endif
