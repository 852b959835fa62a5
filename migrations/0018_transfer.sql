-- Transfers between ledgers, all local: what this node moves for its providers and for accounts that ask.

-- Accounts of this node that lend their value on the other side, for a fee.
CREATE TABLE transfer_provider (
  account        BLOB PRIMARY KEY,
  name           TEXT    NOT NULL UNIQUE,
  paused         INTEGER NOT NULL,               -- 1: nothing new is begun
  registered_seq INTEGER NOT NULL UNIQUE
) STRICT;

-- What a provider offers: one row for an asset and a way.
CREATE TABLE transfer_terms (
  provider      BLOB    NOT NULL REFERENCES transfer_provider,
  asset         BLOB    NOT NULL,
  source        TEXT    NOT NULL,                -- 'base', 'channel', 'evm:LINK', 'lightning:LINK'
  destination   TEXT    NOT NULL,
  fee_fixed     INTEGER NOT NULL,                -- in the asset's smallest unit
  fee_ppm       INTEGER NOT NULL,
  least         INTEGER NOT NULL,                -- of one transfer
  most          INTEGER NOT NULL,
  account_daily INTEGER NOT NULL,                -- of one account a day
  daily         INTEGER NOT NULL,                -- of all together a day
  outside       TEXT,                            -- JSON: what the outside network asks (src/layer2/transfer/README.md)
  changed_seq   INTEGER NOT NULL,
  PRIMARY KEY (provider, asset, source, destination)
) STRICT, WITHOUT ROWID;

-- What was begun on a day (UTC), and not taken back: by account, and under the empty account by all together.
CREATE TABLE transfer_volume (
  provider BLOB    NOT NULL,
  asset    BLOB    NOT NULL,
  account  BLOB    NOT NULL,
  day      INTEGER NOT NULL,                     -- since 1970
  amount   INTEGER NOT NULL CHECK (amount >= 0),
  PRIMARY KEY (provider, asset, account, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE transfer_quote (
  id          BLOB PRIMARY KEY,                  -- of the transaction that asked for it
  account     BLOB    NOT NULL,
  provider    BLOB    NOT NULL,
  asset       BLOB    NOT NULL,
  source      TEXT    NOT NULL,
  destination TEXT    NOT NULL,
  amount      INTEGER NOT NULL,                  -- that arrives
  fee         INTEGER NOT NULL,                  -- that the provider keeps
  expires_us  INTEGER NOT NULL,                  -- block time
  transfer    BLOB,                              -- which used it
  created_seq INTEGER NOT NULL UNIQUE
) STRICT;
CREATE INDEX transfer_quote_account ON transfer_quote (account, expires_us) WHERE transfer IS NULL;

CREATE TABLE transfer (
  id            BLOB PRIMARY KEY,                -- of the transaction that started it
  account       BLOB    NOT NULL,
  provider      BLOB    NOT NULL,
  asset         BLOB    NOT NULL,
  amount        INTEGER NOT NULL,                -- that arrives
  fee           INTEGER NOT NULL,
  hash          BLOB    NOT NULL UNIQUE,         -- SHA-256 of the secret: no secret serves twice
  secret        INTEGER NOT NULL,                -- src/layer2/transfer/rows.h: who has it
  preimage      BLOB,                            -- once it was shown or given
  state         INTEGER NOT NULL,                -- src/layer2/transfer/rules.h
  cancelled     INTEGER NOT NULL,
  reason        TEXT,                            -- why the last step failed, or why it ended so
  quote         BLOB,
  lock_until_us INTEGER NOT NULL,                -- a source that is not locked by then is too late
  day           INTEGER NOT NULL,                -- whose volume it counts in; −1: it was taken back
  due_us        INTEGER,                         -- when to look again; NULL: ended
  started_us    INTEGER NOT NULL,
  ended_us      INTEGER,
  created_seq   INTEGER NOT NULL UNIQUE,
  CHECK ((state >= 4) = (ended_us IS NOT NULL)),
  CHECK ((state >= 4) = (due_us IS NULL))
) STRICT;
CREATE INDEX transfer_due ON transfer (due_us) WHERE due_us IS NOT NULL;
CREATE INDEX transfer_account ON transfer (account, created_seq);

-- Its two locks.
CREATE TABLE transfer_leg (
  transfer  BLOB    NOT NULL REFERENCES transfer,
  side      INTEGER NOT NULL CHECK (side IN (0, 1)), -- 0 source, 1 destination
  place     TEXT    NOT NULL,                    -- 'base', 'channel', 'evm:LINK', 'lightning:LINK'
  sender    TEXT    NOT NULL,                    -- as that ledger writes it
  recipient TEXT    NOT NULL,
  asset     TEXT    NOT NULL,
  amount    TEXT    NOT NULL,                    -- decimal, in the smallest unit there
  expiry_us INTEGER NOT NULL,                    -- agreed, then as the ledger has it
  sight     INTEGER NOT NULL,                    -- src/layer2/transfer/rules.h: what its ledger shows
  asked     INTEGER NOT NULL,                    -- 1: a lock of this node's may be on its way
  refused   INTEGER NOT NULL,                    -- 1: its ledger refused that for good
  acting    INTEGER NOT NULL,                    -- which action is under way; 0: none
  acted     INTEGER NOT NULL,                    -- the one before
  tries     INTEGER NOT NULL,
  again_us  INTEGER NOT NULL,                    -- that one is not done again before
  reference TEXT,                                -- the escrow's id, the payment's hash, the lock's id
  detail    TEXT,                                -- JSON: what the leg keeps for itself
  PRIMARY KEY (transfer, side)
) STRICT, WITHOUT ROWID;

-- Locks are found by their hash.
CREATE INDEX escrow_hash ON escrow (hash);
