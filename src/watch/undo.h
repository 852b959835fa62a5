/* What takes an executed batch back, and brings it forth again: its changed leaves, packed. A changed leaf
 * takes about 110 bytes so, and 2 KB as struct leaf_change. */
#ifndef WATCH_UNDO_H
#define WATCH_UNDO_H

#include "layer2/rollup/state.h"

struct undo {
    struct buffer bytes;
    size_t count; /* of leaves */
};
void undo_pack(struct undo *undo, const struct batch_effects *effects);
void undo_close(struct undo *undo);
void undo_back(const struct undo *undo, struct rollup_state *state);
void undo_forth(const struct undo *undo, struct rollup_state *state);

#endif
