/* Batches whose data a committee holds: see committee.h. */
#include "layer2/rollup/committee.h"

#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "crypto/hash.h"
#include "kernel/execution.h"
#include "layer2/rollup/data.h"

void attestation_message(struct hash *message, const char *chain, const struct rollup *rollup,
                         const struct hash *context, const struct hash *parent, const struct hash *data,
                         uint64_t data_size)
{
    struct tagged_hash h;
    uint8_t number[8];

    tagged_hash_begin(&h, "layerd/rollup/availability");
    put_be64(number, strlen(chain));
    tagged_hash_add(&h, number, sizeof(number));
    tagged_hash_add(&h, chain, strlen(chain));
    tagged_hash_add(&h, rollup->id.bytes, sizeof(rollup->id.bytes));
    tagged_hash_add(&h, context->bytes, sizeof(context->bytes));
    tagged_hash_add(&h, parent->bytes, sizeof(parent->bytes));
    tagged_hash_add(&h, data->bytes, sizeof(data->bytes));
    put_be64(number, data_size);
    tagged_hash_add(&h, number, sizeof(number));
    put_be64(number, rollup->epoch);
    tagged_hash_add(&h, number, sizeof(number));
    tagged_hash_end(&h, message);
}

const struct param attested_params[ATTESTED_PARAMS] = {
    PARAM(struct attested, member, ACCOUNT, REQUIRED, "one of the committee"),
    PARAM(struct attested, signature, BYTES, REQUIRED, "BIP-340, by its key; see 'rollup.attest'",
          .most = sizeof(struct signature)),
};

bool committee_is_meant(const struct propose *p)
{
    static const struct hash none;

    return p->attestations.count > 0 || p->data_size > 0 || p->transactions > 0 ||
           !hash_equal(&p->data_hash, &none) || !hash_equal(&p->items_root, &none);
}

enum status committee_outline(struct execution *x, const struct propose *p, const struct rollup *rollup,
                              const struct batch_place *place, struct batch *batch)
{
    uint64_t inbox = p->inbox_to - place->inbox_from;

    if (p->transactions == 0 || p->data_size == 0 || p->data_size > BATCH_PUBLISHED_MAX)
        return fail(x, ERROR_MALFORMED_DATA, "%" PRIu64 " bytes of data with %" PRIu64 " transactions; each"
                    " is at least 1, and there are at most %zu bytes", p->data_size, p->transactions,
                    BATCH_PUBLISHED_MAX);
    if (p->transactions > BATCH_ITEMS_MAX || inbox + p->transactions > BATCH_ITEMS_MAX)
        return fail(x, ERROR_LIMIT, "%" PRIu64 " inbox items and %" PRIu64 " transactions; a batch has at"
                    " most %u items", inbox, p->transactions, BATCH_ITEMS_MAX);
    *batch = (struct batch){ .machine = { .rollup = rollup->id, .assets = rollup->assets,
                                          .items = inbox + p->transactions, .inbox_items = inbox,
                                          .inbox_from = place->inbox_from },
                             .number = place->number, .previous_root = place->previous_root };
    return OK;
}

static enum status check_one(struct execution *x, const struct rollup *rollup,
                             const struct attested *attested, const struct hash *message)
{
    char address[ADDRESS_TEXT_MAX];
    struct signature signature;

    address_encode(address, &attested->member);
    if (!committee_has(execution_database(x), rollup->domain, &attested->member))
        return fail(x, ERROR_NOT_A_MEMBER, "%s is not in the committee of rollup %" PRIu64, address,
                    rollup->domain);
    if (attested->signature.size == sizeof(signature.bytes)) {
        memcpy(signature.bytes, attested->signature.data, sizeof(signature.bytes));
        if (schnorr_verify(&attested->member, message->bytes, sizeof(message->bytes), &signature))
            return OK;
    }
    return fail(x, ERROR_BAD_ATTESTATION, "the signature of %s is not over this rollup, batch and data",
                address);
}

enum status committee_check(struct execution *x, const struct propose *p, const struct rollup *rollup,
                            const struct batch_row *row)
{
    const struct attested *given = p->attestations.items;
    struct hash message;

    attestation_message(&message, execution_chain(x), rollup, &row->context, &row->parent, &row->data_hash,
                        row->data_size);
    for (size_t i = 0; i < p->attestations.count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (account_equal(&given[k].member, &given[i].member))
                return fail(x, ERROR_ATTESTED_TWICE, "signatures %zu and %zu are the same member's", k, i);
        }
        TRY(check_one(x, rollup, &given[i], &message));
    }
    if (p->attestations.count < rollup->committee_threshold)
        return fail(x, ERROR_TOO_FEW_ATTESTATIONS, "%zu members vouch for the data; %u must",
                    p->attestations.count, rollup->committee_threshold);
    return OK;
}

void committee_keep(struct execution *x, const struct propose *p, const struct batch_row *row)
{
    const struct attested *given = p->attestations.items;

    for (size_t i = 0; i < p->attestations.count; i++) {
        struct attestation attestation = { .member = given[i].member };

        memcpy(attestation.signature.bytes, given[i].signature.data, sizeof(attestation.signature.bytes));
        attestation_insert(execution_database(x), &row->id, &attestation);
    }
}
