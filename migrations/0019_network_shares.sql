-- Effects know the party that they wait for (of the networks: the link), and which are due is found party by party, so that a
-- server which never answers holds a share of the places and no more. And links remember how often they flapped.

ALTER TABLE effect ADD COLUMN party INTEGER NOT NULL DEFAULT 0;  -- a number of the module's own; 0: nobody in particular
DROP INDEX effect_due;
CREATE INDEX effect_due ON effect (kind, party, next_us) WHERE state = 'waiting' AND running = 0;

UPDATE effect SET party = coalesce(json_extract(request, '$.link'), 0)
  WHERE state = 'waiting' AND kind IN ('network.call', 'network.send', 'network.track');
UPDATE effect SET party = CAST(key AS INTEGER)
  WHERE state = 'waiting' AND kind IN ('network.prepare', 'network.health');

ALTER TABLE network_link ADD COLUMN flaps INTEGER NOT NULL DEFAULT 0;  -- connections in a row that did not last
ALTER TABLE network_link ADD COLUMN good  INTEGER NOT NULL DEFAULT 0;  -- good looks in a row since the last bad one
