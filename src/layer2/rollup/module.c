/* rollup: what the module declares. */
#include "layer2/rollup/module.h"

#include "layer2/rollup/attest.h"
#include "layer2/rollup/availability.h"
#include "layer2/rollup/create.h"
#include "layer2/rollup/escape.h"
#include "layer2/rollup/invariants.h"
#include "layer2/rollup/lane.h"
#include "layer2/rollup/life.h"
#include "layer2/rollup/mempool.h"
#include "layer2/rollup/propose.h"
#include "layer2/rollup/queries.h"
#include "layer2/rollup/unfreeze.h"

#define EXAMPLE_HASH "4bb06f8e4e3a7715d201d573d0aa423762e55dabd61a2c02278fa56cc6d294e0"

static const struct command commands[] = {
    { "rollup.create", SCOPE_BASE, ACCESS_SIGNED, create_rollup, PARAMS(struct create, rollup_create_params),
      .help = "Make a rollup, whose batches its signer proposes.",
      .result = "its number (domain), id, and the root of its empty state",
      .example = "assets='[{\"asset\":\"GOLD\"}]' bond=1000" },
    { "rollup.deposit", SCOPE_BASE, ACCESS_SIGNED, deposit_into, check_rollup_deposit,
      PARAMS(struct deposit, rollup_deposit_params),
      .help = "Put value into a rollup; the key gets an account there if need be.",
      .result = "the inbox item's number, and the chain time by which it must be taken in",
      .example = "domain=1 asset=GOLD amount=100" },
    { "rollup.force", SCOPE_BASE, ACCESS_SIGNED, force_transaction, PARAMS(struct force, rollup_force_params),
      .help = "Put a rollup's transaction into its inbox, so that the operator cannot leave it out.",
      .result = "the inbox item's number, and the chain time by which it must be taken in",
      .example = "domain=1 transaction=0100" },
    { "rollup.exit", SCOPE_BASE, ACCESS_SIGNED, force_exit, PARAMS(struct forced_exit, rollup_exit_params),
      .help = "Withdraw from one's own account in a rollup by way of its inbox.",
      .result = "the inbox item's number, and the chain time by which it must be taken in",
      .example = "domain=1 asset=GOLD" },
    { "rollup.propose", SCOPE_BASE, ACCESS_SIGNED, propose_batch, check_batch,
      PARAMS(struct propose, rollup_propose_params),
      .help = "Propose a rollup's next batch, with its bond; nodes that sequence do so by themselves.",
      .result = "the batch's id, and when it can be challenged no more" },
    { "rollup.challenge_availability", SCOPE_BASE, ACCESS_SIGNED, challenge_availability,
      PARAMS(struct demand, demand_params),
      .help = "Demand that a batch's data, which a committee holds, be published; who does gets the bond.",
      .result = "the bond, and the chain time from which on the batch is rejected",
      .example = "batch=" EXAMPLE_HASH },
    { "rollup.answer_availability", SCOPE_BASE, ACCESS_SIGNED, answer_availability,
      PARAMS(struct publish, publish_params),
      .help = "Publish a batch's data that is demanded; anybody may. When it is not what the batch says, that"
              " is rejected.",
      .result = "whether the data is right, and until when the batch can be challenged",
      .example = "batch=" EXAMPLE_HASH " data=789c" },
    { "rollup.escape", SCOPE_BASE, ACCESS_SIGNED, escape_rollup, PARAMS(struct escape, escape_params),
      .help = "Freeze a rollup whose inbox is not served: what is in its final state can be taken out.",
      .result = "the newest final batch and its root", .example = "domain=1" },
    { "rollup.exit_frozen", SCOPE_BASE, ACCESS_SIGNED, exit_frozen,
      PARAMS(struct exit_frozen, exit_frozen_params),
      .help = "Pay an account of a frozen rollup what it has of one asset, once; anybody may ask for it.",
      .result = "the amount, and whether it waits as a credit" },
    { "rollup.unfreeze", SCOPE_BASE, ACCESS_SIGNED, unfreeze_rollup, PARAMS(struct unfreeze, unfreeze_params),
      .help = "Announce that a frozen rollup goes on after a while, as its operator; or take that back.",
      .result = "its epoch, and the chain time at which it goes on", .example = "domain=1" },
    { "rollup.submit", SCOPE_LOCAL, ACCESS_PUBLIC, submit_transaction, check_submission,
      PARAMS(struct submit, rollup_submit_params),
      .help = "Give a rollup's operator a signed transaction.",
      .result = "its id; it is kept once this is answered", .example = "domain=1 transaction=0100" },
    { "rollup.transfer", SCOPE_LOCAL, ACCESS_OPERATOR, submit_own, check_own_transfer,
      PARAMS(struct own_transaction, own_transfer_params),
      .help = "Pay inside of a rollup, signed by a key of this node.", .result = "the transaction's id",
      .example = "domain=1 signer=alice to=bob asset=GOLD amount=10" },
    { "rollup.withdraw", SCOPE_LOCAL, ACCESS_OPERATOR, submit_own, check_own_withdraw,
      PARAMS(struct own_transaction, own_withdraw_params),
      .help = "Take value out of a rollup, signed by a key of this node.", .result = "the transaction's id",
      .example = "domain=1 signer=alice asset=GOLD amount=10" },
    { "rollup.register", SCOPE_LOCAL, ACCESS_OPERATOR, submit_own, check_own_register,
      PARAMS(struct own_transaction, own_register_params),
      .help = "Give a key an account in a rollup, signed by a key of this node.",
      .result = "the transaction's id", .example = "domain=1 signer=alice to=carol asset=GOLD" },
    { "rollup.sequencer", SCOPE_LOCAL, ACCESS_OPERATOR, set_sequencer,
      PARAMS(struct sequencer, sequencer_params),
      .help = "Have this node make the batches of a rollup that it operates; until then it makes none.",
      .result = "nothing more",
      .example = "domain=1 batch_items=500" },
    { "rollup.attest", SCOPE_LOCAL, ACCESS_OPERATOR, attest_data, PARAMS(struct attest, attest_params),
      .help = "Keep the data of a batch that is about to be proposed, and vouch for it by a key of ours.",
      .result = "{member, signature, message}: what 'rollup.attested' takes at the operator's",
      .example = "domain=1 number=1 inbox_to=0 items_root=" EXAMPLE_HASH " data_hash=" EXAMPLE_HASH
                 " data=789c" },
    { "rollup.attested", SCOPE_LOCAL, ACCESS_OPERATOR, take_attestation,
      PARAMS(struct attested_elsewhere, attested_elsewhere_params),
      .help = "Take what a member elsewhere signed for the batch that waits here ('rollup.sealed').",
      .result = "how many have, and how many must", .example = "domain=1 member=alice signature=00" },
    { "rollup.hold_data", SCOPE_LOCAL, ACCESS_OPERATOR, hold_data, PARAMS(struct hold_data, hold_data_params),
      .help = "Give this node the data of a batch whose committee holds it, so that it can go on.",
      .result = "whether it is what the batch says", .example = "batch=" EXAMPLE_HASH " data=789c" },
    { "rollup.guard", SCOPE_LOCAL, ACCESS_OPERATOR, set_guard, PARAMS(struct guard, guard_params),
      .help = "Have this node demand data of a rollup's batches that it has not got.",
      .result = "nothing more", .example = "domain=1 bond_max=1000" },
};

