/* An endpoint that answers as the test says: takes the transport's place in programs that test what is said,
 * not how it travels. Each expected call is answered once, in order; any other call fails the test. */
#ifndef TEST_NETWORK_SCRIPTED_ENDPOINT_H
#define TEST_NETWORK_SCRIPTED_ENDPOINT_H

#include "network/network.h" /* before cmocka, which has a macro `fail` */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* `call`: a JSON-RPC method, or "GET /path" (what is asked for begins with it). JSON-RPC: `text` is the
 * result; REST: the body. All texts are copied. */
void script(const char *call, const char *format, ...) PRINTF_LIKE(2, 3);
void script_http(const char *call, long http_status, const char *text);
void script_bytes(const char *call, struct bytes body); /* 200 */
void script_refusal(const char *call, int64_t code, const char *message); /* JSON-RPC */
void script_failure(const char *call, enum status status);

/* What the newest calls carried: params or body as JSON text; 0 is the last one. */
const char *script_asked(size_t back);
unsigned script_blames(void); /* since the last script_begin */
void script_begin(void);
void script_end(void); /* all that was expected was asked */

#endif
