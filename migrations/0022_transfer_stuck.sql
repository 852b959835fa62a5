-- Transfers between ledgers: what waits for its account's lock is counted, and what does not go on is told.

-- 1: whoever started it locks by himself, and has not yet.
ALTER TABLE transfer ADD COLUMN awaited INTEGER NOT NULL DEFAULT 0;
UPDATE transfer SET awaited = 1
 WHERE state = 0 AND id IN (SELECT transfer FROM transfer_leg WHERE side = 0 AND asked = 0);
CREATE INDEX transfer_awaited_account ON transfer (account) WHERE awaited = 1;
CREATE INDEX transfer_awaited_provider ON transfer (provider, asset, amount) WHERE awaited = 1;
CREATE INDEX transfer_open ON transfer (created_seq) WHERE due_us IS NOT NULL;

ALTER TABLE transfer_leg ADD COLUMN wanted INTEGER NOT NULL DEFAULT 0;    -- the newest action that was called for; 0: none was
ALTER TABLE transfer_leg ADD COLUMN wanted_us INTEGER NOT NULL DEFAULT 0; -- since when
ALTER TABLE transfer_leg ADD COLUMN unseen_us INTEGER NOT NULL DEFAULT 0; -- since when its ledger cannot be looked at; 0: it can
ALTER TABLE transfer_leg ADD COLUMN told_us INTEGER NOT NULL DEFAULT 0;   -- when the event transfer.stuck was recorded; 0: not