static const struct deadline_kind deadlines[] = {
    { BATCH_WINDOW_DEADLINE, batch_window_over, "A batch can be challenged no more." },
    { BATCH_AIR_GAP_DEADLINE, batch_air_gap_over, "An accepted batch becomes final." },
    { JAIL_DEADLINE, jail_over, "An operator may propose again." },
    { REFUND_DEADLINE, refund_more, "More of a frozen rollup's inbox goes back to its senders." },
    { UNFREEZE_DEADLINE, unfreeze_due, "A frozen rollup goes on." },
    { AVAILABILITY_DEADLINE, availability_over, "Data that was demanded did not come: the batch falls." },
    { OVERDUE_DEADLINE, inbox_overdue, "An inbox is not served, and the rollup can be frozen." },
};

static const struct reaction reactions[] = {
    { ROLLUP_FOLLOW, lane_follow, "Executes what is new of a rollup, and takes back what does not stand." },
};

static const struct sweep sweeps[] = {
    { ROLLUP_SWEEP, lanes_sweep, "Rollups that this node has not followed to the end, or makes batches of." },
};

static const char *const base_tables[] = {
    "rollup", "rollup_asset", "batch", "batch_data", "rollup_exit", "rollup_committee", "batch_attestation",
    "availability_challenge", NULL
};

const struct module rollup_module = {
    .name = "rollup",
    .help = "Rollups: deposits, batches, and what is executed in them.",
    COMMANDS(commands),
    .queries = rollup_queries,
    .query_count = ROLLUP_QUERIES,
    DEADLINES(deadlines),
    REACTIONS(reactions),
    SWEEPS(sweeps),
    .invariants = rollup_invariants,
    .invariant_count = ROLLUP_INVARIANTS,
    .base_tables = base_tables,
    .memory_open = lanes_open,
    .memory_close = lanes_close,
};
