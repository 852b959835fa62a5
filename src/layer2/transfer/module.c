/* transfer: what the module declares. All of it is local: what a node moves for its providers spans ledgers
 * of which the base ledger is but one. What holds value is escrows, hash-locks of channels and contracts
 * elsewhere, never a row of this room's. */
#include "kernel/module.h"
#include "layer2/transfer/engine.h"
#include "layer2/transfer/invariants.h"
#include "layer2/transfer/leg.h"
#include "layer2/transfer/network_proof.h"
#include "layer2/transfer/provider.h"
#include "layer2/transfer/queries.h"
#include "layer2/transfer/start.h"
#include "layer2/transfer/stuck.h"
#include "layer2/transfer/transfer.h"

#define EXAMPLE_TRANSFER "4bb06f8e4e3a7715d201d573d0aa423762e55dabd61a2c02278fa56cc6d294e0"

static const struct command commands[] = {
    { "transfer.provider_register", SCOPE_LOCAL, ACCESS_OPERATOR, provider_register,
      PARAMS(struct provider_params, provider_register_params),
      .help = "Let an account of this node lend its value on the other side of transfers.",
      .example = "account=bob name='Bob & Co'" },
    { "transfer.provider_terms", SCOPE_LOCAL, ACCESS_OPERATOR, provider_terms,
      PARAMS(struct terms_params, provider_terms_params),
      .help = "What a provider asks for an asset from one place to another, and how much he moves; what has "
              "begun keeps the terms it began with.",
      .example = "provider=bob asset=GOLD source=base destination=channel fee_fixed=1 fee_ppm=500 "
                 "most=100000" },
    { "transfer.provider_withdraw", SCOPE_LOCAL, ACCESS_OPERATOR, provider_withdraw,
      PARAMS(struct terms_params, provider_withdraw_params),
      .help = "Offer that way no more; what has begun goes on.",
      .example = "provider=bob asset=GOLD source=base destination=channel" },
    { "transfer.provider_pause", SCOPE_LOCAL, ACCESS_OPERATOR, provider_pause_all,
      PARAMS(struct provider_params, provider_pause_params),
      .help = "Begin nothing new by this provider; what has begun goes on.", .example = "account=bob" },
    { "transfer.provider_resume", SCOPE_LOCAL, ACCESS_OPERATOR, provider_resume,
      PARAMS(struct provider_params, provider_pause_params),
      .help = "Take transfers by this provider again.", .example = "account=bob" },
    { "transfer.deploy", SCOPE_LOCAL, ACCESS_OPERATOR, deploy_contract, PARAMS(struct deploy, deploy_params),
      .help = "Put our hash-lock contract on an EVM network, once; 'network.write' shows "
              "the address, as 'asset', when it is there.",
      .result = "{operation, repeated}; 'network.write' tells how it goes",
      .example = "link=bob request=hash-lock" },
    { "transfer.collect", SCOPE_LOCAL, ACCESS_OPERATOR, collect_owed,
      PARAMS(struct collect, collect_params),
      .help = "Fetch what a hash-lock contract owes a link's account: what a claim or a refund could not pay "
              "it, because a token refused it.",
      .result = "{operation, repeated}; 'network.write' tells how it goes",
      .example = "link=bob contract=0x00000000000000000000000000000000000000c0 request=owed-1" },
    { "transfer.retry", SCOPE_LOCAL, ACCESS_OPERATOR, transfer_retry,
      PARAMS(struct retry_params, transfer_retry_params),
      .help = "Try the next step of a transfer now, and look at outside ledgers, instead of at the next"
          " try's "
              "time; for what 'transfer.stuck' told, once its cause is gone.",
      .result = "its state, and what is under way on either side", .example = "transfer=" EXAMPLE_TRANSFER },
    { "transfer.quote", SCOPE_LOCAL, ACCESS_SIGNED, quote_ask, PARAMS(struct quote_params, quote_parameters),
      .help = "Ask what a transfer costs; the answer holds for five minutes.",
      .result = "the quote's id, the provider and his fee",
      .example = "from=alice asset=GOLD source=base destination=channel amount=1000" },
    { "transfer.start", SCOPE_LOCAL, ACCESS_SIGNED, transfer_start,
      PARAMS(struct start_params, start_parameters),
      .help = "Transfer an amount to another ledger: it arrives there, or comes back here. ('from' is who "
              "signs; the ledgers are 'source' and 'destination'.)",
      .result = "the transfer's id, fee, hash and time locks; events tell how it goes",
      .example = "from=alice asset=GOLD source=base destination=channel amount=1000 recipient=ADDRESS" },
    { "transfer.cancel", SCOPE_LOCAL, ACCESS_SIGNED, transfer_cancel,
      PARAMS(struct cancel_params, transfer_cancel_params),
      .help = "Want no more of a transfer whose destination is not locked; a source that is locked "
              "comes back at its time.",
      .result = "its state", .example = "from=alice transfer=" EXAMPLE_TRANSFER },
    { "transfer.reveal", SCOPE_LOCAL, ACCESS_SIGNED, transfer_reveal, .sealed = true,
      PARAMS(struct reveal_params, transfer_reveal_params),
      .help = "Give the secret of one's own once the destination is locked, for the node to claim there.",
      .result = "its state", .example = "from=alice transfer=" EXAMPLE_TRANSFER " preimage=HEX" },
    { "transfer.prove", SCOPE_LOCAL, ACCESS_OPERATOR, transfer_prove,
      PARAMS(struct prove_params, transfer_prove_params),
      .help = "Ask the networks of a settled transfer again for the proofs that 'transfer.proof' misses; "
              "with 'again' for the others as well.",
      .result = "{asked}: how many; 0: nothing is missing", .example = "transfer=" EXAMPLE_TRANSFER },
};

static const struct reaction reactions[] = {
    { TRANSFER_HASH, engine_hash_changed, "Takes a transfer on whose lock changed." },
};

static const struct sweep sweeps[] = {
    { TRANSFER_CLOCK, engine_clock, "Transfers that are due." },
};

const struct module transfer_module = {
    .name = "transfer",
    .help = "Transfers between ledgers: locked on both by one hash, through providers of this node.",
    COMMANDS(commands),
    .queries = transfer_queries,
    .query_count = TRANSFER_QUERIES,
    .effects = engine_effects,
    .effect_count = COUNT_OF(engine_effects),
    REACTIONS(reactions),
    SWEEPS(sweeps),
    .invariants = transfer_invariants,
    .invariant_count = TRANSFER_INVARIANTS,
    .memory_open = engine_memory_open,
    .memory_close = engine_memory_close,
};
