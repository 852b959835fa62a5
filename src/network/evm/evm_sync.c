/* Following an EVM chain: headers from where we stood, each with its hash recomputed and its parent linked;
 * and what is claimed of the chain, compared with it. evm_client.h. */
#include "network/evm/server.h"

#define SYNC_BLOCKS RPC_BATCH_MAX /* of one call */
#define REWIND_STEP_MAX 1024

/* --- a reorganisation -------------------------------------------------------------------------------- */
/* The block that we stood on is no more. How far back is not known here: one block, then two, four …
 * further each time, so that a deep one is found in few steps; what was forgotten too much comes again. */
static uint64_t step_back(struct evm_client *client, uint64_t height)
{
    pthread_mutex_lock(&client->lock);
    uint64_t step = client->rewind_step > 0 && client->rewind_at == height ? 2 * client->rewind_step : 1;
    if (step > REWIND_STEP_MAX)
        step = REWIND_STEP_MAX;
    if (step > height)
        step = height;
    client->rewind_step = step;
    client->rewind_at = height - step;
    pthread_mutex_unlock(&client->lock);
    return height - step;
}

static void stand_firm(struct evm_client *client)
{
    pthread_mutex_lock(&client->lock);
    client->rewind_step = 0;
    pthread_mutex_unlock(&client->lock);
}

/* --- sync -------------------------------------------------------------------------------------------- */
static const char *tips_details(struct network_call *call, const struct server_tips *tips, const char *note)
{
    struct buffer out CLEANUP(buffer_close);
    buffer_init(&out);
    struct writer w;
    writer_init(&w, &out);
    writer_object_begin(&w);
    writer_member_unsigned(&w, "latest", tips->latest.number);
    if (tips->has_safe)
        writer_member_unsigned(&w, "safe", tips->safe);
    if (tips->has_final)
        writer_member_unsigned(&w, "final", tips->final);
    if (note != NULL)
        writer_member_text(&w, "note", note);
    writer_object_end(&w);
    return arena_text(call->arena, (const char *)out.data, out.size);
}

/* Whether the block that we stand on is the server's too. */
static enum status still_there(struct evm_client *client, struct network_call *call,
                               const struct network_position *position, bool *there)
{
    struct server_block block;
    char text[REPLY_HASH_TEXT_MAX];
    TRY(server_block(client, call, server_block_number(call, position->height), &block));
    *there = block.known && strcmp(reply_hash_text(text, &block.hash), position->hash) == 0;
    return OK;
}

static enum status read_chain(struct evm_client *client, struct network_call *call, uint64_t first,
                              const char *parent, size_t count, struct network_sync *sync)
{
    const char *which[SYNC_BLOCKS];
    struct server_block blocks[SYNC_BLOCKS];
    struct network_block *list = arena_new(call->arena, count * sizeof *list);
    for (size_t i = 0; i < count; i++)
        which[i] = server_block_number(call, first + i);
    TRY(server_blocks(client, call, which, count, blocks));
    for (size_t i = 0; i < count; i++) {
        /* The chain may change while it is read: what does not link is left for the next time. */
        const char *linked = blocks[i].known ? server_block_hash(call, &blocks[i].parent) : NULL;
        if (linked == NULL || (parent != NULL && strcmp(linked, parent) != 0))
            break;
        list[i] = (struct network_block){.height = blocks[i].number, .parent = linked,
                                         .hash = server_block_hash(call, &blocks[i].hash),
                                         .time_s = blocks[i].timestamp};
        parent = list[i].hash;
        sync->count++;
    }
    sync->blocks = list;
    return OK;
}

enum status evm_sync_state(void *client, struct network_call *call, const struct network_position *position,
                           struct network_sync *sync)
{
    struct evm_client *c = client;
    struct server_tips tips;
    TRY(server_tips(c, call, &tips));
    uint64_t latest = tips.latest.number, first = position->height + 1;
    struct network_sync found = {.details = tips_details(call, &tips, NULL)};
    if (position->known && latest < position->height) {
        /* Another server behind the same name may lag: only another block at our height is a contradiction */
        found.details = tips_details(call, &tips, "the server is behind what is known");
        *sync = found;
        return OK;
    }
    if (position->known) {
        bool there = false;
        TRY(still_there(c, call, position, &there));
        if (!there && position->height > 0) {
            found.rewound = found.more = true;
            found.rewound_to = step_back(c, position->height);
            *sync = found;
            return OK;
        }
        if (!there)
            return error_set(&call->error, ERROR_NETWORK_WRONG_CHAIN, "the server's block 0 is another");
        stand_firm(c);
    } else {
        first = c->options->start == NOT_GIVEN ? server_settled(c, latest) : c->options->start;
    }
    if (first <= latest) {
        uint64_t rest = latest - first + 1;
        size_t count = rest < SYNC_BLOCKS ? (size_t)rest : SYNC_BLOCKS;
        TRY(read_chain(c, call, first, position->known ? position->hash : NULL, count, &found));
        found.more = found.count > 0 && found.count < rest;
    }
    *sync = found;
    return OK;
}

/* --- claims ------------------------------------------------------------------------------------------ */
static enum status malformed(struct network_call *call)
{
    return error_set(&call->error, ERROR_INVALID_PARAMS,
                     "a claim is {type: 'block', number, hash} or {type: 'account', address, block, and of "
                     "nonce, balance, slots: [{slot, value}] what is claimed}");
}

static enum status validate_block(struct evm_client *client, struct network_call *call, const json_t *claim,
                                  struct network_verdict *verdict)
{
    struct hash hash;
    struct server_block block;
    json_int_t number = json_integer_value(json_object_get(claim, "number"));
    if (!json_is_integer(json_object_get(claim, "number")) || number < 0 ||
        !reply_hash(json_object_get(claim, "hash"), &hash))
        return malformed(call);
    TRY(server_block(client, call, server_block_number(call, (uint64_t)number), &block));
    if (!block.known)
        *verdict = (struct network_verdict){PROOF_UNVERIFIABLE, ANCHOR_NODE,
                                            "the server has no block of that number", NULL};
    else if (!hash_equal(&block.hash, &hash))
        *verdict = (struct network_verdict){PROOF_INVALID, ANCHOR_NODE,
                                            "the server's block of that number has another hash", NULL};
    else
        *verdict = (struct network_verdict){
            PROOF_VALID, hash_equal(&hash, &client->options->checkpoint) ? ANCHOR_CHECKPOINT : ANCHOR_NODE,
            "the hash is that of the block's fields; that it is the chain's is the server's word", NULL};
    return OK;
}

enum status evm_validate_state(void *client, struct network_call *call, const char *claim,
                               struct network_verdict *verdict)
{
    AUTO_JSON json_t *json = NULL;
    TRY(json_parse(claim, strlen(claim), &json, &call->error));
    const char *type = json_string_value(json_object_get(json, "type"));
    if (type != NULL && strcmp(type, "block") == 0)
        return validate_block(client, call, json, verdict);
    if (type != NULL && strcmp(type, "account") == 0)
        return server_validate_account(client, call, json, verdict);
    return malformed(call);
}
