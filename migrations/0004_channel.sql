-- Channels as the base ledger has them: the adjudicator. Times are chain time in µs unless said otherwise.

CREATE TABLE channel (
  id                 BLOB PRIMARY KEY,           -- tagged hash of the fixed part
  fixed              BLOB    NOT NULL,           -- its encoding (src/crypto/channel.h)
  application        TEXT    NOT NULL,
  holding            BLOB    NOT NULL,           -- the account that holds its funds
  turn_record        INTEGER NOT NULL,           -- highest turn that a supported state showed
  state              BLOB,                       -- the state on record; once finalized, what the channel ended with
  outcome            BLOB,                       -- once finalized: the same with what is still owed
  finalizes_us       INTEGER,                    -- NULL: no challenge is running
  first_challenge_us INTEGER,                    -- of the dispute at hand
  challenger         INTEGER NOT NULL,           -- participant, or -1
  challenge_turn     INTEGER NOT NULL,
  cheaters           INTEGER NOT NULL,           -- bit i: participant i challenged with a state he knew to be old
  case_state         INTEGER NOT NULL,           -- 0 none, 1 open, 2 awarded, 3 lapsed
  evidence_until_us  INTEGER,                    -- of the arbitration case
  registered_seq     INTEGER NOT NULL UNIQUE,
  CHECK (case_state BETWEEN 0 AND 3),
  CHECK (outcome IS NULL OR state IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE TABLE channel_participant (
  account  BLOB    NOT NULL,
  channel  BLOB    NOT NULL REFERENCES channel,
  position INTEGER NOT NULL,
  PRIMARY KEY (account, channel)
) STRICT, WITHOUT ROWID;

-- Hash-locks of finalized channels that neither a preimage nor their expiry has resolved.
CREATE TABLE channel_hashlock (
  channel   BLOB    NOT NULL REFERENCES channel,
  lock      INTEGER NOT NULL,                    -- 0, 1, …: which of the outcome's hash-locks
  hash      BLOB    NOT NULL,
  expiry_us INTEGER NOT NULL,                    -- block time
  PRIMARY KEY (channel, lock)
) STRICT, WITHOUT ROWID;
CREATE INDEX channel_hashlock_hash ON channel_hashlock (hash);

-- Preimages shown to the ledger, with the time of their block: whoever needed one before a time can point to it.
CREATE TABLE preimage (
  hash        BLOB PRIMARY KEY,
  preimage    BLOB    NOT NULL,
  revealed_us INTEGER NOT NULL,                  -- block time
  seq         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE channel_case (
  channel BLOB PRIMARY KEY REFERENCES channel,
  opener  BLOB    NOT NULL,
  claim   TEXT    NOT NULL,
  award   BLOB,                                  -- the state that the arbiters signed
  fees    TEXT,                                  -- JSON: one amount an asset
  seq     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE channel_evidence (
  channel BLOB    NOT NULL REFERENCES channel,
  number  INTEGER NOT NULL,                      -- 1, 2, …
  account BLOB    NOT NULL,
  body    BLOB    NOT NULL,
  seq     INTEGER NOT NULL,
  PRIMARY KEY (channel, number)
) STRICT, WITHOUT ROWID;
