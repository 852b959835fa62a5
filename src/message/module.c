/* message: claiming what left a domain. What enters it is queued by the modules of the domains. */
#include <inttypes.h>
#include <string.h>

#include "kernel/execution.h"
#include "message/invariants.h"
#include "message/queries.h"
#include "message/rows.h"

struct claim {
    uint64_t domain, number, asset, amount, count;
    struct account_id recipient;
    struct bytes proof;
};

static const struct param claim_params[] = {
    PARAM(struct claim, domain, INTEGER, REQUIRED, "number of the domain that it left"),
    PARAM(struct claim, number, INTEGER, REQUIRED, "of the withdrawal: 0, 1, …"),
    PARAM(struct claim, asset, INTEGER, REQUIRED, "the asset's number in the domain: 0, 1, …"),
    PARAM(struct claim, amount, AMOUNT, REQUIRED, "as it was withdrawn"),
    PARAM(struct claim, recipient, ACCOUNT, REQUIRED, "as it was withdrawn"),
    PARAM(struct claim, proof, BYTES, REQUIRED, "32 hashes from the withdrawal up",
          .most = OUTBOX_PROOF_SIZE),
    PARAM(struct claim, count, INTEGER, OPTIONAL,
          "of how many withdrawals the proof is: any number that was final; the newest when absent",
          .fallback = NOT_GIVEN),
};

/* The final root that the proof is for. */
static enum status proven_root(struct execution *x, const struct claim *p, struct hash *root)
{
    struct database *database = execution_database(x);
    uint64_t count, oldest;

    if (!row_domain_root(database, p->domain, root, &count) || p->number >= count)
        return fail(x, ERROR_NOT_FINAL, "withdrawal %" PRIu64 " of the domain %" PRIu64 " is not final",
                    p->number, p->domain);
    if (p->count == NOT_GIVEN)
        return OK;
    if (p->number >= p->count)
        return fail(x, ERROR_WRONG_PROOF, "withdrawal %" PRIu64 " is not among the first %" PRIu64, p->number,
                    p->count);
    if (row_final_root(database, p->domain, p->count, root))
        return OK;
    oldest = row_final_root_oldest(database, p->domain);
    if (p->count < oldest)
        return fail(x, ERROR_PROOF_TOO_OLD,
                    "final roots are kept from that of %" PRIu64 " withdrawals on; the proof is of %" PRIu64,
                    oldest, p->count);
    return fail(x, ERROR_NOT_FINAL, "no final root has %" PRIu64 " withdrawals under it", p->count);
}

static enum status check_proof(struct execution *x, const struct claim *p)
{
    const struct withdrawal withdrawal = { .number = p->number, .asset = (unsigned)p->asset,
                                           .amount = p->amount, .recipient = p->recipient };
    uint8_t message[WITHDRAWAL_SIZE];
    struct outbox_proof proof;
    struct hash root, leaf;

    TRY(proven_root(x, p, &root));
    if (p->proof.size != OUTBOX_PROOF_SIZE)
        return fail(x, ERROR_WRONG_PROOF, "proof: %zu bytes; %d are expected", p->proof.size,
                    OUTBOX_PROOF_SIZE);
    memcpy(proof.siblings, p->proof.data, OUTBOX_PROOF_SIZE);
    withdrawal_encode(&withdrawal, message);
    outbox_leaf(&leaf, message, sizeof(message));
    if (!outbox_verify(outbox_shape(), p->number, &leaf, &proof, &root))
        return fail(x, ERROR_WRONG_PROOF,
                    "it does not show a withdrawal %" PRIu64 " of this asset, amount and recipient",
                    p->number);
    return OK;
}

static enum status claim(struct execution *x, const void *params, struct writer *result)
{
    const struct claim *p = params;
    struct database *database = execution_database(x);
    struct account_id escrow;
    struct asset_id id;
    struct asset asset;
    unsigned assets;
    bool credited;

    if (!domain_find(database, p->domain, &escrow, &assets))
        return fail(x, ERROR_DOMAIN_NOT_FOUND, "domain: there is no domain %" PRIu64, p->domain);
    if (p->asset >= assets || !domain_asset(database, p->domain, (unsigned)p->asset, &id))
        return fail(x, ERROR_ASSET_NOT_FOUND, "asset: the domain %" PRIu64 " has no asset %" PRIu64,
                    p->domain, p->asset);
    if (row_claim_exists(database, p->domain, p->number))
        return fail(x, ERROR_ALREADY_CLAIMED, "withdrawal %" PRIu64 " of the domain %" PRIu64 " was claimed",
                    p->number, p->domain);
    TRY(check_proof(x, p));
    TRY(asset_find(x, &id, &asset));
    TRY(domain_pay(x, p->domain, (unsigned)p->asset, &p->recipient, p->amount, &credited));
    row_claim_insert(database, p->domain, p->number, &id, p->amount, &p->recipient, execution_next_seq(x));
    writer_object_begin(result);
    writer_member_text(result, "asset", asset.symbol);
    writer_member_unsigned(result, "amount", p->amount);
    writer_member_boolean(result, "credited", credited);
    writer_object_end(result);
    return event_message_claimed(x, &(struct event_message_claimed){
        .domain = p->domain, .number = p->number, .recipient = p->recipient, .asset = asset.symbol,
        .amount = p->amount, .credited = credited });
}

static const struct command commands[] = {
    { "message.claim", SCOPE_BASE, ACCESS_SIGNED, claim, PARAMS(struct claim, claim_params),
      .help = "Bring a final withdrawal from a domain to its recipient, with its proof.",
      .result = "what was paid",
      .example = "from=alice domain=1 number=0 asset=0 amount=250 recipient=alice proof=HEX" },
};

static const char *const base_tables[] = {
    "message_domain", "domain_asset", "inbox", "final_root", "withdrawal_claim", "credit", NULL
};

const struct module message_module = {
    .name = "message",
    .help = "Messages between the base ledger and the domains above it: inboxes and withdrawals.",
    COMMANDS(commands),
    .queries = message_queries,
    .query_count = MESSAGE_QUERIES,
    .invariants = message_invariants,
    .invariant_count = MESSAGE_INVARIANTS,
    .base_tables = base_tables,
};
