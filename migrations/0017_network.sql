-- Outside networks: links, operations, writes, blocks, verdicts; all local. And effects that wait: which of them run, and
-- which are due, found kind by kind.

ALTER TABLE effect ADD COLUMN running INTEGER NOT NULL DEFAULT 0;  -- 1: handed to a thread
DROP INDEX effect_waiting;
CREATE INDEX effect_waiting ON effect (id) WHERE state = 'waiting';
CREATE INDEX effect_due ON effect (kind, next_us) WHERE state = 'waiting' AND running = 0;
CREATE INDEX effect_running ON effect (id) WHERE state = 'waiting' AND running = 1;

CREATE TABLE network_link (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT    NOT NULL,
  network    TEXT    NOT NULL,
  options    TEXT    NOT NULL,              -- JSON; a URL in it may hold a provider's key
  key        TEXT,                          -- name in the keystore
  public_key BLOB,                          -- 33 bytes
  poll_us    INTEGER NOT NULL,              -- between looks at an unsettled write, at first
  health_us  INTEGER NOT NULL,              -- between looks at the server
  state      TEXT    NOT NULL CHECK (state IN ('idle', 'connecting', 'connected', 'degraded', 'lost', 'removed')),
  failures   INTEGER NOT NULL,              -- in a row
  gaps       INTEGER NOT NULL DEFAULT 0,    -- sequences of writes that came to nothing
  error      TEXT,                          -- the newest one, while the link is degraded or lost
  chain      TEXT,                          -- as the server told when it was connected
  version    TEXT,
  account    TEXT,
  changed_us INTEGER NOT NULL,              -- when the state became what it is
  CHECK ((key IS NULL) = (public_key IS NULL))
) STRICT;
CREATE UNIQUE INDEX network_link_name ON network_link (name) WHERE state <> 'removed';

CREATE TABLE network_operation (
  number      INTEGER PRIMARY KEY AUTOINCREMENT,
  id          BLOB    NOT NULL UNIQUE,      -- 16 bytes, random
  link        INTEGER NOT NULL REFERENCES network_link (id),
  operation   TEXT    NOT NULL,
  request     TEXT    NOT NULL,             -- JSON
  request_key TEXT,                         -- the client's: the same again is the same operation
  timeout_us  INTEGER NOT NULL,             -- of one attempt
  state       TEXT    NOT NULL CHECK (state IN ('queued', 'done', 'failed', 'cancelled')),
  result      TEXT,                         -- JSON
  code        INTEGER,                      -- of the error
  error       TEXT,
  asked_us    INTEGER NOT NULL,
  ended_us    INTEGER,
  CHECK ((state = 'queued') = (ended_us IS NULL)),
  CHECK ((state = 'done') = (result IS NOT NULL)),
  CHECK ((state IN ('failed', 'cancelled')) = (error IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX network_operation_request ON network_operation (link, request_key) WHERE request_key IS NOT NULL;
CREATE INDEX network_operation_queued ON network_operation (link, number) WHERE state = 'queued';

CREATE TABLE network_write (
  number         INTEGER PRIMARY KEY REFERENCES network_operation (number),
  link           INTEGER NOT NULL REFERENCES network_link (id),
  kind           TEXT    NOT NULL CHECK (kind IN ('submit', 'issue', 'transfer')),
  state          TEXT    NOT NULL CHECK (state IN ('queued', 'prepared', 'sending', 'ambiguous', 'sent', 'pending',
                                                   'confirmed', 'final', 'failed', 'rejected', 'dropped', 'cancelled')),
  settled        INTEGER NOT NULL,          -- 1: nothing more is to come
  transaction_id TEXT,                      -- there
  label          TEXT,                      -- natural key there
  raw            BLOB,                      -- what is sent, once it is prepared
  sequence       INTEGER,                   -- nonce
  asset          TEXT,
  details        TEXT,                      -- JSON
  retries        INTEGER NOT NULL,          -- of prepare, and then of send, in a row
  sends          INTEGER NOT NULL,          -- how often sending began
  give_up_us     INTEGER NOT NULL,          -- not prepared by then: it fails
  sent_us        INTEGER,                   -- when the network took it
  unknown_us     INTEGER,                   -- since when the network knows nothing of it
  finality       TEXT    CHECK (finality IN ('none', 'soft', 'safe', 'final')),
  confirmations  INTEGER,
  height         INTEGER,
  block          TEXT,
  reason         TEXT,
  CHECK (state IN ('queued', 'rejected', 'dropped', 'cancelled', 'failed') OR raw IS NOT NULL),
  CHECK (settled = 0 OR state IN ('final', 'failed', 'rejected', 'dropped', 'cancelled'))
) STRICT;
CREATE INDEX network_write_queued ON network_write (link, number) WHERE state = 'queued';
CREATE INDEX network_write_lane ON network_write (link, sequence) WHERE state IN ('prepared', 'ambiguous');
CREATE INDEX network_write_sending ON network_write (link) WHERE state = 'sending';
CREATE UNIQUE INDEX network_write_sequence ON network_write (link, sequence) WHERE sequence IS NOT NULL AND settled = 0;
CREATE INDEX network_write_open ON network_write (link, number) WHERE settled = 0;
CREATE INDEX network_write_transaction ON network_write (link, transaction_id) WHERE transaction_id IS NOT NULL;

CREATE TABLE network_block (
  link   INTEGER NOT NULL REFERENCES network_link (id),
  height INTEGER NOT NULL,
  hash   TEXT    NOT NULL,
  parent TEXT    NOT NULL,
  time_s INTEGER NOT NULL,
  PRIMARY KEY (link, height)
) STRICT, WITHOUT ROWID;

CREATE TABLE network_verdict (
  number  INTEGER PRIMARY KEY REFERENCES network_operation (number),
  link    INTEGER NOT NULL REFERENCES network_link (id),
  kind    TEXT    NOT NULL CHECK (kind IN ('proof', 'claim')),
  hash    BLOB    NOT NULL,                 -- SHA-256 of the text
  verdict TEXT    NOT NULL CHECK (verdict IN ('valid', 'invalid', 'unverifiable')),
  anchor  TEXT    NOT NULL CHECK (anchor IN ('none', 'work', 'federation', 'signature', 'checkpoint', 'node')),
  reason  TEXT
) STRICT;
