/* Clarity values on the wire (SIP-005, "Clarity Value Representation"): written piece by piece, read as a
 * cursor over bytes. Pure. */
#ifndef NETWORK_STACKS_CLARITY_H
#define NETWORK_STACKS_CLARITY_H

#include "base/buffer.h"
#include "network/stacks/address.h"

enum clarity_type {
    CLARITY_INT = 0, CLARITY_UINT = 1, CLARITY_BUFFER = 2, CLARITY_TRUE = 3, CLARITY_FALSE = 4,
    CLARITY_ACCOUNT = 5, CLARITY_CONTRACT = 6, CLARITY_OK = 7, CLARITY_ERR = 8, CLARITY_NONE = 9,
    CLARITY_SOME = 10, CLARITY_LIST = 11, CLARITY_TUPLE = 12, CLARITY_ASCII = 13, CLARITY_UTF8 = 14,
};

#define CLARITY_DEPTH_MAX 32      /* as the network's own limit of nested types */
#define CLARITY_SIZE_MAX (1 << 20) /* the network's limit of one value, in bytes */

/* An amount: 0 … 2^128 − 1. */
struct clarity_uint { uint64_t high, low; };
MUST_CHECK bool clarity_uint_read(const char *decimal, struct clarity_uint *value);
#define CLARITY_UINT_TEXT 40 /* with the final zero */
void clarity_uint_text(struct clarity_uint value, char text[CLARITY_UINT_TEXT]);

void clarity_put_uint(struct buffer *out, struct clarity_uint value);
void clarity_put_boolean(struct buffer *out, bool value);
void clarity_put_principal(struct buffer *out, const struct stacks_principal *principal);
void clarity_put_buffer(struct buffer *out, struct bytes value);
void clarity_put_ascii(struct buffer *out, const char *text);
void clarity_put_none(struct buffer *out);
void clarity_put_some(struct buffer *out); /* the value follows */

/* One value's head: its type and what is in itself. Of SOME, OK, ERR, LIST and TUPLE the parts follow in
 * the bytes. */
struct clarity_value {
    enum clarity_type type;
    struct clarity_uint number; /* INT (two's complement), UINT */
    struct bytes data;          /* BUFFER, ASCII, UTF8 */
    struct stacks_principal principal;
    uint32_t count;             /* of a LIST's or TUPLE's parts */
};
/* Reads a head and moves *in past it; false: malformed. clarity_skip moves past a whole value. */
MUST_CHECK bool clarity_read(struct bytes *in, struct clarity_value *value);
MUST_CHECK bool clarity_skip(struct bytes *in);
/* Whether the bytes are exactly one well-formed value. */
MUST_CHECK bool clarity_is_value(struct bytes bytes);
/* The value as Clarity writes it: "(ok u42)", "(some 0x00)". For people. False: malformed. */
MUST_CHECK bool clarity_text(struct bytes bytes, struct buffer *out);

#endif
