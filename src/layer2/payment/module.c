/* payment: what the two modules declare. */
#include "kernel/module.h"
#include "layer2/payment/deadlines.h"
#include "layer2/payment/flow.h"
#include "layer2/payment/invariants.h"
#include "layer2/payment/invoice.h"
#include "layer2/payment/machine.h"
#include "layer2/payment/map.h"
#include "layer2/payment/payment.h"
#include "layer2/payment/queries.h"
#include "layer2/payment/routing.h"
#include "layer2/payment/send.h"
#include "layer2/payment/upkeep.h"

#define EXAMPLE_CHANNEL "4bb06f8e4e3a7715d201d573d0aa423762e55dabd61a2c02278fa56cc6d294e0"
#define EXAMPLE_OTHER "0001020304050607080900010203040506070809000102030405060708090102"

static const struct command payment_commands[] = {
    { "payment.send", SCOPE_LOCAL, ACCESS_OPERATOR, send_payment, check_send,
      PARAMS(struct send, send_params),
      .help = "Pay an invoice through channels; once for each invoice, however often it is called.",
      .result = "the payment's hash and state; 'payment.settled' or 'payment.failed' follows as an event" },
    { "payment.rebalance", SCOPE_LOCAL, ACCESS_OPERATOR, send_loop, check_rebalance,
      PARAMS(struct loop, rebalance_params),
      .help = "Move value of one's own from one channel into another, around a loop.",
      .result = "the payment's hash and state",
      .example = "signer=alice out=" EXAMPLE_CHANNEL " in=" EXAMPLE_OTHER " amount=100" },
    { "payment.drain", SCOPE_LOCAL, ACCESS_OPERATOR, send_loop, check_drain,
      PARAMS(struct loop, drain_params),
      .help = "Move as much of one's own value out of a channel as a loop carries.",
      .result = "the payment's hash, state and amount",
      .example = "signer=alice out=" EXAMPLE_CHANNEL " in=" EXAMPLE_OTHER },
    { "payment.policy", SCOPE_LOCAL, ACCESS_OPERATOR, change_policy,
      PARAMS(struct policy_change, policy_change_params),
      .help = "What a side of a channel asks of those who pay through it, and how much it takes.",
      .result = "the policy as it is now: base, ppm, delta_us, enabled, max_balance if there is one",
      .example = "channel=" EXAMPLE_CHANNEL " signer=bob base=1 ppm=500" },
    { "payment.top_up", SCOPE_LOCAL, ACCESS_OPERATOR, top_up, PARAMS(struct top_up, top_up_params),
      .help = "Add to one's own side what 'channel.deposit' paid into a running channel.",
      .result = "the amount, and the turn of the state that has it",
      .example = "channel=" EXAMPLE_CHANNEL " signer=alice" },
};

static const struct reaction payment_reactions[] = {
    { PAYMENT_CHANNEL, machine_channel, "Compares a channel's hash-locks with its rows, and moves it on." },
    { PAYMENT_PREIMAGE, machine_preimage, "Takes over a preimage that was shown to the ledger." },
};

static const struct sweep payment_sweeps[] = {
    { PAYMENT_DEADLINES, deadlines, "Hash-locks and invoices that become due." },
    { PAYMENT_ROUTING, routing_resume, "Payments that wait for a route." },
};

const struct module payment_module = {
    .name = "payment",
    .help = "Payments through channels: routes, parts, hash-locks.",
    COMMANDS(payment_commands),
    .queries = payment_queries,
    .query_count = PAYMENT_QUERIES,
    REACTIONS(payment_reactions),
    SWEEPS(payment_sweeps),
    .invariants = payment_invariants,
    .invariant_count = PAYMENT_INVARIANTS,
    .memory_open = map_open,
    .memory_close = map_close,
};

static const struct command invoice_commands[] = {
    { "invoice.create", SCOPE_LOCAL, ACCESS_OPERATOR, create_invoice, check_create,
      PARAMS(struct create, create_params),
      .help = "Ask to be paid through channels: a BOLT 11 invoice.", .result = "the invoice's text and hash",
      .example = "payee=bob asset=GOLD amount=100 description=coffee" },
    { "invoice.settle", SCOPE_LOCAL, ACCESS_OPERATOR, settle_invoice, PARAMS(struct settle, settle_params),
      .help = "Take what waits for a hold invoice.", .result = "its state and what came in",
      .example = "hash=" EXAMPLE_OTHER },
    { "invoice.cancel", SCOPE_LOCAL, ACCESS_OPERATOR, cancel_invoice, PARAMS(struct cancel, cancel_params),
      .help = "Take no payment for an invoice any more; what waits goes back.", .result = "its state",
      .example = "hash=" EXAMPLE_OTHER },
};

const struct module invoice_module = {
    .name = "invoice",
    .help = "Invoices of this node's keys.",
    COMMANDS(invoice_commands),
    .queries = invoice_queries,
    .query_count = INVOICE_QUERIES,
};
