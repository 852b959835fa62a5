/* Liquid's block headers: see header.h. */
#include "network/liquid/header.h"

#include <string.h>

#include "crypto/hash.h"
#include "crypto/schnorr.h"

#define DYNAMIC (1u << 31)
#define SCRIPT_MAX 10000
#define EXTENSIONS_MAX 10000
#define OP_0 0x00
#define OP_1 0x51
#define OP_16 0x60
#define OP_CHECKMULTISIG 0xae
/* SIGHASH_ALL … SIGHASH_SINGLE: what a signature's last byte may say there */
#define KIND_LEAST 1
#define KIND_MOST 3
#define KIND_ANY_CAN_PAY 0x80
#define WITNESS_PROGRAM_SIZE 34  /* OP_0, 32, SHA-256 of the script */

/* --- reading ------------------------------------------------------------------------------------ */
/* One set of parameters: none, what changes often, or all. */
static enum liquid_parameters read_parameters(struct cursor *in, struct bytes *challenge)
{
    uint8_t kind = cursor_byte(in);
    struct hash elided;
    uint64_t count;

    *challenge = bytes_of(NULL, 0);
    if (kind > PARAMETERS_FULL)
        in->failed = true;
    if (in->failed || kind == PARAMETERS_NONE)
        return PARAMETERS_NONE;
    *challenge = cursor_string(in, SCRIPT_MAX);
    (void)cursor_le32(in);
    if (kind == PARAMETERS_COMPACT) {
        cursor_hash(in, &elided);
        return PARAMETERS_COMPACT;
    }
    (void)cursor_string(in, SCRIPT_MAX);
    (void)cursor_string(in, SCRIPT_MAX);
    count = cursor_count(in, EXTENSIONS_MAX);
    for (uint64_t i = 0; i < count && !in->failed; i++)
        (void)cursor_string(in, SCRIPT_MAX);
    return PARAMETERS_FULL;
}

static void read_witness(struct cursor *in, struct liquid_header *out)
{
    out->witness_count = (size_t)cursor_count(in, LIQUID_WITNESS_MAX);
    for (size_t i = 0; i < out->witness_count; i++)
        out->witness[i] = cursor_string(in, SCRIPT_MAX);
}

bool liquid_header_read(struct cursor *in, bool with_witness, struct liquid_header *out)
{
    const uint8_t *begin = in->rest.data, *end;
    struct bytes proposed;
    uint32_t version;

    memset(out, 0, sizeof(*out));
    version = cursor_le32(in);
    out->dynamic = (version & DYNAMIC) != 0;
    out->version = version & ~DYNAMIC;
    cursor_hash(in, &out->parent);
    cursor_hash(in, &out->transactions_root);
    out->time_s = cursor_le32(in);
    out->height = cursor_le32(in);
    if (out->dynamic) {
        out->current = read_parameters(in, &out->challenge);
        (void)read_parameters(in, &proposed);
        end = in->rest.data;
        if (with_witness)
            read_witness(in, out);
    } else {
        out->challenge = cursor_string(in, SCRIPT_MAX);
        end = in->rest.data;
        out->solution = cursor_string(in, SCRIPT_MAX);
    }
    if (in->failed)
        return false;
    double_sha256(&out->hash, begin, (size_t)(end - begin));
    return true;
}

bool liquid_header_of(struct bytes bytes, struct liquid_header *out)
{
    struct cursor whole = { .rest = bytes }, bare = { .rest = bytes };

    return (liquid_header_read(&whole, true, out) && cursor_at_end(&whole)) ||
           (liquid_header_read(&bare, false, out) && cursor_at_end(&bare));
}

/* --- signatures --------------------------------------------------------------------------------- */
struct multisignature {
    size_t needed, count;
    struct public_key keys[LIQUID_SIGNERS_MAX];
};

/* OP_m, keys, OP_n, OP_CHECKMULTISIG, and nothing else. */
static bool read_multisignature(struct bytes script, struct multisignature *out)
{
    struct cursor in = { .rest = script };
    uint8_t op = cursor_byte(&in);

    memset(out, 0, sizeof(*out));
    if (in.failed || op < OP_1 || op > OP_16)
        return false;
    out->needed = (size_t)(op - OP_1) + 1;
    while ((op = cursor_byte(&in)) == sizeof(out->keys[0].bytes)) {
        struct bytes key = cursor_run(&in, sizeof(out->keys[0].bytes));

        if (in.failed || out->count == LIQUID_SIGNERS_MAX)
            return false;
        memcpy(out->keys[out->count++].bytes, key.data, key.size);
    }
    return !in.failed && op >= OP_1 && op <= OP_16 && (size_t)(op - OP_1) + 1 == out->count &&
           out->needed <= out->count && cursor_byte(&in) == OP_CHECKMULTISIG && cursor_at_end(&in);
}

