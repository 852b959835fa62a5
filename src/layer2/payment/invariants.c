/* What always holds of payments: see invariants.h. States are those of htlc.h, payment_row.h and
 * invoice_row.h. */
#include "layer2/payment/invariants.h"

const struct invariant payment_invariants[PAYMENT_INVARIANTS] = {
    { "payment.upstream", "A hop that was claimed further on is claimed, or was, by whoever passed it on.",
      "SELECT 'htlc ' || a.id || ' was fulfilled, and htlc ' || b.id || ' before it is in state ' || b.state"
      "  FROM htlc AS a JOIN htlc AS b ON b.hash = a.hash AND b.part = a.part AND b.hop = a.hop - 1"
      " WHERE a.state = 5 AND a.preimage IS NOT NULL AND b.state NOT IN (3, 5)",
      NULL },
    { "payment.downstream",
      "A hop is given back only when what it was passed on by can bring nothing any more.",
      "SELECT 'htlc ' || a.id || ' is given back while htlc ' || b.id || ' after it is in state ' || b.state"
      "  FROM htlc AS a JOIN htlc AS b ON b.hash = a.hash AND b.part = a.part AND b.hop = a.hop + 1"
      " WHERE a.state IN (4, 6) AND b.state < 5 AND b.expiry_us > a.changed_us",
      NULL },
    { "payment.margins", "Who passes a payment on gets at least what he gives, and has time to claim it.",
      "SELECT 'htlc ' || b.id || ' gives more, or lives longer, than htlc ' || a.id"
      "  FROM htlc AS a JOIN htlc AS b ON b.hash = a.hash AND b.part = a.part AND b.hop = a.hop + 1"
      " WHERE b.amount > a.amount OR b.expiry_us >= a.expiry_us",
      NULL },
    { "payment.complete", "An invoice is claimed only when all of it is there.",
      "SELECT 'invoice ' || lower(hex(hash)) || ' was settled with ' || received || ' of ' || amount"
      "  FROM invoice WHERE state = 2 AND received < amount"
      "   AND hash NOT IN (SELECT hash FROM preimage)",
      NULL },
    { "payment.failed", "A failed payment has no part that can still succeed.",
      "SELECT 'payment ' || lower(hex(p.hash)) || ' failed, and part ' || part || ' is in state ' || q.state"
      "  FROM payment AS p JOIN payment_part AS q ON q.hash = p.hash WHERE p.state = 2 AND q.state <> 2",
      NULL },
    { "payment.parts", "The parts under way or settled are never more than the payment.",
      "SELECT 'payment ' || lower(hex(p.hash)) || ' has parts of ' || sum(q.amount) || ' for ' || p.amount"
      "  FROM payment AS p JOIN payment_part AS q ON q.hash = p.hash AND q.state <> 2"
      " GROUP BY p.hash HAVING sum(q.amount) > p.amount",
      NULL },
};
