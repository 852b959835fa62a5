-- What the networks of a transfer's legs prove of its locks and claims, for its proof (src/layer2/transfer/README.md).
-- A foreign chain's servers forget; what they proved when it happened stays.

CREATE TABLE transfer_network_proof (
  transfer BLOB    NOT NULL REFERENCES transfer,
  side     INTEGER NOT NULL CHECK (side IN (0, 1)),     -- 0 source, 1 destination
  step     INTEGER NOT NULL CHECK (step IN (0, 1, 2)),  -- 0 the lock, 1 the claim, 2 the contract's code and the lock's state
  state    INTEGER NOT NULL CHECK (state IN (0, 1, 2)), -- 0 asked for, 1 here, 2 given up
  tries    INTEGER NOT NULL,                            -- that came to nothing
  reason   TEXT,                                        -- of the last one
  proof    TEXT,                                        -- canonical JSON (src/network/evm/evm_proof.h)
  seq      INTEGER,                                     -- of the event that names its block and its hash
  PRIMARY KEY (transfer, side, step),
  CHECK ((state = 1) = (proof IS NOT NULL)),
  CHECK ((state = 1) = (seq IS NOT NULL))
) STRICT;
