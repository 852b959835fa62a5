-- Transactions whose fee was raised: each that was signed for a write, all with its sequence, so that one of them at most can
-- ever be in a chain. A write that was never raised has none here.

CREATE TABLE network_candidate (
  number         INTEGER NOT NULL REFERENCES network_write (number),
  place          INTEGER NOT NULL CHECK (place >= 1), -- in the order in which they were signed: each offers more than the one before
  transaction_id TEXT    NOT NULL,
  raw            BLOB    NOT NULL,
  details        TEXT,                      -- JSON
  made_us        INTEGER NOT NULL,
  sent_us        INTEGER,                   -- when the network took it
  refusal        TEXT,                      -- why it did not
  too_cheap      INTEGER NOT NULL DEFAULT 0, -- 1: because of its fee
  PRIMARY KEY (number, place)
) STRICT, WITHOUT ROWID;

ALTER TABLE network_write ADD COLUMN urgent_us INTEGER;  -- it is to be in a block by then
ALTER TABLE network_write ADD COLUMN priced_us INTEGER;  -- since when it waits at its present fee
ALTER TABLE network_write ADD COLUMN fee_reason TEXT;    -- why that is not raised
UPDATE network_write SET priced_us = sent_us;

-- Sequences that were used: whoever looks for a free one looks above.
CREATE INDEX network_write_used ON network_write (link, sequence) WHERE block IS NOT NULL OR state = 'failed';
