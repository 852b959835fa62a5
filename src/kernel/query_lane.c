/* A handful of places under one lock: see query_lane.h. */
#include "kernel/query_lane.h"

#include "base/status.h"

void query_lane_init(struct query_lane *lane, size_t workers)
{
    INVARIANT(workers >= WORKERS_LEAST, "%zu workers leave none beside the lane", workers);
    *lane = (struct query_lane){ .places = workers - 1 < QUERY_LANE_MAX ? workers - 1 : QUERY_LANE_MAX };
    pthread_mutex_init(&lane->lock, NULL);
}

void query_lane_destroy(struct query_lane *lane)
{
    INVARIANT(lane->taken == 0, "%zu queries are still in the lane", lane->taken);
    pthread_mutex_destroy(&lane->lock);
}

enum lane_answer query_lane_enter(struct query_lane *lane, int64_t uid)
{
    enum lane_answer answer = LANE_ENTERED;
    size_t own = 0;

    pthread_mutex_lock(&lane->lock);
    for (size_t i = 0; i < lane->taken; i++)
        own += lane->uid[i] == uid;
    if (lane->taken == lane->places)
        answer = LANE_FULL;
    else if (own == QUERY_LANE_PER_UID)
        answer = LANE_FULL_FOR_UID;
    else
        lane->uid[lane->taken++] = uid;
    pthread_mutex_unlock(&lane->lock);
    return answer;
}

void query_lane_leave(struct query_lane *lane, int64_t uid)
{
    size_t place = 0;

    pthread_mutex_lock(&lane->lock);
    while (place < lane->taken && lane->uid[place] != uid)
        place++;
    INVARIANT(place < lane->taken, "uid %lld leaves a lane it is not in", (long long)uid);
    lane->uid[place] = lane->uid[--lane->taken];
    pthread_mutex_unlock(&lane->lock);
}
