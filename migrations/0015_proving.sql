-- Verification keys that accounts stand by, and proofs that were verified.

-- A key is known by its hash; each account has its own list of keys, so nobody can spoil another's.
CREATE TABLE verification_key (
  owner          BLOB    NOT NULL,
  hash           BLOB    NOT NULL,
  system         TEXT    NOT NULL CHECK (system = 'groth16'),
  title          TEXT,
  key            BLOB    NOT NULL,          -- canonical bytes
  public_inputs  INTEGER NOT NULL,
  added_height   INTEGER NOT NULL,
  retired_height INTEGER,                   -- NULL: in force
  added_seq      INTEGER NOT NULL UNIQUE,
  PRIMARY KEY (owner, hash)
) STRICT;
CREATE INDEX verification_key_hash ON verification_key (hash, added_seq);

CREATE TABLE verified_proof (
  id        BLOB    PRIMARY KEY,            -- tagged hash of claim and account
  claim     BLOB    NOT NULL,               -- tagged hash of content
  content   BLOB    NOT NULL,               -- the claim's canonical bytes: src/proving/claim.h
  system    TEXT    NOT NULL CHECK (system IN ('groth16', 'half_aggregate', 'range', 'ring')),
  account   BLOB    NOT NULL,               -- who brought it
  purpose   TEXT    NOT NULL,
  bound     INTEGER NOT NULL,               -- whether the proof can serve no other chain and purpose
  key       BLOB,                           -- groth16: hash of the verification key
  listed_by BLOB,                           -- groth16: on whose list it stood
  image     BLOB,                           -- ring: key image
  height    INTEGER NOT NULL,
  seq       INTEGER NOT NULL UNIQUE,
  FOREIGN KEY (listed_by, key) REFERENCES verification_key (owner, hash),
  CHECK ((system = 'groth16') = (key IS NOT NULL) AND (key IS NULL) = (listed_by IS NULL)),
  CHECK ((system = 'ring') = (image IS NOT NULL)),
  CHECK (bound = 1 OR system = 'groth16')
) STRICT;
CREATE INDEX verified_proof_account ON verified_proof (account, seq);
CREATE INDEX verified_proof_key ON verified_proof (listed_by, key) WHERE key IS NOT NULL;

-- Local: proofs that this node was asked to make. Witnesses are in files and never here.
CREATE TABLE proof_job (
  id        INTEGER PRIMARY KEY,
  system    TEXT    NOT NULL CHECK (system = 'groth16'),
  circuit   TEXT    NOT NULL,               -- names of files
  witness   TEXT    NOT NULL,
  state     TEXT    NOT NULL CHECK (state IN ('waiting', 'made', 'failed')),
  proof     BLOB,
  inputs    BLOB,
  key       BLOB,                           -- verification key
  error     TEXT,
  asked_seq INTEGER NOT NULL UNIQUE,
  ended_seq INTEGER,
  CHECK ((state = 'made') = (proof IS NOT NULL AND inputs IS NOT NULL AND key IS NOT NULL)),
  CHECK ((state = 'failed') = (error IS NOT NULL)),
  CHECK ((state = 'waiting') = (ended_seq IS NULL))
) STRICT;
