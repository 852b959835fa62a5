/* One thread, one request a connection: evm_server.h. */
#include "evm_server.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "kernel/module.h"
#include "crypto/hash.h"
#include "network/evm/abi.h"
#include "network/evm/contracts.h"
#include "network/evm/header.h"
#include "network/evm/reply.h"

#define REQUEST_MAX 65536

static struct {
    pthread_mutex_t lock;
    pthread_t thread;
    int listener;
    atomic_bool stopping;
    struct evm_server_chain chain;
} server = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* --- what it knows -------------------------------------------------------------------------------------- */
static uint64_t height_of(const json_t *which)
{
    const char *text = json_string_value(which);

    return text != NULL && text[0] == '0' ? strtoull(text, NULL, 16) : server.chain.newest;
}

static void make_header(uint64_t number, struct evm_header *header, struct hash *hash)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct error error;

    *header = (struct evm_header){ .fields = 16, .number = number, .timestamp = 1000 + number,
                                   .gas_limit = 30000000 };
    INVARIANT(evm_header_encode(header, &bytes, &error) == OK, "no header");
    keccak_hash(hash, bytes.data, bytes.size);
}

static json_t *block(uint64_t number)
{
    struct evm_header h;
    struct hash hash;

    if (number > server.chain.newest)
        return json_null();
    make_header(number, &h, &hash);
    return json_pack(
        "{so so so so so so so so so so so so so so so so so}",
        "hash", json_data(hash.bytes, 32), "parentHash", json_data(h.parent_hash.bytes, 32),
        "sha3Uncles", json_data(h.ommers_hash.bytes, 32), "miner", json_data(h.beneficiary.bytes, 20),
        "stateRoot", json_data(h.state_root.bytes, 32),
        "transactionsRoot", json_data(h.transactions_root.bytes, 32),
        "receiptsRoot", json_data(h.receipts_root.bytes, 32),
        "logsBloom", json_data(h.logs_bloom, EVM_BLOOM_SIZE), "difficulty", json_quantity(0),
        "number", json_quantity(number), "gasLimit", json_quantity(h.gas_limit),
        "gasUsed", json_quantity(0), "timestamp", json_quantity(h.timestamp),
        "extraData", json_data(NULL, 0), "mixHash", json_data(h.mix_hash.bytes, 32),
        "nonce", json_data(h.nonce, 8), "baseFeePerGas", json_amount(&h.base_fee));
}

/* What the contract's read(id) gives: no lock. */
static json_t *lock(void)
{
    struct evm_swap_terms t = { .deadline_s = 0 };
    struct buffer answer CLEANUP(buffer_close) = { 0 };

    const struct abi_value values[] = {
        abi_address(&t.sender), abi_small(ABI_UINT64, t.deadline_s),
        abi_small(ABI_UINT8, EVM_SWAP_NONE),
        abi_address(&t.recipient), abi_address(&t.token), abi_number(&t.amount), abi_word(&t.hash) };
    abi_encode(values, COUNT_OF(values), &answer);
    return json_data(answer.data, answer.size);
}

static json_t *known(const char *method, const json_t *params)
{
    struct bytes code = contract_hash_lock_code();

    if (strcmp(method, "eth_chainId") == 0)
        return json_quantity(60808);
    if (strcmp(method, "eth_getBlockByNumber") == 0)
        return block(height_of(json_array_get(params, 0)));
    if (strcmp(method, "eth_getCode") == 0)
        return json_data(code.data, code.size);
    if (strcmp(method, "eth_call") == 0)
        return lock();
    if (server.chain.tells_no_transactions)
        return NULL;
    if (strcmp(method, "eth_getTransactionReceipt") == 0 || strcmp(method, "eth_getTransactionByHash") == 0)
        return json_null();
    if (strcmp(method, "eth_getTransactionCount") == 0)
        return json_quantity(server.chain.number +
                             (height_of(json_array_get(params, 1)) >= server.chain.used_in ? 1 : 0));
    return NULL;
}

static json_t *answer(const json_t *request)
{
    json_t *id = json_object_get(request, "id"), *result;

    pthread_mutex_lock(&server.lock);
    result = known(json_string_value(json_object_get(request, "method")), json_object_get(request, "params"));
    pthread_mutex_unlock(&server.lock);
    return result != NULL
               ? json_pack("{ss sO so}", "jsonrpc", "2.0", "id", id, "result", result)
               : json_pack("{ss sO s{si ss}}", "jsonrpc", "2.0", "id", id, "error", "code", -32000,
                           "message", "the server cannot tell");
}

static json_t *answer_all(const json_t *request)
{
    json_t *all;

    if (!json_is_array(request))
        return answer(request);
    all = json_array();
    for (size_t i = 0; i < json_array_size(request); i++)
        json_array_append_new(all, answer(json_array_get(request, i)));
    return all;
}

/* --- how it travels ------------------------------------------------------------------------------------- */
/* The body of a request that is whole; NULL: it is not, yet. */
static const char *body_of(const char *text, size_t size)
{
    const char *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "content-length:");

    if (end == NULL || length == NULL)
        return NULL;
    end += 4;
    return size - (size_t)(end - text) >= strtoull(length + strlen("content-length:"), NULL, 10) ? end : NULL;
}

static void serve(int descriptor)
{
    char *text = memory_new(REQUEST_MAX);
    const char *body = NULL;
    json_t *request AUTO_JSON = NULL;
    json_t *reply AUTO_JSON = NULL;
    size_t size = 0;

    while (body == NULL && size + 1 < REQUEST_MAX) {
        ssize_t got = recv(descriptor, text + size, REQUEST_MAX - 1 - size, 0);

        if (got <= 0)
            break;
        size += (size_t)got;
        text[size] = '\0';
        body = body_of(text, size);
    }
    if (body != NULL && json_parse(body, strlen(body), &request, NULL) == OK) {
        reply = answer_all(request);
        char *made AUTO_FREE = json_dumps(reply, JSON_COMPACT);
        char *whole AUTO_FREE = text_format("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                            "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                                            strlen(made), made);

        for (size_t sent = 0, all = strlen(whole); sent < all;) {
            ssize_t put = send(descriptor, whole + sent, all - sent, MSG_NOSIGNAL);

            if (put <= 0)
                break;
            sent += (size_t)put;
        }
    }
    memory_free_pointer(&text);
}

static void *run(void *context)
{
    while (!atomic_load(&server.stopping)) {
        int descriptor = accept(server.listener, NULL, NULL);

        if (descriptor < 0)
            continue;
        serve(descriptor);
        close(descriptor);
    }
    return context;
}

unsigned evm_server_start(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);

    server.chain = (struct evm_server_chain){ .newest = 0 };
    atomic_store(&server.stopping, false);
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    INVARIANT(server.listener >= 0 && bind(server.listener, (struct sockaddr *)&address, size) == 0 &&
              listen(server.listener, 16) == 0 &&
              getsockname(server.listener, (struct sockaddr *)&address, &size) == 0 &&
              pthread_create(&server.thread, NULL, run, NULL) == 0, "no server on loopback");
    return ntohs(address.sin_port);
}

void evm_server_set(const struct evm_server_chain *chain)
{
    pthread_mutex_lock(&server.lock);
    server.chain = *chain;
    pthread_mutex_unlock(&server.lock);
}

void evm_server_stop(void)
{
    atomic_store(&server.stopping, true);
    shutdown(server.listener, SHUT_RDWR); /* wakes accept */
    pthread_join(server.thread, NULL);
    close(server.listener);
}
