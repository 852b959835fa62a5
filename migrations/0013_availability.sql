-- Where the data of a rollup's batches lies: on the ledger, or with a committee, who give it out when they are challenged. The
-- first three tables are the ledger's; the others are this node's own. Times are chain time in µs unless said.
ALTER TABLE rollup ADD COLUMN availability INTEGER NOT NULL DEFAULT 0 CHECK (availability IN (0, 1)); -- src/layer2/rollup/rollup.h
ALTER TABLE rollup ADD COLUMN committee_threshold INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollup ADD COLUMN availability_us INTEGER NOT NULL DEFAULT 0; -- time to answer a challenge
ALTER TABLE rollup ADD COLUMN availability_bond INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batch ADD COLUMN data_state INTEGER NOT NULL DEFAULT 0 CHECK (data_state BETWEEN 0 AND 2);
ALTER TABLE batch ADD COLUMN data_hash BLOB;     -- of what a committee vouched for; NULL: published from the beginning
ALTER TABLE batch ADD COLUMN data_size INTEGER NOT NULL DEFAULT 0;
CREATE INDEX batch_unpublished ON batch (domain, number) WHERE data_state > 0 AND state < 2;

CREATE TABLE rollup_committee (
  domain INTEGER NOT NULL REFERENCES rollup,
  number INTEGER NOT NULL,                       -- 0, 1, … in the order given
  member BLOB    NOT NULL,
  PRIMARY KEY (domain, number),
  UNIQUE (domain, member)
) STRICT, WITHOUT ROWID;

CREATE TABLE batch_attestation (
  batch     BLOB NOT NULL REFERENCES batch,
  member    BLOB NOT NULL,
  signature BLOB NOT NULL,
  PRIMARY KEY (batch, member)
) STRICT, WITHOUT ROWID;

-- One for each batch at most.
CREATE TABLE availability_challenge (
  batch       BLOB    PRIMARY KEY REFERENCES batch,
  domain      INTEGER NOT NULL,
  challenger  BLOB    NOT NULL,
  holding     BLOB    NOT NULL,                  -- the account that holds the bond while it runs
  bond        INTEGER NOT NULL,
  state       INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4), -- src/layer2/rollup/availability_rows.h
  begun_us    INTEGER NOT NULL,
  deadline_us INTEGER NOT NULL,
  ended_us    INTEGER NOT NULL,                  -- 0: it runs
  answerer    BLOB,                              -- who published the data
  reward      INTEGER NOT NULL,                  -- the challenger's, of the batch's bond
  burned      INTEGER NOT NULL,                  -- of the same
  created_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX availability_running ON availability_challenge (domain, batch) WHERE state = 0;

-- Data of batches, published or not, by its hash.
CREATE TABLE rollup_data_held (
  hash    BLOB    PRIMARY KEY,
  data    BLOB    NOT NULL,
  held_us INTEGER NOT NULL                       -- block time
) STRICT;

-- A batch that this node made and that waits for attestations: nothing goes into it any more.
CREATE TABLE rollup_sealed (
  domain       INTEGER PRIMARY KEY REFERENCES rollup,
  number       INTEGER NOT NULL,
  parent       BLOB    NOT NULL,
  inbox_to     INTEGER NOT NULL,
  items_root   BLOB    NOT NULL,
  transactions INTEGER NOT NULL,
  data_hash    BLOB    NOT NULL,
  data_size    INTEGER NOT NULL,
  message      BLOB    NOT NULL,                 -- what members sign
  announced    INTEGER NOT NULL CHECK (announced IN (0, 1))
) STRICT;
-- What members elsewhere signed.
CREATE TABLE rollup_attestation (
  message   BLOB NOT NULL,
  member    BLOB NOT NULL,
  signature BLOB NOT NULL,
  PRIMARY KEY (message, member)
) STRICT, WITHOUT ROWID;

-- Batches whose data this node would need to go on, and has not got; block time.
CREATE TABLE rollup_data_missing (
  batch    BLOB    PRIMARY KEY REFERENCES batch,
  domain   INTEGER NOT NULL,
  since_us INTEGER NOT NULL
) STRICT;

-- In which rollups this node challenges data that it has not got, and the bond up to which it does.
CREATE TABLE rollup_guard (
  domain   INTEGER PRIMARY KEY REFERENCES rollup,
  bond_max INTEGER NOT NULL
) STRICT;
