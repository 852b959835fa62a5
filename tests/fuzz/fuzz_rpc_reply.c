/* Any bytes as what a server of an outside network sends: a JSON-RPC reply, a batch, an object on a socket in
 * pieces, the headers that say when to come again. What is taken keeps its promises; what is refused owns
 * nothing and says why in one clean line. The first byte chooses. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "network/transport/json_frame.h"
#include "network/transport/retry_after.h"
#include "network/transport/rpc_reply.h"

#define WALL_US ((int64_t)1795298400 * 1000000)
#define BATCH 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(enum status status, const struct error *error)
{
    size_t length = strlen(error->message);
    INVARIANT(status == ERROR_NETWORK_PROTOCOL && length > 0, "status %d", (int)status);
    INVARIANT(utf8_valid_prefix(error->message, length) == length, "an unclean error message");
}

static void check_reply(struct rpc_reply *reply)
{
    INVARIANT(reply->refused == (reply->result == NULL), "a reply is a result or a refusal");
    if (reply->refused) {
        size_t length = strlen(reply->refusal.message);
        INVARIANT(utf8_valid_prefix(reply->refusal.message, length) == length, "an unclean message");
    }
    rpc_reply_close(reply);
}

static void one(const char *text, size_t size, struct rpc_id id)
{
    struct rpc_reply reply;
    struct error error = { 0 };
    enum status status = rpc_reply_parse(text, size, id, &reply, &error);
    if (status == OK)
        check_reply(&reply);
    else
        check_error(status, &error);
}

static void batch(const char *text, size_t size)
{
    struct rpc_reply replies[BATCH];
    struct error error = { 0 };
    bool refused_all;
    enum status status = rpc_batch_parse(text, size, 1, BATCH, replies, &refused_all, &error);
    if (status != OK) {
        check_error(status, &error);
        return;
    }
    for (size_t i = 0; i < (refused_all ? 1 : BATCH); i++)
        check_reply(&replies[i]);
}

/* In one piece and byte by byte: the same end. */
static void frame(const uint8_t *data, size_t size)
{
    struct json_frame whole = { 0 }, pieces = { 0 };
    size_t used = 0, piece = 0, at = 0;
    enum json_frame_state expected = json_frame_feed(&whole, data, size, &used), state = FRAME_GOES_ON;
    while (at < size && state == FRAME_GOES_ON)
        state = json_frame_feed(&pieces, data + at++, 1, &piece);
    INVARIANT(state == expected, "pieces end in state %d, the whole in %d", (int)state, (int)expected);
    if (state == FRAME_ENDS) {
        INVARIANT(at == used, "pieces end at %zu, the whole at %zu", at, used);
        one((const char *)data, used, (struct rpc_id){ .text = "a" });
    }
}

static void check_wait(bool is, int64_t wait)
{
    INVARIANT(wait >= 0 && wait <= RETRY_AFTER_MAX_US, "a wait of %lld", (long long)wait);
    INVARIANT(is || wait == 0, "a refused text gave a wait");
}

static void headers(const char *text, size_t size)
{
    int64_t wait = 0;
    uint64_t left = 0;
    bool is = retry_after_parse(text, size, WALL_US, &wait);
    check_wait(is, wait);
    wait = 0;
    is = rate_limit_reset_parse(text, size, WALL_US, &wait);
    check_wait(is, wait);
    INVARIANT(rate_limit_remaining_parse(text, size, &left) == is, "one number and not the other");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *text = (const char *)data + 1;
    size--;
    switch (data[0] % 5) {
    case 0: one(text, size, (struct rpc_id){ .number = 7 }); break;
    case 1: one(text, size, (struct rpc_id){ .number = 7, .text = "layerd:x#7" }); break;
    case 2: batch(text, size); break;
    case 3: frame(data + 1, size); break;
    case 4: headers(text, size); break;
    }
    return 0;
}
