/* Checking proof files: see proof_file.h. */
#include "network/taproot/proof_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"

#define MAGIC_SIZE 4
#define VERSION_KNOWN 0            /* of files */
#define TRANSITION_VERSION_KNOWN 1 /* 1: with proofs that spent assets are no more, which tapd checks */
#define TAPROOT_SCRIPT_SIZE 34     /* OP_1, and 32 bytes */

/* Types of a proof's records (proof/records.go); even ones must be understood. */
enum record {
    RECORD_VERSION = 0, RECORD_PREVIOUS = 2, RECORD_HEADER = 4, RECORD_TRANSACTION = 6, RECORD_PATH = 8,
    RECORD_ASSET = 10, RECORD_INCLUSION = 12, RECORD_ADDITIONAL_INPUTS = 19, RECORD_HEIGHT = 22,
    RECORD_LAST = 22 /* even one that is known */
};
#define INCLUSION_OUTPUT 0 /* record of the inclusion proof: the output's index */

static enum proof_file_verdict say(char *reason, enum proof_file_verdict verdict, const char *format, ...)
    PRINTF_LIKE(3, 4);
static enum proof_file_verdict say(char *reason, enum proof_file_verdict verdict, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, PROOF_FILE_REASON_MAX, format, arguments);
    va_end(arguments);
    return verdict;
}

/* --- reading ---------------------------------------------------------------------------------- */
struct cursor { const uint8_t *at, *end; };

static bool take(struct cursor *c, uint64_t size, struct bytes *out)
{
    if (size > (uint64_t)(c->end - c->at))
        return false;
    *out = bytes_of(c->at, (size_t)size);
    c->at += size;
    return true;
}

/* BigSize (BOLT 1): big-endian, the shortest form alone. */
static bool take_number(struct cursor *c, uint64_t *value)
{
    static const uint64_t least[] = { 0xfd, 0x10000, UINT64_C(0x100000000) };
    struct bytes first, rest;
    uint64_t number = 0;

    if (!take(c, 1, &first))
        return false;
    if (first.data[0] < 0xfd) {
        *value = first.data[0];
        return true;
    }
    if (!take(c, (uint64_t)2 << (first.data[0] - 0xfd), &rest))
        return false;
    for (size_t i = 0; i < rest.size; i++)
        number = number << 8 | rest.data[i];
    *value = number;
    return number >= least[first.data[0] - 0xfd];
}

static bool take_record(struct cursor *c, bool first, uint64_t *type, struct bytes *value)
{
    uint64_t last = *type, length;

    return take_number(c, type) && (first || *type > last) && take_number(c, &length) &&
           take(c, length, value);
}

static bool has_magic(struct cursor *c, const char *magic)
{
    struct bytes bytes;

    return take(c, MAGIC_SIZE, &bytes) && memcmp(bytes.data, magic, MAGIC_SIZE) == 0;
}

/* --- one proof -------------------------------------------------------------------------------- */
struct proof {
    bool seen[RECORD_LAST + 1];
    struct bytes records[RECORD_LAST + 1];
    bool additional_inputs, unknown;
};

static bool read_records(struct bytes bytes, struct proof *proof)
{
    struct cursor c = { bytes.data, bytes.data + bytes.size };
    uint64_t type = 0;
    struct bytes value;

    if (!has_magic(&c, "TAPP"))
        return false;
    for (bool first = true; c.at < c.end; first = false) {
        if (!take_record(&c, first, &type, &value))
            return false;
        if (type == RECORD_ADDITIONAL_INPUTS)
            proof->additional_inputs = true;
        if (type <= RECORD_LAST) {
            proof->seen[type] = true;
            proof->records[type] = value;
        }
        if (type % 2 == 0 && (type > RECORD_LAST || (type > RECORD_INCLUSION && type < RECORD_HEIGHT)))
            proof->unknown = true;
    }
    return true;
}

static bool sizes_are_right(const struct proof *p)
{
    static const struct { enum record record; size_t size; } fixed[] = {
        { RECORD_VERSION, 4 }, { RECORD_PREVIOUS, 36 }, { RECORD_HEADER, ANCHOR_HEADER_SIZE } };
    static const enum record needed[] = { RECORD_TRANSACTION, RECORD_PATH, RECORD_ASSET, RECORD_INCLUSION };

    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        if (!p->seen[fixed[i].record] || p->records[fixed[i].record].size != fixed[i].size)
            return false;
    }
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (!p->seen[needed[i]])
            return false;
    }
    return !p->seen[RECORD_HEIGHT] || p->records[RECORD_HEIGHT].size == 4;
}

static bool read_output(struct bytes inclusion, uint32_t *index)
{
    struct cursor c = { inclusion.data, inclusion.data + inclusion.size };
    uint64_t type = 0;
    struct bytes value;

    if (!take_record(&c, true, &type, &value) || type != INCLUSION_OUTPUT || value.size != 4)
        return false;
    *index = get_be32(value.data);
    return true;
}

static bool path_leads(struct bytes path, const struct hash *txid, const uint8_t *header)
{
    struct cursor c = { path.data, path.data + path.size };
    struct bytes hashes, right;
    uint64_t count;

    return take_number(&c, &count) && count <= ANCHOR_PATH_MAX && take(&c, 32 * count, &hashes) &&
           take(&c, (count + 7) / 8, &right) && c.at == c.end &&
           anchor_is_in_block(txid, hashes.data, (size_t)count, right.data, header);
}

static bool same_outpoint(const struct anchor_outpoint *a, const struct anchor_outpoint *b)
{
    return hash_equal(&a->txid, &b->txid) && a->index == b->index;
}

