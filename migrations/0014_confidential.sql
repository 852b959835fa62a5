-- Confidential pools on the base ledger: notes whose owners and amounts nobody sees.

-- One for each asset of which something was ever shielded. What all its notes hold together lies in its account.
CREATE TABLE confidential_pool (
  id         INTEGER PRIMARY KEY,
  asset      BLOB    NOT NULL UNIQUE REFERENCES asset (id),
  account    BLOB    NOT NULL UNIQUE,
  held       INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),   -- shielded less unshielded
  notes      INTEGER NOT NULL DEFAULT 0,
  images     INTEGER NOT NULL DEFAULT 0,                      -- notes that are spent; nobody knows which
  opened_seq INTEGER NOT NULL
) STRICT;

-- Notes are never changed and never go away: a spent one still serves in the rings of others.
CREATE TABLE note (
  pool        INTEGER NOT NULL REFERENCES confidential_pool,
  number      INTEGER NOT NULL,                              -- 0, 1, … in each pool
  key         BLOB    NOT NULL UNIQUE CHECK (length(key) = 32),
  commitment  BLOB    NOT NULL CHECK (length(commitment) = 32),
  amount      INTEGER CHECK (amount > 0),                    -- of a note that was put in in public; else NULL
  sealed      BLOB,                                          -- for the recipient
  created_seq INTEGER NOT NULL,
  PRIMARY KEY (pool, number)
) STRICT, WITHOUT ROWID;

-- The key image of a spent note: it is never taken again.
CREATE TABLE key_image (
  image     BLOB    PRIMARY KEY CHECK (length(image) = 32),
  pool      INTEGER NOT NULL REFERENCES confidential_pool,
  spent_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What left a pool in public.
CREATE TABLE unshielding (
  seq       INTEGER PRIMARY KEY,                             -- of the event
  pool      INTEGER NOT NULL REFERENCES confidential_pool,
  amount    INTEGER NOT NULL CHECK (amount > 0),
  recipient BLOB    NOT NULL
) STRICT;
CREATE INDEX unshielding_pool ON unshielding (pool, seq);

-- --- this node's own wallets; not part of the base ledger ---------------------------------------------------

-- How far the wallet of a key has read a pool: notes below `scanned` are known to be its own or not.
CREATE TABLE own_scan (
  owner   BLOB    NOT NULL,
  pool    INTEGER NOT NULL,
  scanned INTEGER NOT NULL,
  PRIMARY KEY (owner, pool)
) STRICT, WITHOUT ROWID;

-- What a wallet has sent. The transaction stands in the effect that brings it in.
CREATE TABLE own_payment (
  id          INTEGER PRIMARY KEY,
  owner       BLOB    NOT NULL,
  pool        INTEGER NOT NULL,
  kind        TEXT    NOT NULL CHECK (kind IN ('send', 'withdraw')),
  amount      INTEGER NOT NULL,
  recipient   TEXT    NOT NULL,                              -- a confidential address, or an account's
  state       TEXT    NOT NULL CHECK (state IN ('submitted', 'done', 'failed')),
  failure     TEXT,                                          -- name of the error
  "transaction" BLOB  NOT NULL UNIQUE,                       -- its id
  made_us     INTEGER NOT NULL
) STRICT;

CREATE TABLE own_note (
  owner   BLOB    NOT NULL,
  pool    INTEGER NOT NULL,
  number  INTEGER NOT NULL,
  amount  INTEGER NOT NULL,
  image   BLOB    NOT NULL,                                  -- on record in key_image once it is spent
  payment INTEGER REFERENCES own_payment,                    -- that spends it, unless that failed
  PRIMARY KEY (owner, pool, number)
) STRICT, WITHOUT ROWID;
