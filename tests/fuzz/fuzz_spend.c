/* Spends and sealed notes from anybody. The first byte chooses: bytes laid over the fields of a spend, which
 * must never be taken for one; or changes to a spend that holds, which must hold exactly as long as nothing
 * has changed; or a note, which must not be the wallet's. */
#include <stdint.h>
#include <string.h>

#include "confidential/sealed.h"
#include "crypto/hash.h"
#include "proof/pedersen.h"

#define CHAIN "dev-0123456789abcdef"
#define RING 2

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    bool made;
    struct wallet_keys keys;
    struct confidential_address address;
    struct ring_member members[RING];
    struct spend_made spend;
} known;

static void member_make(struct ring_member *member, struct spend_source *source)
{
    struct scalar secret;
    struct point point;

    scalar_random(&secret);
    scalar_encode(source->secret, &secret);
    scalar_random(&source->blinding);
    source->amount = 100;
    INVARIANT(ring_key(source->secret, member->key), "a random scalar is 0");
    pedersen_commit(&point, source->amount, &source->blinding);
    point_encode(member->commitment, &point);
}

static void known_make(void)
{
    static const uint8_t seed[WALLET_SEED_SIZE] = { 1 };
    struct spend terms = { .chain = CHAIN, .purpose = "fuzz", .amount = 30 };
    struct spend_source source, other;
    struct spend_target target;
    struct error error;

    if (known.made)
        return;
    crypto_start();
    wallet_keys_derive(seed, CHAIN, &known.keys);
    wallet_address(&known.keys, &known.address);
    member_make(&known.members[1], &other);
    member_make(&known.members[0], &source);
    source.members = known.members;
    source.count = RING;
    source.index = 0;
    INVARIANT(hidden_note_seal(&known.address, 70, &target), "the address is none");
    INVARIANT(spend_make(&terms, &source, 1, &target, 1, &known.spend, &error) == OK, "%s", error.message);
    known.made = true;
}

static void take(const uint8_t **data, size_t *size, void *out, size_t wanted)
{
    size_t there = *size < wanted ? *size : wanted;

    memcpy(out, *data, there);
    *data += there;
    *size -= there;
}

static void as_it_comes(const uint8_t *data, size_t size)
{
    struct spend_input inputs[SPEND_INPUTS_MAX + 1];
    struct spend_output outputs[SPEND_OUTPUTS_MAX + 1];
    struct ring_member members[RING_MEMBERS_MAX + 1] = { 0 };
    struct spend spend = { .chain = CHAIN, .purpose = "fuzz", .inputs = inputs, .outputs = outputs };
    uint8_t counts[3] = { 0 };
    struct error error;

    memset(inputs, 0, sizeof inputs);
    memset(outputs, 0, sizeof outputs);
    take(&data, &size, counts, sizeof counts);
    spend.input_count = counts[0] % (SPEND_INPUTS_MAX + 2);
    spend.output_count = counts[1] % (SPEND_OUTPUTS_MAX + 2);
    take(&data, &size, outputs, spend.output_count * sizeof outputs[0]);
    take(&data, &size, members, sizeof members);
    for (size_t i = 0; i < spend.input_count; i++) {
        take(&data, &size, inputs[i].pseudo, POINT_SIZE);
        inputs[i].members = members;
        inputs[i].count = counts[2] % (RING_MEMBERS_MAX + 2);
        inputs[i].signature = bytes_of(data, size);
    }
    spend.range_proof = bytes_of(data, size);
    INVARIANT(spend_verify(&spend, &error) != OK, "a spend that nobody made");
}

/* Pieces of (field, offset, change). */
static void changed(const uint8_t *data, size_t size)
{
    struct spend_input input = known.spend.inputs[0];
    struct spend_output output = known.spend.outputs[0];
    struct spend spend = known.spend.spend;
    struct ring_member members[RING];
    uint8_t signature[RING_CONFIDENTIAL_SIZE(RING)], range[RANGE_PROOF_SIZE_MAX];
    struct { uint8_t *at; size_t size; } fields[] = {
        { (uint8_t *)members, sizeof members }, { input.pseudo, POINT_SIZE }, { signature, sizeof signature },
        { (uint8_t *)&output, sizeof output }, { range, spend.range_proof.size },
        { (uint8_t *)&spend.amount, sizeof spend.amount }, { spend.asset.bytes, sizeof spend.asset.bytes },
        { spend.recipient.bytes, sizeof spend.recipient.bytes },
    };
    bool same;
    struct error error;

    memcpy(members, known.members, sizeof members);
    memcpy(signature, input.signature.data, sizeof signature);
    memcpy(range, spend.range_proof.data, spend.range_proof.size);
    for (; size >= 4; data += 4, size -= 4) {
        size_t field = data[0] % (sizeof fields / sizeof fields[0]);

        fields[field].at[(data[1] | (size_t)data[2] << 8) % fields[field].size] ^= data[3];
    }
    same = memcmp(members, known.members, sizeof members) == 0 &&
           memcmp(input.pseudo, known.spend.inputs[0].pseudo, POINT_SIZE) == 0 &&
           memcmp(signature, input.signature.data, sizeof signature) == 0 &&
           memcmp(&output, &known.spend.outputs[0], sizeof output) == 0 &&
           memcmp(range, spend.range_proof.data, spend.range_proof.size) == 0 &&
           spend.amount == known.spend.spend.amount &&
           memcmp(&spend.asset, &known.spend.spend.asset, sizeof spend.asset) == 0 &&
           memcmp(&spend.recipient, &known.spend.spend.recipient, sizeof spend.recipient) == 0;
    input.members = members;
    input.signature.data = signature;
    spend.inputs = &input;
    spend.outputs = &output;
    spend.range_proof.data = range;
    INVARIANT((spend_verify(&spend, &error) == OK) == same,
              "a changed spend holds, or an unchanged one does not");
}

static void note(const uint8_t *data, size_t size)
{
    struct spend_output output = { { 0 }, { 0 }, { 0 } };
    struct note_opened opened;

    take(&data, &size, &output, sizeof output);
    INVARIANT(!hidden_note_open(known.keys.view, known.address.spend, &output, (size & 1) != 0, &opened),
              "a note of the wallet's that nobody sealed");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    known_make();
    if (size == 0)
        return 0;
    switch (data[0] % 3) {
    case 0:
        as_it_comes(data + 1, size - 1);
        break;
    case 1:
        changed(data + 1, size - 1);
        break;
    case 2:
        note(data + 1, size - 1);
        break;
    }
    return 0;
}
