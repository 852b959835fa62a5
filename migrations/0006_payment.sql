-- Payments through channels: invoices, payments and their parts, hash-locks (HTLCs) of this node's channels, fee policies.

-- A staged state that lacks a signature which a key of the node gives (src/layer2/channel/step.h).
ALTER TABLE channel_local ADD COLUMN wants_signature INTEGER NOT NULL DEFAULT 0;
-- A dispute: the phase before it, and the event seq at which a challenge of this node's was asked for that is on its way.
ALTER TABLE channel_local ADD COLUMN phase_before INTEGER NOT NULL DEFAULT 3;
ALTER TABLE channel_local ADD COLUMN challenging INTEGER NOT NULL DEFAULT 0;
-- Until when it waits for turn 0's signatures or for a first deposit, and when what is staged has waited too long.
ALTER TABLE channel_local ADD COLUMN proposer BLOB;
ALTER TABLE channel_local ADD COLUMN expires_us INTEGER;
ALTER TABLE channel_local ADD COLUMN overdue_us INTEGER;
-- Of the two states: they may be long. NULL: to be computed.
ALTER TABLE channel_local ADD COLUMN supported_hash BLOB;
ALTER TABLE channel_local ADD COLUMN staged_hash BLOB;
CREATE INDEX channel_local_proposer ON channel_local (proposer) WHERE phase < 2;
CREATE INDEX channel_local_expiring ON channel_local (expires_us) WHERE expires_us IS NOT NULL;
CREATE INDEX channel_local_overdue ON channel_local (overdue_us) WHERE overdue_us IS NOT NULL;
-- Until when it is kept although the ledger does not know the channel.
ALTER TABLE tower_appointment ADD COLUMN expires_us INTEGER;
CREATE INDEX tower_appointment_expiring ON tower_appointment (expires_us) WHERE expires_us IS NOT NULL;

CREATE INDEX channel_local_unsigned ON channel_local (changed_us) WHERE wants_signature = 1;

-- Value on its way out of a channel that goes on: its state is the staged one of this turn, its signatures are of this turn and
-- over the withdrawal. The row outlives a rejection, until the ledger has this turn or a later one.
CREATE TABLE channel_withdrawal (
  channel  BLOB PRIMARY KEY REFERENCES channel_local,
  turn     INTEGER NOT NULL,
  payments BLOB    NOT NULL                      -- encoded allocations
) STRICT, WITHOUT ROWID;

-- What a participant asks for those who pay through his side of a channel, and whether they may.
CREATE TABLE payment_policy (
  channel  BLOB    NOT NULL REFERENCES channel_local,
  side     INTEGER NOT NULL CHECK (side IN (0, 1)),
  base     INTEGER NOT NULL,                     -- in the asset's smallest unit
  ppm      INTEGER NOT NULL,                     -- of what is passed on
  delta_us INTEGER NOT NULL,                     -- between the expiries of what comes in and what goes out
  enabled  INTEGER NOT NULL,
  PRIMARY KEY (channel, side)
) STRICT, WITHOUT ROWID;

-- Rows come in order of time and are found by random hashes: an index of hashes, and rows behind each other.
CREATE TABLE invoice (
  hash        BLOB PRIMARY KEY,                  -- SHA-256 of the preimage
  payee       BLOB    NOT NULL,
  asset       BLOB    NOT NULL,
  amount      INTEGER NOT NULL,                  -- 0: what the payer likes
  text        TEXT    NOT NULL,                  -- BOLT 11
  description TEXT,
  preimage    BLOB,                              -- NULL: a hold invoice whose preimage is not known here yet
  hold        INTEGER NOT NULL,                  -- settled by command
  state       INTEGER NOT NULL,                  -- src/layer2/payment/invoice_row.h
  received    INTEGER NOT NULL,
  expires_us  INTEGER NOT NULL,                  -- block time
  collect_us  INTEGER,                           -- until when the parts that lack may come; NULL: none has come
  created_us  INTEGER NOT NULL,
  ended_us    INTEGER,
  created_seq INTEGER NOT NULL UNIQUE
) STRICT;
CREATE INDEX invoice_open ON invoice (expires_us) WHERE state = 0;
CREATE INDEX invoice_collecting ON invoice (collect_us) WHERE collect_us IS NOT NULL;

