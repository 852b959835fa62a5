/* Wallets, notes and spends of the tests: see purse.h. */
#include "purse.h"

#include "crypto/hash.h"
#include "proof/pedersen.h"

void wallet_of(const char *name, const char *chain, struct wallet *wallet)
{
    struct hash seed;

    crypto_start();
    sha256(&seed, name, strlen(name));
    wallet_keys_derive(seed.bytes, chain, &wallet->keys);
    wallet_address(&wallet->keys, &wallet->address);
}

uint64_t purse_random(struct purse *purse, uint64_t bound)
{
    uint64_t *state = &purse->random;

    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (*state * UINT64_C(0x2545f4914f6cdd1d) >> 11) % bound;
}

bool purse_receive(struct purse *purse, const struct wallet *wallets, size_t count,
                   const struct spend_output *note, bool shielded)
{
    struct owned *owned = &purse->notes[purse->count++];
    struct note_opened opened;

    assert_true(purse->count < PURSE_MAX);
    memset(owned, 0, sizeof *owned);
    memcpy(owned->member.key, note->key, POINT_SIZE);
    memcpy(owned->member.commitment, note->commitment, POINT_SIZE);
    for (; owned->owner < count; owned->owner++) {
        const struct wallet *wallet = &wallets[owned->owner];

        if (!hidden_note_open(wallet->keys.view, wallet->address.spend, note, shielded, &opened))
            continue;
        owned->ours = true;
        owned->amount = opened.amount;
        owned->blinding = opened.blinding;
        assert_true(hidden_note_secret(wallet->keys.spend, &opened.tweak, owned->secret));
        return true;
    }
    return false;
}

size_t purse_add(struct purse *purse, const struct wallet *wallet, uint64_t amount)
{
    struct spend_target target;
    struct spend_output note;
    struct point point;

    assert_true(hidden_note_seal(&wallet->address, amount, &target));
    memcpy(note.key, target.key, POINT_SIZE);
    memcpy(note.sealed, target.sealed, NOTE_SEALED_SIZE);
    pedersen_commit(&point, amount, &target.blinding);
    point_encode(note.commitment, &point);
    assert_true(purse_receive(purse, wallet, 1, &note, false));
    return purse->count - 1;
}

/* --- spends ------------------------------------------------------------------------------------------- */
struct order *order_new(const char *chain, const char *purpose)
{
    struct order *order = memory_array_aligned(1, (sizeof *order + 63) / 64 * 64, 64);

    order->terms.chain = chain;
    order->terms.purpose = purpose;
    order->ring = RING_MEMBERS_MIN;
    return order;
}

void order_pay(struct order *order, const struct wallet *to, uint64_t amount)
{
    assert_true(order->target_count < SPEND_OUTPUTS_MAX);
    assert_true(hidden_note_seal(&to->address, amount, &order->targets[order->target_count++]));
}

void order_surround(struct order *order, struct purse *purse)
{
    assert_true(order->ring <= purse->count);
    for (size_t input = 0; input < order->spent_count; input++) {
        bool chosen[PURSE_MAX] = { false };
        size_t count = 1, member = 0;

        chosen[order->spent[input]] = true;
        while (count < order->ring) {
            size_t number = (size_t)purse_random(purse, purse->count);

            count += !chosen[number];
            chosen[number] = true;
        }
        for (size_t number = 0; number < purse->count; number++) {
            if (!chosen[number])
                continue;
            if (number == order->spent[input])
                order->sources[input].index = member;
            order->numbers[input][member] = number;
            order->members[input][member++] = purse->notes[number].member;
        }
    }
}

enum status order_make(struct order *order, struct purse *purse, struct error *error)
{
    order_surround(order, purse);
    for (size_t i = 0; i < order->spent_count; i++) {
        const struct owned *owned = &purse->notes[order->spent[i]];
        struct spend_source *source = &order->sources[i];

        source->members = order->members[i];
        source->count = order->ring;
        memcpy(source->secret, owned->secret, SCALAR_SIZE);
        source->amount = owned->amount;
        source->blinding = owned->blinding;
    }
    return spend_make(&order->terms, order->sources, order->spent_count, order->targets, order->target_count,
                      &order->made, error);
}
