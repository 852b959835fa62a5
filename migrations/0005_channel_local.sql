-- Channels as this node's participants see them: off-chain states, signatures, policies; and what it watches for others.

CREATE TABLE channel_local (
  id          BLOB PRIMARY KEY,
  fixed       BLOB    NOT NULL,
  phase       INTEGER NOT NULL,                  -- src/layer2/channel/life.h
  supported   BLOB,                              -- newest state that all signed
  staged      BLOB,                              -- proposed, not signed by all yet
  staged_by   INTEGER,                           -- participant who proposed it
  next_turn   INTEGER NOT NULL,                  -- what the next proposal must carry
  parents     BLOB    NOT NULL,                  -- ids of the channels that fund it, 32 bytes each
  changed_us  INTEGER NOT NULL,                  -- block time of the last change
  created_seq INTEGER NOT NULL UNIQUE,
  CHECK ((staged IS NULL) = (staged_by IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX channel_local_early ON channel_local (phase) WHERE phase < 2; -- proposed, funding

-- Of the newest supported and the staged state: one signature a turn and participant, never two.
CREATE TABLE channel_signature (
  channel     BLOB    NOT NULL REFERENCES channel_local,
  turn        INTEGER NOT NULL,
  participant INTEGER NOT NULL,
  hash        BLOB    NOT NULL,                  -- of the state
  signature   BLOB    NOT NULL,
  PRIMARY KEY (channel, turn, participant)
) STRICT, WITHOUT ROWID;

-- Participants who signed two states with one turn, with both signatures.
CREATE TABLE channel_equivocation (
  channel      BLOB    NOT NULL,
  turn         INTEGER NOT NULL,
  participant  INTEGER NOT NULL,
  first_hash   BLOB    NOT NULL,
  first        BLOB    NOT NULL,
  second_hash  BLOB    NOT NULL,
  second       BLOB    NOT NULL,
  seq          INTEGER NOT NULL,
  PRIMARY KEY (channel, turn, participant)
) STRICT, WITHOUT ROWID;

-- What the keystore's keys countersign: 0 never, 1 safe, 2 always. A channel of 32 zero bytes is the rule for all others.
CREATE TABLE channel_policy (
  account BLOB    NOT NULL,
  channel BLOB    NOT NULL,
  policy  INTEGER NOT NULL CHECK (policy BETWEEN 0 AND 2),
  PRIMARY KEY (account, channel)
) STRICT, WITHOUT ROWID;

CREATE TABLE tower_appointment (
  channel    BLOB PRIMARY KEY,
  fixed      BLOB    NOT NULL,
  turn       INTEGER NOT NULL,
  proof      TEXT    NOT NULL,                   -- the checkpoint's parameters, JSON
  number     INTEGER NOT NULL UNIQUE,            -- 1, 2, … of all receipts given
  receipt    BLOB    NOT NULL,                   -- the node account's signature
  updated_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The highest voucher of each channel with vouchers: how much in all the payer has promised.
CREATE TABLE channel_voucher (
  channel    BLOB PRIMARY KEY REFERENCES channel_local,
  amount     INTEGER NOT NULL,
  signature  BLOB    NOT NULL,                   -- the payer's
  updated_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