CREATE TABLE payment (
  hash        BLOB PRIMARY KEY,
  payer       BLOB    NOT NULL,
  payee       BLOB    NOT NULL,
  asset       BLOB    NOT NULL,
  amount      INTEGER NOT NULL,                  -- that the payee is to get
  fee_limit   INTEGER NOT NULL,
  parts_most  INTEGER NOT NULL,
  state       INTEGER NOT NULL,                  -- src/layer2/payment/payment_row.h
  unrouted    INTEGER NOT NULL,                  -- 1: a route is to be looked for
  attempts    INTEGER NOT NULL,                  -- parts tried so far
  until_us    INTEGER NOT NULL,                  -- block time after which no new route is tried
  avoid       BLOB    NOT NULL,                  -- channels that failed it, 32 bytes each
  fee         INTEGER NOT NULL,                  -- paid so far
  first_hop   BLOB,                              -- a loop: the channels it leaves and comes home through
  last_hop    BLOB,
  failure     INTEGER NOT NULL,                  -- src/layer2/payment/failure.h
  preimage    BLOB,
  created_us  INTEGER NOT NULL,
  ended_us    INTEGER,
  created_seq INTEGER NOT NULL UNIQUE
) STRICT;
CREATE INDEX payment_unrouted ON payment (created_seq) WHERE unrouted = 1;

CREATE TABLE payment_part (
  hash    BLOB    NOT NULL REFERENCES payment,
  part    INTEGER NOT NULL,                      -- 1, 2, …
  state   INTEGER NOT NULL,
  amount  INTEGER NOT NULL,                      -- that reaches the payee
  fee     INTEGER NOT NULL,
  route   BLOB    NOT NULL,                      -- src/layer2/payment/payment_row.h
  hop     INTEGER,                               -- where it failed: 0 is the payer's channel
  failure INTEGER NOT NULL,
  PRIMARY KEY (hash, part)
) STRICT;

-- Hash-locks of this node's channels, from the wish to offer one to its end.
CREATE TABLE htlc (
  id         INTEGER PRIMARY KEY,
  channel    BLOB    NOT NULL REFERENCES channel_local,
  offerer    INTEGER NOT NULL CHECK (offerer IN (0, 1)),
  hash       BLOB    NOT NULL,
  amount     INTEGER NOT NULL,
  expiry_us  INTEGER NOT NULL,                   -- block time
  state      INTEGER NOT NULL,                   -- src/layer2/payment/htlc.h
  entered    INTEGER,                            -- turn and place at which it entered the channel's states
  part       INTEGER,                            -- of the payment `hash` that this node routes; NULL: a stranger's
  hop        INTEGER,
  last       INTEGER NOT NULL,                   -- 1: its recipient is whom the payment is for
  counts     INTEGER NOT NULL,                   -- 1: it counts for the invoice of its hash
  failure    INTEGER NOT NULL,
  warned     INTEGER NOT NULL,                   -- 1: the event htlc.expiring was recorded
  overdue    INTEGER NOT NULL,                   -- 1: past its expiry and still not resolved
  preimage   BLOB,
  changed_us INTEGER NOT NULL
) STRICT;
-- At most one HTLC for each hop of a part: nothing is forwarded twice. (Those of strangers have no part.)
CREATE UNIQUE INDEX htlc_hop ON htlc (hash, part, hop);
CREATE INDEX htlc_live ON htlc (channel) WHERE state < 5;
CREATE INDEX htlc_live_hash ON htlc (hash) WHERE state < 5;
CREATE INDEX htlc_expiry ON htlc (expiry_us) WHERE state < 5;
