/* What would hold up the I/O thread, done by a worker with a read connection of its own: pages of events,
 * proofs, verification. Two lanes, one job at a time in each: a verification of an hour lets pages and
 * proofs pass, and neither ever takes more than one worker. */
#ifndef API_EVENT_JOB_H
#define API_EVENT_JOB_H

#include "api/event_server.h"

void event_lane_init(struct event_lane *lane, struct event_server *server);
/* On the I/O thread: answers the jobs that are done, and starts the next of their lanes. */
void event_jobs_collect(struct event_server *server);
/* On the I/O thread: there may be room again for the answer of a job that waits. */
void event_jobs_start(struct event_server *server);
/* The node stops: what has not begun is refused, idle read connections are closed. */
void event_jobs_pause(struct event_server *server);
void event_lane_close(struct event_lane *lane);

#endif
