/* What the chain's logs tell of our account: transfers of ERC-20 tokens to it and from it, newest first.
 * Payments of the chain's own coin leave no log; our own are in the node's rows. evm_client.h. */
#include "network/evm/abi.h"
#include "network/evm/server.h"

#define HISTORY_RANGES 8     /* spans of blocks that one call looks through at most */
#define HISTORY_LIMIT_MAX 1000

/* Where to go on: everything before this log was told. "BLOCK.INDEX" as text. */
struct cursor { uint64_t block, index; };

static bool cursor_read(const char *text, struct cursor *cursor)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    cursor->block = strtoull(text, &end, 10);
    if (*end != '.' || end[1] < '0' || end[1] > '9')
        return false;
    cursor->index = strtoull(end + 1, &end, 10);
    return *end == '\0' && cursor->block <= INTEGER_MAX && cursor->index <= INTEGER_MAX;
}

static char *cursor_text(struct network_call *call, struct cursor cursor)
{
    struct buffer out CLEANUP(buffer_close);
    buffer_init(&out);
    buffer_append_format(&out, "%llu.%llu", (unsigned long long)cursor.block,
                         (unsigned long long)cursor.index);
    return arena_text(call->arena, (const char *)out.data, out.size);
}

/* --- one span of blocks ------------------------------------------------------------------------------ */
static json_t *filter_of(const struct evm_client *client, uint64_t first, uint64_t last, bool incoming)
{
    struct hash topic, account = {{0}};
    abi_topic("Transfer(address,address,uint256)", &topic);
    memcpy(account.bytes + sizeof account.bytes - EVM_ADDRESS_SIZE, client->account.bytes, EVM_ADDRESS_SIZE);
    json_t *topics = json_array();
    json_array_append_new(topics, json_data(topic.bytes, sizeof topic.bytes));
    if (incoming)
        json_array_append_new(topics, json_null());
    json_array_append_new(topics, json_data(account.bytes, sizeof account.bytes));
    return json_pack("{sososo}", "fromBlock", json_quantity(first), "toBlock", json_quantity(last), "topics",
                     topics);
}

static int newest_first(const void *a, const void *b)
{
    const struct server_log *x = a, *y = b;
    if (x->number != y->number)
        return x->number < y->number ? 1 : -1;
    return x->index == y->index ? 0 : x->index < y->index ? 1 : -1;
}

static enum status read_range(struct evm_client *client, struct network_call *call, uint64_t first,
                              uint64_t last, struct server_logs *logs)
{
    struct server_logs in, out;
    TRY(server_logs(client, call, filter_of(client, first, last, true), &in));
    TRY(server_logs(client, call, filter_of(client, first, last, false), &out));
    struct server_log *list = arena_new(call->arena, (in.count + out.count + 1) * sizeof *list);
    memcpy(list, in.logs, in.count * sizeof *list);
    memcpy(list + in.count, out.logs, out.count * sizeof *list);
    qsort(list, in.count + out.count, sizeof *list, newest_first);
    /* What we paid to ourselves is in both. */
    size_t count = 0;
    for (size_t i = 0; i < in.count + out.count; i++)
        if (count == 0 || newest_first(&list[i], &list[count - 1]) != 0)
            list[count++] = list[i];
    *logs = (struct server_logs){.count = count, .logs = list};
    return OK;
}

/* --- entries ----------------------------------------------------------------------------------------- */
static const char *address_of_topic(const struct evm_client *client, const struct hash *topic,
                                    char out[EVM_ADDRESS_TEXT_MAX])
{
    struct evm_address address;
    memcpy(address.bytes, topic->bytes + sizeof topic->bytes - EVM_ADDRESS_SIZE, EVM_ADDRESS_SIZE);
    return evm_address_encode(out, &address, client->checksum);
}

/* False: a Transfer of something else (ERC-721 has the same event with a fourth topic). */
static bool entry_of_log(const struct evm_client *client, struct network_call *call,
                         const struct server_log *log, struct network_entry *entry)
{
    struct abi_value amount = {.type = ABI_UINT256};
    if (log->topic_count != 3 || !abi_decode(log->data, &amount, 1))
        return false;
    char text[EVM_ADDRESS_TEXT_MAX], number[U256_DECIMAL_MAX];
    struct buffer details CLEANUP(buffer_close);
    buffer_init(&details);
    struct writer w;
    writer_init(&w, &details);
    writer_object_begin(&w);
    writer_member_text(&w, "sender", address_of_topic(client, &log->topics[1], text));
    writer_member_text(&w, "recipient", address_of_topic(client, &log->topics[2], text));
    writer_member_unsigned(&w, "log_index", log->index);
    writer_object_end(&w);
    bool incoming = memcmp(log->topics[2].bytes + sizeof log->topics[2].bytes - EVM_ADDRESS_SIZE,
                           client->account.bytes, EVM_ADDRESS_SIZE) == 0;
    evm_address_encode(text, &log->address, client->checksum);
    u256_decimal(number, &amount.number);
    *entry = (struct network_entry){
        .transaction = server_block_hash(call, &log->transaction),
        .kind = incoming ? "token_in" : "token_out",
        .asset = arena_text(call->arena, text, strlen(text)),
        .amount = arena_text(call->arena, number, strlen(number)),
        .state = TRANSACTION_CONFIRMED, .height = log->number, .time_s = log->time_s,
        .details = arena_text(call->arena, (const char *)details.data, details.size)};
    return true;
}

enum status evm_history(void *client, struct network_call *call, const char *after, size_t limit,
                        struct network_history *history)
{
    struct evm_client *c = client;
    struct server_tips tips;
    if (c->signer == NULL)
        return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED, "the link has no key, so no account");
    TRY(server_tips(c, call, &tips));
    struct cursor at = {tips.latest.number, INTEGER_MAX};
    if (after != NULL && !cursor_read(after, &at))
        return error_set(&call->error, ERROR_INVALID_PARAMS, "after is '%s'; take what 'next' said", after);
    if (limit > HISTORY_LIMIT_MAX)
        limit = HISTORY_LIMIT_MAX;
    uint64_t start = c->options->start == NOT_GIVEN ? 0 : c->options->start;
    struct network_entry *entries = arena_new(call->arena, (limit + 1) * sizeof *entries);
    size_t count = 0;
    bool all = at.block < start;
    for (unsigned range = 0; range < HISTORY_RANGES && !all && count < limit; range++) {
        uint64_t span = c->chain->log_range - 1;
        uint64_t first = at.block - start > span ? at.block - span : start;
        struct server_logs logs;
        TRY(read_range(c, call, first, at.block, &logs));
        size_t i = 0;
        for (; i < logs.count && count < limit; i++) {
            const struct server_log *log = &logs.logs[i];
            if (log->number == at.block && log->index >= at.index)
                continue;
            if (log->number > INTEGER_MAX || log->index > INTEGER_MAX)
                return server_lied(c, call, "a log's number is past 2^53");
            count += entry_of_log(c, call, log, &entries[count]);
        }
        if (i < logs.count) {
            at = (struct cursor){logs.logs[i - 1].number, logs.logs[i - 1].index};
        } else {
            all = first == start;
            at = (struct cursor){all ? start : first - 1, INTEGER_MAX};
        }
    }
    *history = (struct network_history){.count = count, .entries = entries,
                                        .next = all ? NULL : cursor_text(call, at)};
    return OK;
}
