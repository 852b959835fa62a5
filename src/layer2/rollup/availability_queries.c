/* What people may ask about data that a committee holds: see queries.h. */
#include <inttypes.h>

#include "base/bech32.h"
#include "layer2/rollup/held.h"
#include "layer2/rollup/queries.h"

static void write_account(struct writer *w, const char *key, const struct account_id *account)
{
    char address[ADDRESS_TEXT_MAX];

    address_encode(address, account);
    writer_member_text(w, key, address);
}

static void write_hash(struct writer *w, const char *key, const struct hash *hash)
{
    writer_member_hex(w, key, hash->bytes, sizeof(hash->bytes));
}

void write_committee(struct writer *w, struct database *database, const struct rollup *rollup)
{
    struct account_id members[COMMITTEE_MAX];
    unsigned count = committee_list(database, rollup->domain, members);
    char address[ADDRESS_TEXT_MAX];

    writer_member_text(w, "availability", availability_name(rollup->availability));
    if (rollup->availability == AVAILABILITY_LEDGER)
        return;
    writer_key(w, "committee");
    writer_array_begin(w);
    for (unsigned i = 0; i < count; i++) {
        address_encode(address, &members[i]);
        writer_text(w, address);
    }
    writer_array_end(w);
    writer_member_unsigned(w, "committee_threshold", rollup->committee_threshold);
    writer_member_integer(w, "availability_us", rollup->availability_us);
    writer_member_unsigned(w, "availability_bond", rollup->availability_bond);
    writer_member_unsigned(w, "guard_bond_max", guard_bond(database, rollup->domain));
    writer_member_unsigned(w, "missing", missing_count(database, rollup->domain));
}

static void write_attestations(struct writer *w, const struct attestation *list, unsigned count)
{
    writer_key(w, "attestations");
    writer_array_begin(w);
    for (unsigned i = 0; i < count; i++) {
        writer_object_begin(w);
        write_account(w, "member", &list[i].member);
        writer_member_hex(w, "signature", list[i].signature.bytes, sizeof(list[i].signature.bytes));
        writer_object_end(w);
    }
    writer_array_end(w);
}

static void write_challenge(struct writer *w, const struct availability_challenge *c)
{
    writer_key(w, "availability_challenge");
    writer_object_begin(w);
    writer_member_text(w, "state", challenge_state_name(c->state));
    write_account(w, "challenger", &c->challenger);
    writer_member_unsigned(w, "bond", c->bond);
    writer_member_integer(w, "begun_us", c->begun_us);
    writer_member_integer(w, "deadline_us", c->deadline_us);
    writer_member_integer(w, "ended_us", c->ended_us);
    if (!account_is_zero(&c->answerer))
        write_account(w, "answerer", &c->answerer);
    writer_member_unsigned(w, "reward", c->reward);
    writer_member_unsigned(w, "burned", c->burned);
    writer_object_end(w);
}

void write_data_state(struct writer *w, struct database *database, const struct batch_row *row)
{
    struct attestation list[COMMITTEE_MAX];
    struct availability_challenge challenge;

    writer_member_boolean(w, "data_here", batch_is_here(database, row));
    if (row->data_size == 0)
        return;
    write_hash(w, "data_hash", &row->data_hash);
    writer_member_unsigned(w, "data_size", row->data_size);
    write_attestations(w, list, attestation_list(database, &row->id, list));
    if (challenge_read(database, &row->id, &challenge))
        write_challenge(w, &challenge);
}

/* --- rollup.data ------------------------------------------------------------------------------ */
const struct param data_params[DATA_PARAMS] = {
    PARAM(struct one_data, data_hash, HASH, REQUIRED, "as 'rollup.batch' and 'rollup.sealed' show it"),
};

enum status get_data(struct query *q, const void *params, struct writer *w)
{
    const struct one_data *p = params;
    struct buffer data CLEANUP(buffer_close) = { 0 };

    if (!held_read(q->database, &p->data_hash, &data))
        return query_fail(q, ERROR_DATA_NOT_HELD, "this node keeps no data with this hash");
    writer_object_begin(w);
    writer_member_hex(w, "data", data.data, data.size);
    writer_object_end(w);
    return OK;
}

/* --- rollup.sealed ---------------------------------------------------------------------------- */
enum status get_sealed(struct query *q, const void *params, struct writer *w)
{
    const struct one_rollup *p = params;
    struct attestation list[COMMITTEE_MAX];
    struct rollup rollup;
    struct sealed sealed;

    if (!rollup_find(q->database, p->domain, &rollup))
        return query_fail(q, ERROR_ROLLUP_NOT_FOUND, "there is no rollup %" PRIu64, p->domain);
    if (!sealed_read(q->database, p->domain, &sealed) || sealed.number != rollup.head + 1)
        return query_fail(q, ERROR_NOT_READY, "no batch of rollup %" PRIu64 " waits here for attestations",
                          p->domain);
    writer_object_begin(w);
    writer_member_unsigned(w, "domain", p->domain);
    writer_member_unsigned(w, "number", sealed.number);
    write_hash(w, "parent", &sealed.parent);
    writer_member_unsigned(w, "inbox_to", sealed.inbox_to);
    write_hash(w, "items_root", &sealed.items_root);
    writer_member_unsigned(w, "transactions", sealed.transactions);
    write_hash(w, "data_hash", &sealed.data_hash);
    writer_member_unsigned(w, "data_size", sealed.data_size);
    write_hash(w, "message", &sealed.message);
    writer_member_unsigned(w, "threshold", rollup.committee_threshold);
    write_attestations(w, list, attested_list(q->database, &sealed.message, list));
    writer_object_end(w);
    return OK;
}
