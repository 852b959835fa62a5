/* Any bytes as what servers of Liquid and Stacks send: transactions, headers, blocks, proofs, values,
 * addresses. What is
 * taken keeps its promises. The first byte chooses. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "network/liquid/merkle_block.h"
#include "network/liquid/transaction.h"
#include "network/stacks/block.h"

#define KINDS 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_in(struct bytes part, struct bytes whole)
{
    return part.size == 0 || (part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

/* --- Liquid ------------------------------------------------------------------------------------- */
/* One transaction has one reading: nothing may stand behind it, and none of it may lack. */
static void liquid_transaction(struct bytes bytes)
{
    struct liquid_transaction read, less;

    if (!liquid_transaction_read(bytes, &read))
        return;
    INVARIANT(read.input_count > 0 && read.output_count > 0, "a transaction of nothing");
    INVARIANT(!liquid_transaction_read(bytes_of(bytes.data, bytes.size - 1), &less),
              "a transaction's beginning is one");
}

static void liquid_header(struct bytes bytes)
{
    struct liquid_header header;
    size_t signers, keys;

    if (!liquid_header_of(bytes, &header))
        return;
    INVARIANT(lies_in(header.challenge, bytes) && lies_in(header.solution, bytes), "a script from elsewhere");
    INVARIANT(header.witness_count <= LIQUID_WITNESS_MAX, "%zu parts of a witness", header.witness_count);
    if (liquid_header_signatures(&header, &signers, &keys) == SIGNATURES_GOOD)
        INVARIANT(signers > 0 && signers <= keys && keys <= LIQUID_SIGNERS_MAX, "%zu of %zu signed", signers,
                  keys);
}

/* Proofs are of the transaction that stands first in their list of hashes, or of none. */
static void liquid_proof(struct bytes bytes)
{
    struct liquid_header header;
    struct hash wanted = { .bytes = { 0 } };
    uint32_t position;

    if (bytes.size < sizeof(wanted.bytes))
        return;
    memcpy(wanted.bytes, bytes.data, sizeof(wanted.bytes));
    bytes = bytes_of(bytes.data + sizeof(wanted.bytes), bytes.size - sizeof(wanted.bytes));
    if (liquid_proof_check(bytes, &wanted, &header, &position) == LIQUID_PROOF_GOOD)
        INVARIANT(position < LIQUID_PROOF_TRANSACTIONS_MAX, "transaction %u of a block", position);
}

/* --- Stacks ------------------------------------------------------------------------------------- */
static void stacks_transaction(struct bytes bytes)
{
    struct stacks_decoded decoded, less;
    bool valid;

    if (!stacks_decode(bytes, &decoded, &valid))
        return;
    INVARIANT(decoded.payload_at < bytes.size, "a payload behind the end");
    INVARIANT(!valid || decoded.one_key, "a signature of several keys that was called valid");
    INVARIANT(!stacks_decode(bytes_of(bytes.data, bytes.size - 1), &less, NULL),
              "a transaction's beginning is one");
}

/* Every transaction of a good block has a path that holds, and does not for another. */
static void stacks_block(struct bytes bytes)
{
    struct stacks_block block;
    struct stacks_decoded decoded;
    struct stacks_path path;
    struct bytes in, one;
    struct hash id;

    if (stacks_block_read(bytes, &block) != STACKS_BLOCK_GOOD)
        return;
    INVARIANT(lies_in(block.transactions, bytes), "transactions from elsewhere");
    in = bytes_of(block.transactions.data + 4, block.transactions.size - 4);
    while (in.size > 0) {
        const uint8_t *begin = in.data;

        INVARIANT(stacks_read(&in, &decoded, NULL), "a good block with what is no transaction");
        sha512_256(&id, begin, (size_t)(in.data - begin));
        INVARIANT(stacks_block_path(&block, &id, &path, &one), "a transaction that has no path");
        INVARIANT(stacks_path_holds(&path, &id, &block.transactions_root), "a path that does not hold");
        id.bytes[0] ^= 1;
        INVARIANT(!stacks_path_holds(&path, &id, &block.transactions_root), "a path of another transaction");
    }
}

/* What is a value can be shown, and passed over. */
static void clarity(struct bytes bytes)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct bytes in = bytes;
    bool is = clarity_is_value(bytes);

    buffer_init(&text);
    INVARIANT(clarity_text(bytes, &text) == is, "a value that is and is none");
    if (is)
        INVARIANT(clarity_skip(&in) && in.size == 0, "a value that is not passed over");
}

/* What reads as an address is written as it was read, but for the case of its letters. */
static void address(struct bytes bytes)
{
    char *text AUTO_FREE = text_copy_sized((const char *)bytes.data, bytes.size);
    char written[STACKS_PRINCIPAL_TEXT];
    struct stacks_principal principal, again;

    if (!stacks_principal_read(text, &principal))
        return;
    stacks_principal_text(&principal, written);
    INVARIANT(stacks_principal_read(written, &again), "'%s' is none", written);
    INVARIANT(again.address.version == principal.address.version &&
                  memcmp(again.address.hash, principal.address.hash, HASH160_SIZE) == 0 &&
                  strcmp(again.contract, principal.contract) == 0, "'%s' is another", written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[KINDS])(struct bytes bytes) = {
        liquid_transaction, liquid_header, liquid_proof, stacks_transaction, stacks_block, clarity, address,
    };

    if (size > 1) /* nothing at all is nothing anywhere */
        readers[data[0] % KINDS](bytes_of(data + 1, size - 1));
    return 0;
}
