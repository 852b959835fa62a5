/* The lane for queries that may take long: `sql`, whose text comes from anybody, and those that read
 * everything. At least one worker is never in it, and where it has more than two places no user fills it
 * alone. Who does not get in is told to come again, and waits nowhere. */
#ifndef KERNEL_QUERY_LANE_H
#define KERNEL_QUERY_LANE_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#define QUERY_LANE_MAX 4     /* at once: each may take SQL_MEMORY_MAX */
#define QUERY_LANE_PER_UID 2 /* of one user */
#define WORKERS_LEAST 2      /* or the lane would leave none */

struct query_lane {
    pthread_mutex_t lock;
    size_t places, taken;
    int64_t uid[QUERY_LANE_MAX]; /* whose the taken ones are */
};

enum lane_answer { LANE_ENTERED, LANE_FULL, LANE_FULL_FOR_UID };

void query_lane_init(struct query_lane *lane, size_t workers); /* WORKERS_LEAST or more */
void query_lane_destroy(struct query_lane *lane);

/* Any thread. Whoever entered leaves with the same uid. */
enum lane_answer query_lane_enter(struct query_lane *lane, int64_t uid);
void query_lane_leave(struct query_lane *lane, int64_t uid);

#endif
