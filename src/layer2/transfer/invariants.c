/* What always holds of transfers: see invariants.h. Numbers are those of rules.h: states 3 claimed, 4
 * settled, 5 refunded, 6 expired, 7 cancelled, 8 failed, 9 lost; sights 2, 3 held, 4, 5 claimed, 6 returned.
 * */
#include "layer2/transfer/invariants.h"

#include <stdio.h>

#include "crypto/hash.h"
#include "kernel/query.h"
#include "layer2/transfer/rules.h"

static const char place[] =
    "SELECT printf('transfer %s: its %s is %d and the escrow %s', lower(hex(t.id)),"
    "              iif(l.side = 0, 'source', 'destination'), l.sight, e.state)"
    "  FROM transfer AS t JOIN transfer_leg AS l ON l.transfer = t.id AND l.place = 'base'"
    "  JOIN escrow AS e ON lower(hex(e.id)) = l.reference"
    " WHERE t.due_us IS NOT NULL AND l.sight >= 2"
    "   AND (e.state <> CASE l.sight WHEN 3 THEN 'locked' WHEN 5 THEN 'claimed' ELSE 'refunded' END"
    "        OR e.hash <> t.hash OR e.amount <> cast(l.amount AS INTEGER) OR e.deadline_us <> l.expiry_us)";

static const char both[] =
    "SELECT printf('transfer %s is in the state %d with locks %d and %d', lower(hex(t.id)), t.state, s.sight,"
    "              d.sight)"
    "  FROM transfer AS t JOIN transfer_leg AS s ON s.transfer = t.id AND s.side = 0"
    "  JOIN transfer_leg AS d ON d.transfer = t.id AND d.side = 1"
    " WHERE (t.state = 4 AND (s.sight <> 5 OR d.sight <> 5))"
    "    OR (t.state = 3 AND d.sight < 4)"
    "    OR (t.state = 5 AND (s.sight NOT IN (1, 6) OR d.sight NOT IN (0, 1, 6)))"
    "    OR (t.state IN (6, 7, 8) AND (s.sight > 1 OR d.sight > 1))"
    "    OR (t.state = 9 AND (s.sight = 5) = (d.sight = 5))"
    "    OR (t.state = 0 AND d.sight > 1)";

static const char order[] =
    "SELECT printf('transfer %s: its source ends at %d and its destination at %d', lower(hex(t.id)),"
    "              s.expiry_us, d.expiry_us)"
    "  FROM transfer AS t JOIN transfer_leg AS s ON s.transfer = t.id AND s.side = 0"
    "  JOIN transfer_leg AS d ON d.transfer = t.id AND d.side = 1"
    " WHERE d.asked = 1 AND d.expiry_us >= s.expiry_us";

static const char secret[] =
    "SELECT printf('transfer %s: a side was claimed, and nobody knows by what', lower(hex(t.id)))"
    "  FROM transfer AS t JOIN transfer_leg AS l ON l.transfer = t.id"
    " WHERE l.sight IN (4, 5) AND t.preimage IS NULL AND t.state NOT IN (6, 7, 8)";

static const char volume[] =
    "SELECT printf('the volume of day %d is %d and its transfers have %d', v.day, v.amount, v.moved)"
    "  FROM (SELECT w.day, w.amount, (SELECT coalesce(sum(t.amount), 0) FROM transfer AS t"
    "                                  WHERE t.provider = w.provider AND t.asset = w.asset AND t.day = w.day"
    "                                    AND (w.account = x'' OR t.account = w.account)) AS moved"
    "          FROM transfer_volume AS w) AS v"
    " WHERE v.amount <> v.moved";

static const char awaited[] =
    "SELECT printf('transfer %s waits for its source in the state %d', lower(hex(id)), state) FROM transfer"
    " WHERE awaited = 1 AND state <> 0"
    " UNION ALL SELECT printf('%d transfers of the account %s wait for their source', count(*),"
    "                         lower(hex(account))) FROM transfer WHERE awaited = 1"
    " GROUP BY account HAVING count(*) > 16"
    " UNION ALL SELECT printf('%d transfers by the provider %s wait for their source', count(*),"
    "                         lower(hex(provider))) FROM transfer WHERE awaited = 1"
    " GROUP BY provider HAVING count(*) > 256";

_Static_assert(AWAITED_ACCOUNT_MOST == 16 && AWAITED_PROVIDER_MOST == 256, "the numbers in the SQL");

static const char proved[] =
    "SELECT printf('the proof of transfer %s that event %d names is another one', lower(hex(p.transfer)),"
    "              p.seq)"
    "  FROM transfer_network_proof AS p LEFT JOIN event AS e ON e.seq = p.seq"
    " WHERE p.state = 1 AND (e.type IS NULL OR e.type <> 'transfer.proved'"
    "                        OR e.subject <> 'transfer/' || lower(hex(p.transfer)))";

static enum status check_preimages(struct query *q, char *violation, size_t size)
{
    struct statement *s =
        statement(q->database, "SELECT created_seq, hash, preimage FROM transfer WHERE preimage IS NOT NULL");
    struct hash hash, preimage, expected;

    while (statement_row(s)) {
        column_fixed(s, "hash", hash.bytes, sizeof(hash.bytes));
        column_fixed(s, "preimage", preimage.bytes, sizeof(preimage.bytes));
        sha256(&expected, preimage.bytes, sizeof(preimage.bytes));
        if (hash_equal(&expected, &hash))
            continue;
        snprintf(violation, size, "the transfer of event %lld has a preimage of another hash",
                 (long long)column_integer(s, "created_seq"));
        statement_finish(s);
        return OK;
    }
    return OK;
}

const struct invariant transfer_invariants[TRANSFER_INVARIANTS] = {
    { "transfer.place", "What a transfer says of its locks is what the ledger holds.", .sql = place },
    { "transfer.both", "Both sides of a transfer are claimed, or neither is; who was late bears it.",
      .sql = both },
    { "transfer.order", "The source is locked for longer than the destination.", .sql = order },
    { "transfer.secret", "Nothing is claimed but by a secret that is on record.", .sql = secret },
    { "transfer.preimages", "The preimage on record is that of the hash.", .check = check_preimages },
    { "transfer.awaited", "What waits for its account's lock is not locked, and within bounds.",
      .sql = awaited },
    { "transfer.proved", "A network's proof that is kept is one that the log names.", .sql = proved },
    { "transfer.volume", "A day's volume is the sum of that day's transfers.", .sql = volume },
};
