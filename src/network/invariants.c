/* What always holds of links, operations and writes: see invariants.h. */
#include "network/invariants.h"

const struct invariant network_invariants[NETWORK_INVARIANTS] = {
    { .name = "network.durable",
      .help = "No write was sent, or is about to be, whose bytes are not on record.",
      .sql = "SELECT 'write ' || number || ' is ' || state || ' without bytes' FROM network_write"
             " WHERE raw IS NULL AND (sent_us IS NOT NULL OR state IN ('prepared', 'sending', 'ambiguous', "
             "'sent',"
             " 'pending', 'confirmed', 'final')) LIMIT 1" },
    { .name = "network.sequences",
      .help = "Among a link's writes that may still get into a block each sequence is there once.",
      .sql = "SELECT 'link ' || link || ' uses the sequence ' || sequence || ' twice' FROM network_write"
             " WHERE sequence IS NOT NULL AND settled = 0 GROUP BY link, sequence HAVING count(*) > 1 LIMIT "
             "1" },
    { .name = "network.candidates",
      .help = "Of a write whose fee was raised all that was signed is on record, and it is one of these.",
      .sql = "SELECT 'write ' || c.number || ' lacks candidates' FROM network_candidate c GROUP BY c.number"
             " HAVING min(place) <> 1 OR max(place) <> count(*) OR count(*) < 2"
             " UNION ALL SELECT 'write ' || w.number || ' is none of its candidates' FROM network_write w"
             " WHERE EXISTS (SELECT 1 FROM network_candidate c WHERE c.number = w.number) AND NOT EXISTS"
             " (SELECT 1 FROM network_candidate c WHERE c.number = w.number AND c.raw = w.raw"
             " AND c.transaction_id = w.transaction_id) LIMIT 1" },
    { .name = "network.operations",
      .help = "Every operation that ended has a result or an error; a write's has not ended before it was "
              "taken.",
      .sql = "SELECT 'operation ' || o.number || ' is ' || o.state FROM network_operation o"
             " LEFT JOIN network_write w USING (number)"
             " WHERE (o.state <> 'queued' AND (o.result IS NULL) = (o.error IS NULL))"
             " OR (o.state = 'done' AND w.number IS NOT NULL AND w.sent_us IS NULL) LIMIT 1" },
    { .name = "network.settled",
      .help = "A write whose operation failed or was cancelled is settled, and nothing of it was taken.",
      .sql = "SELECT 'write ' || number || ' is ' || w.state FROM network_write w JOIN network_operation o"
             " USING (number) WHERE o.state IN ('failed', 'cancelled') AND (w.settled = 0 OR w.sent_us IS "
             "NOT NULL)"
             " LIMIT 1" },
    { .name = "network.effects",
      .help = "Whatever is under way has somebody who works on it.",
      .sql = "SELECT 'operation ' || number || ' is nobody''s work' FROM network_operation o WHERE state = "
             "'queued'"
             " AND NOT EXISTS (SELECT 1 FROM network_write w WHERE w.number = o.number) AND NOT EXISTS"
             " (SELECT 1 FROM effect WHERE kind = 'network.call' AND key = lower(hex(o.id)) AND effect.state "
             "= 'waiting')"
             " UNION ALL SELECT 'write ' || number || ' is nobody''s work' FROM network_write w JOIN "
             "network_link l"
             " ON l.id = w.link WHERE l.state <> 'idle' AND w.state = 'queued' AND NOT EXISTS"
             " (SELECT 1 FROM effect WHERE kind = 'network.prepare' AND key = w.link AND effect.state = "
             "'waiting')"
             " UNION ALL SELECT 'write ' || number || ' is nobody''s work' FROM network_write w"
             " JOIN network_link l ON l.id = w.link WHERE (w.state = 'sending' OR (l.state <> 'idle' AND "
             "w.state ="
             " 'ambiguous')) AND NOT EXISTS (SELECT 1 FROM effect WHERE kind = 'network.send'"
             " AND key IN ('link/' || w.link, 'write/' || w.number) AND effect.state = 'waiting') LIMIT 1" },
    { .name = "network.blocks",
      .help = "A link's stored blocks are a chain.",
      .sql = "SELECT 'block ' || b.height || ' of link ' || b.link FROM network_block b JOIN network_block p"
             " ON p.link = b.link AND p.height = b.height - 1 WHERE p.hash <> b.parent LIMIT 1" },
    { .name = "network.removed",
      .help = "Nothing is under way on a link that is removed.",
      .sql = "SELECT 'link ' || l.id FROM network_link l WHERE state = 'removed' AND (EXISTS"
             " (SELECT 1 FROM network_operation o WHERE o.link = l.id AND o.state = 'queued') OR EXISTS"
             " (SELECT 1 FROM network_write w WHERE w.link = l.id AND settled = 0)) LIMIT 1" },
};
