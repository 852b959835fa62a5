-- The store and the kernel: facts about the node, the event log with its tree and checkpoints, cursors, blocks,
-- transactions, deadlines and effects. Times are microseconds since 1970 UTC; ids and hashes are BLOBs.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- --- event log ------------------------------------------------------------------------------------------------------

CREATE TABLE event (
  seq     INTEGER PRIMARY KEY,
  block   INTEGER NOT NULL,
  time_us INTEGER NOT NULL,
  type    TEXT    NOT NULL,
  subject TEXT,
  body    TEXT    NOT NULL,
  last    INTEGER NOT NULL,
  hash    BLOB    NOT NULL
) STRICT;
CREATE INDEX event_subject ON event (subject, seq) WHERE subject IS NOT NULL;

-- Seat-belts: they stop accidents. Tampering is found by the hash chain and the signed checkpoints.
CREATE TRIGGER event_only_next BEFORE INSERT ON event
  WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM event)
  BEGIN SELECT raise(ABORT, 'event: only the next seq may be inserted'); END;
CREATE TRIGGER event_no_update BEFORE UPDATE ON event BEGIN SELECT raise(ABORT, 'event: rows never change'); END;
CREATE TRIGGER event_no_delete BEFORE DELETE ON event BEGIN SELECT raise(ABORT, 'event: rows are never deleted'); END;

CREATE TABLE tree_tile (
  level INTEGER NOT NULL, -- 8, 16, 24 …: the root of 2^level leaves
  idx   INTEGER NOT NULL,
  hash  BLOB    NOT NULL,
  PRIMARY KEY (level, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoint (
  size    INTEGER PRIMARY KEY, -- events covered
  root    BLOB    NOT NULL,
  time_us INTEGER NOT NULL,
  note    TEXT    NOT NULL     -- C2SP tlog-checkpoint, signed
) STRICT;

CREATE TABLE cursor (
  name         TEXT PRIMARY KEY,
  owner_uid    INTEGER NOT NULL,
  acknowledged INTEGER NOT NULL,
  updated_us   INTEGER NOT NULL,
  max_lag      INTEGER NOT NULL,
  filter       TEXT
) STRICT, WITHOUT ROWID;

-- --- the base ledger's machine ------------------------------------------------------------------------------------------

CREATE TABLE block (
  height        INTEGER PRIMARY KEY,
  time_us       INTEGER NOT NULL, -- block time
  chain_time_us INTEGER NOT NULL, -- grows by at most 60 s a block
  advanced_us   INTEGER NOT NULL, -- all that dev.advance_time has added so far
  transactions  INTEGER NOT NULL,
  events        INTEGER NOT NULL, -- base events only
  first_seq     INTEGER NOT NULL, -- the first seq that this block's batch could write
  content       BLOB    NOT NULL, -- hash of its transactions' ids and base events
  previous      BLOB    NOT NULL,
  hash          BLOB    NOT NULL
) STRICT;

CREATE TABLE signed_transaction (
  number    INTEGER PRIMARY KEY,  -- 1, 2, … in order of execution
  id        BLOB    NOT NULL UNIQUE,
  block     INTEGER NOT NULL,
  account   BLOB    NOT NULL,
  method    TEXT    NOT NULL,
  body      TEXT    NOT NULL,     -- the canonical JSON that was signed
  signature BLOB    NOT NULL,
  result    TEXT    NOT NULL,     -- what the caller was told
  first_seq INTEGER NOT NULL,     -- its events: first_seq … last_seq; none when last_seq < first_seq
  last_seq  INTEGER NOT NULL
) STRICT;

CREATE TABLE deadline (
  id      INTEGER PRIMARY KEY,
  clock   INTEGER NOT NULL,       -- 0 block time, 1 chain time
  due_us  INTEGER NOT NULL,
  kind    TEXT    NOT NULL,
  subject BLOB    NOT NULL,
  UNIQUE (kind, subject)
) STRICT;
CREATE INDEX deadline_due ON deadline (clock, due_us, id);

-- --- this node's own work -------------------------------------------------------------------------------------------------

CREATE TABLE effect (
  id         INTEGER PRIMARY KEY,
  kind       TEXT    NOT NULL,
  key        TEXT    NOT NULL,     -- idempotency key
  request    TEXT    NOT NULL,     -- JSON
  state      TEXT    NOT NULL CHECK (state IN ('waiting', 'done', 'failed')),
  attempts   INTEGER NOT NULL,
  next_us    INTEGER NOT NULL,     -- not before
  result     TEXT,                 -- JSON, once it ended
  created_us INTEGER NOT NULL,
  ended_us   INTEGER,
  UNIQUE (kind, key)
) STRICT;
CREATE INDEX effect_waiting ON effect (next_us) WHERE state = 'waiting';
