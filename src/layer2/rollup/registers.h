/* The machine's registers as bytes (machine.h tells the form): for commitments and witnesses. Pure. */
#ifndef LAYER2_ROLLUP_REGISTERS_H
#define LAYER2_ROLLUP_REGISTERS_H

#include "layer2/rollup/machine.h"

#define REGISTERS_SIZE_MAX (14 + ITEM_SIZE_MAX)

/* Of a machine whose registers are active; returns how many bytes. */
size_t registers_encode(const struct machine *machine, uint8_t out[REGISTERS_SIZE_MAX]);
/* False for all bytes that registers_encode would not write after `done` steps. */
MUST_CHECK bool registers_decode(struct bytes bytes, uint64_t done, unsigned assets,
                                 struct registers *registers);

#endif
