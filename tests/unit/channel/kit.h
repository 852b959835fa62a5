/* What random play needs to know of an application: how its channels begin, a random lawful step, whether a
 * step is lawful (said once more, not asked of the application), and how few signatures make a state count.
 * kit.c has the table; an application that is not in it fails test_kit. */
#ifndef TESTS_KIT_H
#define TESTS_KIT_H

#include "party_support.h"

#define KIT_STATES 16
#define KIT_ENTRIES 12
#define KIT_DATA 256
#define KIT_NUMBERS 64 /* preimages 1 … 63 */
#define KIT_PEOPLE 3

struct kit_state {
    struct channel_state state;
    struct allocation all[KIT_ENTRIES];
    uint8_t data[KIT_DATA];
    size_t before, mover; /* which of the game's states it follows, by whose step */
};

/* One channel, and a tree of states that its participants may have signed: 0 and 1 are turns 0 and 1. */
struct game {
    struct place p;
    const struct kit *kit;
    uint64_t seed;
    uint8_t terms[34];
    int64_t expiry_us; /* of its hash-locks, and that of the number n is n µs later */
    uint64_t number;   /* preimages used so far */
    size_t count;
    struct kit_state states[KIT_STATES];
};

/* States that support the last one of them, and whose signatures they bear. */
struct support {
    size_t count, states[2];
    uint32_t signers[2];
};

struct kit {
    const struct application *application;
    size_t participants;
    /* Terms, and `first`: turn 0. */
    void (*begin)(struct game *g, struct kit_state *first);
    /* A random lawful step: `to` is a copy of `from`, one turn later, without data. False: there is none. */
    bool (*step)(struct game *g, const struct kit_state *from, struct kit_state *to);
    /* Whether a step is lawful; without `is_exact`: whether nobody loses by it what he did not give. */
    bool (*lawful)(const struct game *g, const struct kit_state *from, const struct kit_state *to,
                   size_t mover);
    bool is_exact;
    /* Fewer signatures than all on one state; false or NULL: all must sign. */
    bool (*least)(const struct game *g, size_t index, struct support *support);
};
extern const struct kit kits[];
extern const size_t kit_count;
extern const char *const kit_people[KIT_PEOPLE];

/* On a node that party_begin started. */
void game_begin(struct game *g, const struct kit *kit, uint64_t nonce);
/* Grows the tree by a lawful step from the state `from`. */
bool game_grow(struct game *g, size_t from);
void kit_copy(struct kit_state *to, const struct kit_state *from);
/* Of the game's hash-lock with that number; no two games share any. */
struct hash kit_preimage(const struct game *g, uint64_t number);

#endif
