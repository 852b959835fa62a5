-- The node also makes half-aggregates: of public parts alone, and so without files.
CREATE TABLE proof_job_new (
  id        INTEGER PRIMARY KEY,
  system    TEXT    NOT NULL CHECK (system IN ('groth16', 'half_aggregate')),
  circuit   TEXT,                           -- groth16: names of files
  witness   TEXT,
  purpose   TEXT,                           -- half_aggregate: what is claimed
  keys      BLOB,
  messages  BLOB,
  state     TEXT    NOT NULL CHECK (state IN ('waiting', 'made', 'failed')),
  proof     BLOB,
  inputs    BLOB,                           -- groth16
  key       BLOB,                           -- groth16: verification key
  error     TEXT,
  asked_seq INTEGER NOT NULL UNIQUE,
  ended_seq INTEGER,
  CHECK ((system = 'groth16') = (circuit IS NOT NULL) AND (circuit IS NULL) = (witness IS NULL)),
  CHECK ((system = 'half_aggregate') = (purpose IS NOT NULL) AND (purpose IS NULL) = (keys IS NULL)
    AND (purpose IS NULL) = (messages IS NULL)),
  CHECK ((state = 'made') = (proof IS NOT NULL)),
  CHECK ((state = 'made' AND system = 'groth16') = (inputs IS NOT NULL AND key IS NOT NULL)),
  CHECK ((state = 'failed') = (error IS NOT NULL)),
  CHECK ((state = 'waiting') = (ended_seq IS NULL))
) STRICT;
INSERT INTO proof_job_new (id, system, circuit, witness, state, proof, inputs, key, error, asked_seq, ended_seq)
  SELECT id, system, circuit, witness, state, proof, inputs, key, error, asked_seq, ended_seq FROM proof_job;
DROP TABLE proof_job;
ALTER TABLE proof_job_new RENAME TO proof_job;
