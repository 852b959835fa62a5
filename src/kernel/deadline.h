/* Deadlines are rows: clock, due time, kind, subject. The machine takes them in order of due time at the
 * start of a block. */
#ifndef KERNEL_DEADLINE_H
#define KERNEL_DEADLINE_H

#include "kernel/module.h"
#include "store/database.h"

#define DEADLINE_SUBJECT_MAX 64
#define DEADLINE_KIND_MAX 64

struct deadline_row {
    char kind[DEADLINE_KIND_MAX];
    uint8_t subject[DEADLINE_SUBJECT_MAX];
    size_t subject_size;
};

/* Takes the earliest deadline of this clock with due time ≤ now out of the table; equal times in order of
 * setting. */
MUST_CHECK bool deadline_take_due(struct database *database, enum deadline_clock clock, int64_t now_us,
                                  struct deadline_row *due);
/* Due time of the earliest; INT64_MAX: none. */
int64_t deadline_earliest(struct database *database, enum deadline_clock clock);

#endif
