-- The ledger: domains, accounts, assets, balances, postings, escrows. Amounts are in the asset's smallest unit.

CREATE TABLE domain (
  id   INTEGER PRIMARY KEY, -- 0 is the base ledger
  name TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL
) STRICT;
INSERT INTO domain (id, name, kind) VALUES (0, 'base', 'base');

-- Every account that ever held, issued or may claim anything, with its address, so that any SQL tool can show it.
CREATE TABLE account (
  id        BLOB PRIMARY KEY,      -- x-only key, or the id of what holds value in its own name (an escrow)
  address   TEXT    NOT NULL UNIQUE,
  kind      TEXT    NOT NULL,      -- 'key'; else what holds it: 'escrow', 'faucet'
  first_seq INTEGER NOT NULL       -- the event that explains it
) STRICT, WITHOUT ROWID;

CREATE TABLE asset (
  id          BLOB PRIMARY KEY,    -- tagged hash of chain and symbol
  symbol      TEXT    NOT NULL UNIQUE,
  name        TEXT    NOT NULL,
  decimals    INTEGER NOT NULL,
  issuer      BLOB    NOT NULL,
  supply      INTEGER NOT NULL CHECK (supply BETWEEN 0 AND max_supply),
  max_supply  INTEGER NOT NULL CHECK (max_supply <= 9007199254740991), -- 2^53 − 1
  metadata    TEXT,                -- JSON
  created_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE balance (
  domain  INTEGER NOT NULL REFERENCES domain (id),
  account BLOB    NOT NULL,
  asset   BLOB    NOT NULL,
  amount  INTEGER NOT NULL CHECK (amount > 0), -- a balance of nothing has no row
  PRIMARY KEY (domain, account, asset)
) STRICT, WITHOUT ROWID;

CREATE TABLE posting (
  domain  INTEGER NOT NULL,
  account BLOB    NOT NULL,
  seq     INTEGER NOT NULL,        -- the event that explains it
  entry   INTEGER NOT NULL,        -- 0, 1, … of this account within that event
  asset   BLOB    NOT NULL,
  amount  INTEGER NOT NULL,        -- signed: negative leaves the account
  balance INTEGER NOT NULL,        -- after it
  PRIMARY KEY (domain, account, seq, entry)
) STRICT, WITHOUT ROWID;

CREATE TABLE escrow (
  id          BLOB PRIMARY KEY,
  domain      INTEGER NOT NULL,
  asset       BLOB    NOT NULL,
  amount      INTEGER NOT NULL,
  sender      BLOB    NOT NULL,
  recipient   BLOB    NOT NULL,
  hash        BLOB    NOT NULL,    -- SHA-256 of the preimage
  deadline_us INTEGER NOT NULL,    -- block time
  state       TEXT    NOT NULL CHECK (state IN ('locked', 'claimed', 'refunded')),
  preimage    BLOB,                -- once claimed
  created_seq INTEGER NOT NULL,
  closed_seq  INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX escrow_created ON escrow (created_seq);
CREATE INDEX escrow_sender ON escrow (sender, created_seq);
CREATE INDEX escrow_recipient ON escrow (recipient, created_seq);
