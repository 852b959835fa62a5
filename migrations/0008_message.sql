-- Messages between the base ledger and the domains above it.

-- A domain's account on the base ledger, and the newest final root of its outbox.
CREATE TABLE message_domain (
  domain INTEGER PRIMARY KEY REFERENCES domain (id),
  escrow BLOB    NOT NULL UNIQUE,
  root   BLOB,                       -- NULL: nothing has left yet
  count  INTEGER NOT NULL DEFAULT 0  -- withdrawals under it
) STRICT;

CREATE TABLE domain_asset (
  domain   INTEGER NOT NULL REFERENCES message_domain,
  number   INTEGER NOT NULL CHECK (number BETWEEN 0 AND 255), -- as the domain calls it
  asset    BLOB    NOT NULL REFERENCES asset (id),
  reserved INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0),  -- deposits queued or included, and credits
  PRIMARY KEY (domain, number),
  UNIQUE (domain, asset)
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox (
  domain      INTEGER NOT NULL REFERENCES message_domain,
  number      INTEGER NOT NULL,      -- 0, 1, … in each domain
  sender      BLOB    NOT NULL,
  asset       INTEGER NOT NULL,      -- of a deposit: number in the domain
  amount      INTEGER NOT NULL,      -- of a deposit; else 0
  payload     BLOB    NOT NULL,      -- what the domain executes
  deadline_us INTEGER NOT NULL,      -- chain time
  queued_us   INTEGER NOT NULL,      -- chain time
  state       TEXT    NOT NULL CHECK (state IN ('queued', 'included', 'done', 'refunded', 'dropped')),
  queued_seq  INTEGER NOT NULL,
  PRIMARY KEY (domain, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX inbox_queued ON inbox (domain, number) WHERE state = 'queued';
CREATE INDEX inbox_sender ON inbox (sender, domain, number);

-- A withdrawal that was claimed: its number is never claimed again.
CREATE TABLE withdrawal_claim (
  domain      INTEGER NOT NULL REFERENCES message_domain,
  number      INTEGER NOT NULL,
  asset       BLOB    NOT NULL,
  amount      INTEGER NOT NULL,
  recipient   BLOB    NOT NULL,
  claimed_seq INTEGER NOT NULL,
  PRIMARY KEY (domain, number)
) STRICT, WITHOUT ROWID;

-- What could not be paid, since its recipient is no account of a key; the value stays in the domain's account.
CREATE TABLE credit (
  id          INTEGER PRIMARY KEY,
  domain      INTEGER NOT NULL REFERENCES message_domain,
  asset       INTEGER NOT NULL,      -- number in the domain
  amount      INTEGER NOT NULL,
  recipient   BLOB    NOT NULL,
  created_seq INTEGER NOT NULL
) STRICT;
