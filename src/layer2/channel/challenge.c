/* Challenges by a key of this node: see challenge.h. */
#include "layer2/channel/challenge.h"

#include <stdlib.h>
#include <string.h>

#include "base/bech32.h"
#include "base/writer.h"
#include "kernel/kernel.h"
#include "layer2/channel/party.h"
#include "layer2/channel/record.h"

void challenge_bring(struct execution *x, struct local_channel *c, const struct account_id *challenger)
{
    struct buffer json CLEANUP(buffer_close) = { 0 };
    char address[ADDRESS_TEXT_MAX];
    struct hash hash;
    struct writer w;

    address_encode(address, challenger);
    channel_challenge_hash(&c->id, &c->supported.hash, &hash);
    writer_init(&w, &json);
    writer_object_begin(&w);
    party_write_proof(execution_database(x), c, &w);
    writer_member_text(&w, "challenger", address);
    writer_member_hex(&w, "sign", hash.bytes, sizeof(hash.bytes));
    writer_object_end(&w);
    party_dispute(x, c, PARTY_CHALLENGE, buffer_bytes(&json));
}

/* A signed end that nobody completes leaves no other way than the ledger; and time does not stop in a pause.
 */
static bool may_challenge(enum channel_phase phase)
{
    return phase == PHASE_RUNNING || phase == PHASE_SUSPENDED || phase == PHASE_CLOSING;
}

/* All signatures are here, or the ledger has that very state and asks for none. */
static bool can_be_brought(struct execution *x, const struct local_channel *c)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_record record;

    arena_init(&arena);
    if (!c->has_supported)
        return false;
    if (c->supported.signed_by == application_everyone(&c->fixed))
        return true;
    return record_read(execution_database(x), &c->id, &arena, &record) && record.a.has_outcome &&
           hash_equal(&record.a.state, &c->supported.hash);
}

void challenge_in_time(struct execution *x, struct local_channel *c, size_t participant)
{
    if (may_challenge(c->phase) && can_be_brought(x, c))
        challenge_bring(x, c, &c->fixed.participants[participant]);
}

static bool read_challenger(const char *request, struct account_id *challenger)
{
    json_t *json AUTO_JSON = NULL;
    const char *address;
    struct error error;

    if (json_parse(request, strlen(request), &json, &error) != OK)
        return false;
    address = json_string_value(json_object_get(json_object_get(json, "params"), "challenger"));
    return address != NULL && address_decode(challenger, address, strlen(address));
}

bool challenge_again(struct execution *x, const struct hash *channel, const char *what, const char *request)
{
    const char *seq = strrchr(what, '/');
    struct arena arena CLEANUP(arena_close);
    struct account_id challenger;
    struct local_channel c;

    arena_init(&arena);
    if (seq == NULL || !local_read(execution_database(x), channel, &arena, &c) || c.challenging == 0 ||
        c.challenging != strtoull(seq + 1, NULL, 10) || c.phase == PHASE_DEFUNDING ||
        c.phase == PHASE_CLOSED || !read_challenger(request, &challenger))
        return false;
    challenge_bring(x, &c, &challenger);
    return true;
}

/* --- on a worker ------------------------------------------------------------------------------ */
enum status challenge_sign(struct effect_run *run, json_t *params)
{
    struct keystore *keystore = kernel_keystore(run->kernel);
    const char *text = json_string_value(json_object_get(params, "sign"));
    struct buffer made CLEANUP(buffer_close) = { 0 };
    struct signature signature;
    struct hash hash;

    if (text == NULL)
        return OK;
    if (keystore == NULL || !hex_decode(hash.bytes, sizeof(hash.bytes), text, strlen(text)))
        return error_set(&run->error, ERROR_UNSIGNED, "this node keeps no keys");
    TRY(keystore_sign(keystore, json_string_value(json_object_get(params, "challenger")), &hash, &signature,
                      &run->error));
    buffer_append_hex(&made, signature.bytes, sizeof(signature.bytes));
    json_object_set_new(params, "signature", json_string(buffer_text(&made)));
    json_object_del(params, "sign");
    return OK;
}
