/* What a server wants to see of us, from a file: read when the endpoint opens, again when the file changed,
 * and again when the server says 401. The secret lies in guarded memory, wiped when nobody uses it any more,
 * and leaves it only into a request's headers. Safe from any thread. */
#ifndef NETWORK_TRANSPORT_CREDENTIAL_H
#define NETWORK_TRANSPORT_CREDENTIAL_H

#include <stdbool.h>

#include "base/status.h"
#include "network/transport/endpoint.h"

#define CREDENTIAL_FILE_MAX 16384 /* macaroons have some hundred bytes, cookies 75 */

#define CREDENTIAL_PREFIX "credential:" /* and a name: a file of systemd's $CREDENTIALS_DIRECTORY */

struct credential;

/* ERROR_NETWORK_OPTIONS: kind, file and header do not go together. ERROR_NETWORK_CREDENTIALS: the file is
 * missing, empty, too large, no regular file, somebody else's, open to others, or holds what no header can.
 * No message holds any of its content. */
MUST_CHECK enum status credential_open(enum credential_kind kind, const char *file, const char *header,
                                       struct credential **credential, struct error *error);
void credential_close(struct credential *credential); /* all lines are given back before; NULL is fine */

/* The whole header line, "Authorization: Basic …", held until it is given back. A file that is gone since is
 * no error (a server that restarts removes its cookie): the line that was read last goes on. */
struct credential_line;
MUST_CHECK enum status credential_take(struct credential *credential, struct credential_line **line,
                                       struct error *error);
char *credential_text(struct credential_line *line);
void credential_give_back(struct credential *credential, struct credential_line *line); /* NULL is fine */

/* A file that holds one line which is a secret by itself, such as a URL with a provider's key in it. Freed by
 * the caller, by memory_free_wiped. Errors as of credential_open. */
MUST_CHECK enum status credential_read(const char *file, char **text, struct error *error);

/* The server did not take `line`: reads the file again. True when it has another one now. */
bool credential_renewed(struct credential *credential, const struct credential_line *line);

#endif
