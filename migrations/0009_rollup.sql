-- Rollups. The first four tables are the ledger's (replay rebuilds them); the others are what this node found out and keeps.

CREATE TABLE rollup (
  domain             INTEGER PRIMARY KEY,
  id                 BLOB    NOT NULL UNIQUE,
  operator           BLOB    NOT NULL,
  escrow             BLOB    NOT NULL,
  bond_asset         BLOB    NOT NULL,
  assets             INTEGER NOT NULL,
  frozen             INTEGER NOT NULL CHECK (frozen IN (0, 1)),
  clock_us           INTEGER NOT NULL,           -- chain time, as is here (on dev divided by 1000), like all below
  extension_us       INTEGER NOT NULL,
  step_extension_us  INTEGER NOT NULL,
  air_gap_us         INTEGER NOT NULL,
  payout_delay_us    INTEGER NOT NULL,
  bond               INTEGER NOT NULL,
  bond_numerator     INTEGER NOT NULL,
  bond_denominator   INTEGER NOT NULL,
  burn_ppm           INTEGER NOT NULL,
  challenge_us       INTEGER NOT NULL,
  forced_us          INTEGER NOT NULL,
  escape_us          INTEGER NOT NULL,
  jail_us            INTEGER NOT NULL,
  jailed_until_us    INTEGER NOT NULL,           -- 0: never was
  genesis_root       BLOB    NOT NULL,
  head               INTEGER NOT NULL,           -- number of the newest batch that stands; 0: none
  final              INTEGER NOT NULL,           -- of the newest final one
  created_seq        INTEGER NOT NULL
) STRICT;

CREATE TABLE batch (
  id              BLOB    PRIMARY KEY,
  domain          INTEGER NOT NULL REFERENCES rollup,
  number          INTEGER NOT NULL,
  parent          BLOB    NOT NULL,              -- 32 zero bytes for the first one
  previous_root   BLOB    NOT NULL,
  items_root      BLOB    NOT NULL,
  context         BLOB    NOT NULL,
  proposer        BLOB    NOT NULL,
  root            BLOB    NOT NULL,              -- as claimed, like the two below
  withdrawal_root BLOB    NOT NULL,
  withdrawals     INTEGER NOT NULL,
  inbox_from      INTEGER NOT NULL,
  inbox_to        INTEGER NOT NULL,
  items           INTEGER NOT NULL,
  bond            INTEGER NOT NULL,
  state           INTEGER NOT NULL CHECK (state BETWEEN 0 AND 6), -- src/layer2/rollup/rollup.h
  proposed_us     INTEGER NOT NULL,              -- chain time, like those below
  window_end_us   INTEGER NOT NULL,
  accepted_us     INTEGER NOT NULL,              -- 0: not yet
  ended_us        INTEGER NOT NULL,              -- 0: not yet
  created_seq     INTEGER NOT NULL
) STRICT;
-- One batch a number that stands.
CREATE UNIQUE INDEX batch_standing ON batch (domain, number) WHERE state < 4;
CREATE INDEX batch_order ON batch (domain, created_seq);

CREATE TABLE batch_data (
  batch BLOB PRIMARY KEY REFERENCES batch,
  data  BLOB NOT NULL                            -- its transactions, as published: a zlib stream
) STRICT;

-- Who took what out of a frozen rollup.
CREATE TABLE rollup_exit (
  domain  INTEGER NOT NULL REFERENCES rollup,
  account INTEGER NOT NULL,
  asset   INTEGER NOT NULL,
  amount  INTEGER NOT NULL,
  PRIMARY KEY (domain, account, asset)
) STRICT;

-- How far this node has executed a rollup; rollup_leaf has the state there.
CREATE TABLE rollup_lane (
  domain  INTEGER PRIMARY KEY REFERENCES rollup,
  batch   BLOB    NOT NULL,                      -- the newest batch executed; 32 zero bytes: none
  number  INTEGER NOT NULL,
  stalled TEXT                                   -- why no batch can be proposed, when that was told
) STRICT;

CREATE TABLE rollup_leaf (
  domain INTEGER NOT NULL,
  kind   INTEGER NOT NULL,                       -- src/layer2/rollup/leaf.h
  place  BLOB    NOT NULL,                       -- index (4), key (32) or nothing
  leaf   BLOB    NOT NULL,
  PRIMARY KEY (domain, kind, place)
) STRICT, WITHOUT ROWID;

-- What an executed batch that is not final changed.
CREATE TABLE rollup_undo (
  domain INTEGER NOT NULL,
  number INTEGER NOT NULL,
  kind   INTEGER NOT NULL,
  place  BLOB    NOT NULL,
  before BLOB,                                   -- NULL: nothing was there
  after  BLOB,
  PRIMARY KEY (domain, number, kind, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollup_verdict (
  batch           BLOB PRIMARY KEY REFERENCES batch,
  is_right        INTEGER NOT NULL CHECK (is_right IN (0, 1)),
  invalid         INTEGER NOT NULL CHECK (invalid IN (0, 1)),
  root            BLOB    NOT NULL,              -- what the batch truly leads to, unless it is invalid
  withdrawal_root BLOB    NOT NULL,
  withdrawals     INTEGER NOT NULL,
  item            INTEGER NOT NULL,              -- of an invalid one: which cannot be executed, and why
  fault           INTEGER NOT NULL
) STRICT;
CREATE INDEX rollup_verdict_wrong ON rollup_verdict (batch) WHERE is_right = 0;

-- Withdrawals executed so far, and the nodes of the tree over them.
CREATE TABLE rollup_withdrawal (
  domain    INTEGER NOT NULL,
  number    INTEGER NOT NULL,
  batch     INTEGER NOT NULL,                    -- its number
  asset     INTEGER NOT NULL,
  amount    INTEGER NOT NULL,
  recipient BLOB    NOT NULL,
  PRIMARY KEY (domain, number)
) STRICT;
CREATE TABLE rollup_outbox (
  domain INTEGER NOT NULL,
  level  INTEGER NOT NULL,
  node   INTEGER NOT NULL,                       -- covers leaves node·2^level …
  hash   BLOB    NOT NULL,
  PRIMARY KEY (domain, level, node)
) STRICT, WITHOUT ROWID;

-- The mempool, and what became of what was in it.
CREATE TABLE rollup_pending (
  number      INTEGER PRIMARY KEY,               -- in the order of coming
  id          BLOB    NOT NULL UNIQUE,
  domain      INTEGER NOT NULL REFERENCES rollup,
  sender      INTEGER NOT NULL,                  -- index of the account inside
  key         BLOB    NOT NULL,                  -- of that account, when the signature was verified
  nonce       INTEGER NOT NULL,
  body        BLOB,                              -- the transaction; NULL once its batch is final
  state       INTEGER NOT NULL,                  -- src/layer2/rollup/mempool.h
  batch       BLOB,                              -- that it is in
  fault       INTEGER NOT NULL,                  -- why it was dropped
  received_us INTEGER NOT NULL                   -- block time
) STRICT;
CREATE INDEX rollup_pending_order ON rollup_pending (domain, number) WHERE state = 0;
CREATE INDEX rollup_pending_sender ON rollup_pending (domain, sender, nonce) WHERE state = 0;
CREATE INDEX rollup_pending_batch ON rollup_pending (batch) WHERE batch IS NOT NULL;

CREATE TABLE rollup_sequencer (
  domain      INTEGER PRIMARY KEY REFERENCES rollup,
  enabled     INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  batch_items INTEGER NOT NULL,
  batch_bytes INTEGER NOT NULL,
  batch_us    INTEGER NOT NULL                   -- how long something waits at most
) STRICT;