/* In a witness a signature has its kind behind it, as a transaction's has, though nothing is made of it; in
 * a block's
 * script it has not (Elements' src/block_proof.cpp: SCRIPT_NO_SIGHASH_BYTE). */
static bool read_signature(struct bytes bytes, bool with_kind, struct signature *signature)
{
    uint8_t kind;

    if (with_kind) {
        if (bytes.size == 0)
            return false;
        kind = bytes.data[--bytes.size] & (uint8_t)~KIND_ANY_CAN_PAY;
        if (kind < KIND_LEAST || kind > KIND_MOST)
            return false;
    }
    return ecdsa_read_der(bytes, signature);
}

/* Each signature by a key behind the one before: the order that OP_CHECKMULTISIG asks for. */
static bool all_signed(const struct multisignature *m, const struct bytes *signatures, size_t count,
                       bool with_kind, const struct hash *message)
{
    size_t key = 0;

    if (count != m->needed)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct signature signature;

        if (!read_signature(signatures[i], with_kind, &signature))
            return false;
        while (key < m->count && !ecdsa_verify(&m->keys[key], message, &signature))
            key++;
        if (key == m->count)
            return false;
        key++;
    }
    return true;
}

static bool is_witness_program(struct bytes script)
{
    return script.size == WITNESS_PROGRAM_SIZE && script.data[0] == OP_0 && script.data[1] == 32;
}

static bool is_true(struct bytes script)
{
    return script.size == 1 && script.data[0] == OP_1;
}

static enum liquid_signatures dynamic_signatures(const struct liquid_header *header, struct multisignature *m)
{
    struct bytes script;
    struct hash hashed;

    if (!is_witness_program(header->challenge) || header->witness_count == 0)
        return SIGNATURES_UNKNOWN;
    script = header->witness[header->witness_count - 1];
    sha256(&hashed, script.data, script.size);
    if (memcmp(hashed.bytes, header->challenge.data + 2, sizeof(hashed.bytes)) != 0)
        return SIGNATURES_WRONG;
    if (is_true(script))
        return header->witness_count == 1 ? SIGNATURES_OPEN : SIGNATURES_WRONG;
    if (!read_multisignature(script, m))
        return SIGNATURES_UNKNOWN;
    if (header->witness_count < 2 || header->witness[0].size != 0)
        return SIGNATURES_WRONG;
    return all_signed(m, header->witness + 1, header->witness_count - 2, true, &header->hash)
               ? SIGNATURES_GOOD : SIGNATURES_WRONG;
}

/* OP_0 and pushes of signatures: how a script, not a witness, satisfies a multi-signature. */
static enum liquid_signatures script_signatures(const struct liquid_header *header, struct multisignature *m)
{
    struct cursor in = { .rest = header->solution };
    struct bytes signatures[LIQUID_SIGNERS_MAX];
    size_t count = 0;

    if (!read_multisignature(header->challenge, m))
        return SIGNATURES_UNKNOWN;
    if (cursor_byte(&in) != OP_0 || in.failed)
        return SIGNATURES_WRONG;
    while (in.rest.size > 0 && count < LIQUID_SIGNERS_MAX) {
        uint8_t size = cursor_byte(&in);

        if (size == 0 || size > 75)
            return SIGNATURES_WRONG;
        signatures[count++] = cursor_run(&in, size);
        if (in.failed)
            return SIGNATURES_WRONG;
    }
    return cursor_at_end(&in) && all_signed(m, signatures, count, false, &header->hash) ? SIGNATURES_GOOD
                                                                                       : SIGNATURES_WRONG;
}

enum liquid_signatures liquid_header_signatures(const struct liquid_header *header, size_t *signers,
                                                size_t *keys)
{
    struct multisignature m = { .needed = 0 };
    enum liquid_signatures verdict;

    if (is_true(header->challenge))
        verdict = SIGNATURES_OPEN;
    else
        verdict = header->dynamic ? dynamic_signatures(header, &m) : script_signatures(header, &m);
    *signers = m.needed;
    *keys = m.count;
    return verdict;
}
