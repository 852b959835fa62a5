/* One line on its way through: parsed, called, answered. Runs on a worker; the answer may come from any
 * thread. */
#ifndef API_RPC_CALL_H
#define API_RPC_CALL_H

#include "api/rpc_server.h"

#define NO_WORKER 0 /* refusals and detached queries do not look at it */

/* Handles one line. `refusal` other than OK answers every request in it with that instead of calling the
 * kernel. */
void rpc_call_line(struct rpc_connection *connection, size_t worker, const char *line, size_t size,
                   enum status refusal);

/* Calls server->hold_method on the I/O thread when that is what the line asks for, else answers false. The
 * method is detached: it uses nothing of a worker's. */
bool rpc_call_urgent(struct rpc_connection *connection, const char *line, size_t size);

/* Ends the connection's critical section and puts it where the I/O thread looks. */
void rpc_connection_unlock_and_wake(struct rpc_connection *connection);

/* Gives the replies free that rpc_server.hold_method kept back. */
void rpc_call_release_held(struct rpc_server *server);

#endif
