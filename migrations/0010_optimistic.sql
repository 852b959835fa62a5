-- Dispute games about batches, and fraud that is proved at once. Times are chain time in µs.

CREATE TABLE game (
  id          BLOB PRIMARY KEY,                  -- tagged hash of batch and the challenge's transaction
  batch       BLOB    NOT NULL,
  domain      INTEGER NOT NULL,
  holding     BLOB    NOT NULL,                  -- the account that holds its bonds
  max_depth   INTEGER NOT NULL,
  split_depth INTEGER NOT NULL,
  prestate    BLOB    NOT NULL,
  claims      INTEGER NOT NULL,                  -- how many
  pot         INTEGER NOT NULL,                  -- sum of all bonds
  status      INTEGER NOT NULL,                  -- src/layer2/optimistic/game.h
  closing     INTEGER NOT NULL,
  paid        INTEGER NOT NULL,                  -- bonds of the claims below this number have left
  begun_us    INTEGER NOT NULL,
  ended_us    INTEGER,
  closed_us   INTEGER,
  begun_seq   INTEGER NOT NULL UNIQUE,
  CHECK (paid <= claims)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX game_running ON game (batch) WHERE status = 0;
CREATE INDEX game_batch ON game (batch, begun_seq);

CREATE TABLE claim (
  game         BLOB    NOT NULL REFERENCES game,
  number       INTEGER NOT NULL,                 -- 0 is the root
  parent       INTEGER,                          -- NULL: the root
  position     INTEGER NOT NULL,                 -- generalized index
  value        BLOB    NOT NULL,
  claimant     BLOB    NOT NULL,
  bond         INTEGER NOT NULL,
  clock_us     INTEGER NOT NULL,                 -- what its side had used of its time
  made_us      INTEGER NOT NULL,
  deadline_us  INTEGER NOT NULL,                 -- from then on nobody can counter it
  countered    INTEGER NOT NULL,
  countered_by BLOB,
  resolved     INTEGER NOT NULL,
  waits_for    INTEGER NOT NULL,                 -- answers to it that are not resolved
  PRIMARY KEY (game, number),
  CHECK (parent IS NULL OR parent < number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX claim_answer ON claim (game, parent, position, value);
CREATE INDEX claim_standing ON claim (game, parent, position) WHERE countered = 0;
CREATE INDEX claim_due ON claim (game, deadline_us) WHERE resolved = 0 AND waits_for = 0;
CREATE INDEX claim_claimant ON claim (claimant, game);

CREATE TABLE step (
  game    BLOB    NOT NULL REFERENCES game,
  claim   INTEGER NOT NULL,                      -- the one it counters
  kind    INTEGER NOT NULL,                      -- 2 attack, 3 defence
  mover   BLOB    NOT NULL,
  made_us INTEGER NOT NULL,
  seq     INTEGER NOT NULL,
  PRIMARY KEY (game, claim)
) STRICT, WITHOUT ROWID;

-- What became of each bond.
CREATE TABLE payout (
  game      BLOB    NOT NULL REFERENCES game,
  claim     INTEGER NOT NULL,
  recipient BLOB    NOT NULL,                    -- of the root claim's bond, when the batch stands: the batch's account
  amount    INTEGER NOT NULL,
  burned    INTEGER NOT NULL,
  paid_us   INTEGER NOT NULL,
  seq       INTEGER NOT NULL,
  PRIMARY KEY (game, claim)
) STRICT, WITHOUT ROWID;

-- Somebody has a proof of fraud and will show it; what it is about only he knows.
CREATE TABLE fraud_commitment (
  account    BLOB    NOT NULL,
  hash       BLOB    NOT NULL,
  block      INTEGER NOT NULL,
  expires_us INTEGER NOT NULL,
  seq        INTEGER NOT NULL,
  PRIMARY KEY (account, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE fraud (
  batch   BLOB PRIMARY KEY,
  kind    INTEGER NOT NULL,                      -- enum fraud_kind, src/layer2/rollup/batch.h
  prover  BLOB    NOT NULL,
  reward  INTEGER NOT NULL,
  burned  INTEGER NOT NULL,
  seq     INTEGER NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

-- This node's own: batches about which it would make a move, had its account got the bond. Block time.
CREATE TABLE watcher_shortage (
  batch    BLOB PRIMARY KEY,
  asset    BLOB    NOT NULL,
  needed   INTEGER NOT NULL,
  since_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