/* What the proof spends must be where the one before ended. */
static enum proof_file_verdict check_anchor(const struct proof *p, size_t n, uint32_t easiest,
                                            struct proof_file *file, char *reason)
{
    struct anchor_outpoint previous = { .index = get_be32(p->records[RECORD_PREVIOUS].data + 32) };
    const uint8_t *header = p->records[RECORD_HEADER].data;
    struct anchor_transaction transaction;
    struct bytes script;
    uint32_t index;

    memcpy(previous.txid.bytes, p->records[RECORD_PREVIOUS].data, 32);
    if (n == 0)
        file->genesis = previous;
    else if (!same_outpoint(&previous, &file->end))
        return say(reason, PROOF_FILE_BROKEN, "proof %zu does not go on from the output of the one before",
                   n);
    if (!anchor_transaction_parse(p->records[RECORD_TRANSACTION], &transaction))
        return say(reason, PROOF_FILE_BROKEN, "proof %zu has no transaction", n);
    if (!anchor_spends(&transaction, &previous))
        return say(reason, PROOF_FILE_BROKEN, "the transaction of proof %zu does not spend what it says", n);
    if (!read_output(p->records[RECORD_INCLUSION], &index))
        return say(reason, PROOF_FILE_BROKEN, "proof %zu names no output", n);
    script = anchor_script(&transaction, index);
    if (script.size != TAPROOT_SCRIPT_SIZE || script.data[0] != 0x51 || script.data[1] != 32)
        return say(reason, PROOF_FILE_BROKEN, "the output of proof %zu is no taproot output", n);
    if (!path_leads(p->records[RECORD_PATH], &transaction.txid, header))
        return say(reason, PROOF_FILE_BROKEN, "the transaction of proof %zu is not in its block", n);
    if (!anchor_has_work(header, easiest))
        return say(reason, PROOF_FILE_BROKEN, "the block of proof %zu lacks the work of this chain", n);
    file->end = (struct anchor_outpoint){ .txid = transaction.txid, .index = index };
    anchor_block_hash(header, &file->block);
    return PROOF_FILE_HOLDS;
}

static enum proof_file_verdict check_proof(struct bytes bytes, size_t n, uint32_t easiest,
                                           struct proof_file *file, char *reason)
{
    struct proof p = { 0 };
    uint32_t height;

    if (!read_records(bytes, &p))
        return say(reason, PROOF_FILE_BROKEN, "proof %zu is not made of records", n);
    if (p.unknown)
        return say(reason, PROOF_FILE_UNKNOWN, "proof %zu has records that are not known here", n);
    if (!sizes_are_right(&p))
        return say(reason, PROOF_FILE_BROKEN, "proof %zu lacks a record, or has one of a wrong size", n);
    if (get_be32(p.records[RECORD_VERSION].data) > TRANSITION_VERSION_KNOWN)
        return say(reason, PROOF_FILE_UNKNOWN, "proof %zu is of a version that is not known here", n);
    if (p.seen[RECORD_HEIGHT]) {
        height = get_be32(p.records[RECORD_HEIGHT].data);
        if (file->has_height && height < file->height)
            return say(reason, PROOF_FILE_BROKEN, "proof %zu is of an earlier block than the one before", n);
        file->height = height;
        file->has_height = true;
    }
    file->additional_inputs += p.additional_inputs ? 1 : 0;
    return check_anchor(&p, n, easiest, file, reason);
}

/* --- the file --------------------------------------------------------------------------------- */
enum proof_file_verdict proof_file_check(struct bytes bytes, uint32_t easiest, struct proof_file *out,
                                         char *reason)
{
    struct cursor c = { bytes.data, bytes.data + bytes.size };
    struct proof_file file = { 0 };
    struct bytes version;
    struct hash chain = { { 0 } };
    uint64_t count;

    if (bytes.size > PROOF_FILE_MAX)
        return say(reason, PROOF_FILE_UNKNOWN, "the file is larger than is looked at here (8 MiB)");
    if (!has_magic(&c, "TAPF") || !take(&c, 4, &version))
        return say(reason, PROOF_FILE_BROKEN, "it is no proof file");
    if (get_be32(version.data) != VERSION_KNOWN)
        return say(reason, PROOF_FILE_UNKNOWN, "it is of a version that is not known here");
    if (!take_number(&c, &count) || count == 0)
        return say(reason, PROOF_FILE_BROKEN, "it has no proofs");
    if (count > PROOF_FILE_PROOFS_MAX)
        return say(reason, PROOF_FILE_UNKNOWN, "it has more proofs than are looked at here");
    for (file.proofs = 0; file.proofs < count; file.proofs++) {
        struct bytes proof, hash;
        crypto_hash_sha256_state state;
        enum proof_file_verdict verdict;
        uint64_t length;

        if (!take_number(&c, &length) || !take(&c, length, &proof) || !take(&c, 32, &hash))
            return say(reason, PROOF_FILE_BROKEN, "it ends within a proof");
        crypto_hash_sha256_init(&state);
        crypto_hash_sha256_update(&state, chain.bytes, sizeof(chain.bytes));
        crypto_hash_sha256_update(&state, proof.data, proof.size);
        crypto_hash_sha256_final(&state, chain.bytes);
        if (memcmp(chain.bytes, hash.data, sizeof(chain.bytes)) != 0)
            return say(reason, PROOF_FILE_BROKEN, "the chain of hashes breaks at proof %zu", file.proofs);
        verdict = check_proof(proof, file.proofs, easiest, &file, reason);
        if (verdict != PROOF_FILE_HOLDS)
            return verdict;
    }
    if (c.at != c.end)
        return say(reason, PROOF_FILE_BROKEN, "there is something behind the last proof");
    *out = file;
    return PROOF_FILE_HOLDS;
}
