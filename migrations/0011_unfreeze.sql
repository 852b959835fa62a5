-- Rollups that are un-frozen; proofs of withdrawals against earlier final roots; the end of what became of transactions.

-- Inbox items that do not end when the domain is frozen: the domain's own record of what left it.
ALTER TABLE inbox ADD COLUMN lasting INTEGER NOT NULL DEFAULT 0 CHECK (lasting IN (0, 1));
CREATE INDEX inbox_ending ON inbox (domain, number) WHERE state = 'queued' AND lasting = 0;

-- The newest final roots of each domain's outbox, by the number of withdrawals under them.
CREATE TABLE final_root (
  domain   INTEGER NOT NULL REFERENCES message_domain,
  count    INTEGER NOT NULL,
  root     BLOB    NOT NULL,
  position INTEGER NOT NULL,                     -- 1, 2, … in each domain; the oldest ones are forgotten
  PRIMARY KEY (domain, count),
  UNIQUE (domain, position)
) STRICT, WITHOUT ROWID;
INSERT INTO final_root (domain, count, root, position) SELECT domain, count, root, 1 FROM message_domain
 WHERE root IS NOT NULL;

ALTER TABLE rollup ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;           -- how often it was un-frozen
ALTER TABLE rollup ADD COLUMN unfreeze_us INTEGER NOT NULL DEFAULT 0;     -- from the announcement to the un-freezing
ALTER TABLE rollup ADD COLUMN unfreeze_at_us INTEGER NOT NULL DEFAULT 0;  -- 0: not announced
ALTER TABLE rollup ADD COLUMN unfrozen_us INTEGER NOT NULL DEFAULT 0;     -- when it was the last time; 0: never
ALTER TABLE rollup ADD COLUMN exits_end INTEGER NOT NULL DEFAULT 0;       -- inbox items that a batch reaches to at least
UPDATE rollup SET unfreeze_us = escape_us;

CREATE TABLE rollup_asset (
  domain      INTEGER NOT NULL REFERENCES rollup,
  number      INTEGER NOT NULL,
  deposit_min INTEGER NOT NULL,
  PRIMARY KEY (domain, number)
) STRICT, WITHOUT ROWID;
INSERT INTO rollup_asset (domain, number, deposit_min) SELECT domain, number, 1 FROM domain_asset
 JOIN rollup USING (domain);

-- Who took what out of a frozen rollup, and the inbox item that takes it from the account inside.
ALTER TABLE rollup_exit RENAME TO rollup_exit_before;
CREATE TABLE rollup_exit (
  domain  INTEGER NOT NULL REFERENCES rollup,
  account INTEGER NOT NULL,
  asset   INTEGER NOT NULL,
  epoch   INTEGER NOT NULL,
  amount  INTEGER NOT NULL,
  item    INTEGER,                               -- NULL: of an older version, that had none
  PRIMARY KEY (domain, account, asset, epoch)
) STRICT;
CREATE UNIQUE INDEX rollup_exit_item ON rollup_exit (domain, item);
INSERT INTO rollup_exit (domain, account, asset, epoch, amount) SELECT domain, account, asset, 0, amount
 FROM rollup_exit_before;
DROP TABLE rollup_exit_before;

-- What became of transactions is told for a while.
CREATE INDEX rollup_pending_dropped ON rollup_pending (number) WHERE state = 2;
