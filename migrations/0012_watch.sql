-- What the watcher may put at stake, and which items of an inbox were ever in a batch.

-- This node's own: whether it plays in games about a rollup's batches, and how far. Domain 0: all rollups without a row.
CREATE TABLE watch_policy (
  domain      INTEGER PRIMARY KEY,
  play        INTEGER NOT NULL CHECK (play IN (0, 1)),
  max_stake   INTEGER,                           -- of the bonds' asset, in all games of one rollup; NULL: not said
  max_lock_us INTEGER                            -- how long a bond may be held; NULL: not said
) STRICT;
-- Why it makes no move: funds, stake, lock or policy.
ALTER TABLE watcher_shortage ADD COLUMN reason TEXT NOT NULL DEFAULT 'funds';
-- Games that have not paid all their bonds.
CREATE INDEX game_unpaid ON game (domain) WHERE paid < claims;

-- Items from this number on were never in a batch: their deadlines come in their order.
ALTER TABLE message_domain ADD COLUMN included_to INTEGER NOT NULL DEFAULT 0;
UPDATE message_domain SET included_to =
  (SELECT coalesce(max(number) + 1, 0) FROM inbox WHERE inbox.domain = message_domain.domain);
