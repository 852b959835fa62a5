-- What people and tools read: ids as lower-case hex, times as ISO 8601 in UTC with microseconds, states as words. These
-- views are a documented, stable interface (schema/README.md); the tables below them may change. Plain sqlite3 reads all
-- of them. Applied anew, after dropping every view, whenever this file changes.

CREATE VIEW v_event AS
SELECT seq,
       block,
       strftime('%Y-%m-%dT%H:%M:%S', time_us / 1000000, 'unixepoch') || printf('.%06dZ', time_us % 1000000) AS time,
       type,
       subject,
       body,
       last,
       lower(hex(hash)) AS hash
  FROM event;

CREATE VIEW v_block AS
SELECT height,
       strftime('%Y-%m-%dT%H:%M:%S', time_us / 1000000, 'unixepoch') || printf('.%06dZ', time_us % 1000000) AS time,
       strftime('%Y-%m-%dT%H:%M:%S', chain_time_us / 1000000, 'unixepoch')
         || printf('.%06dZ', chain_time_us % 1000000) AS chain_time,
       transactions,
       events,
       first_seq,
       lower(hex(content)) AS content,
       lower(hex(previous)) AS previous,
       lower(hex(hash)) AS hash
  FROM block;

CREATE VIEW v_transaction AS
SELECT number,
       lower(hex(id)) AS id,
       block,
       lower(hex(account)) AS account,
       method,
       body,
       lower(hex(signature)) AS signature,
       result,
       first_seq,
       last_seq
  FROM signed_transaction;

CREATE VIEW v_checkpoint AS
SELECT size,
       strftime('%Y-%m-%dT%H:%M:%S', time_us / 1000000, 'unixepoch') || printf('.%06dZ', time_us % 1000000) AS time,
       lower(hex(root)) AS root,
       note
  FROM checkpoint;

CREATE VIEW v_cursor AS
SELECT name,
       owner_uid,
       acknowledged,
       (SELECT coalesce(max(seq), 0) FROM event) - acknowledged AS lag,
       max_lag,
       strftime('%Y-%m-%dT%H:%M:%S', updated_us / 1000000, 'unixepoch')
         || printf('.%06dZ', updated_us % 1000000) AS updated,
       filter
  FROM cursor;

CREATE VIEW v_deadline AS
SELECT id,
       CASE clock WHEN 0 THEN 'block' ELSE 'chain' END AS clock,
       strftime('%Y-%m-%dT%H:%M:%S', due_us / 1000000, 'unixepoch') || printf('.%06dZ', due_us % 1000000) AS due,
       kind,
       lower(hex(subject)) AS subject
  FROM deadline;

CREATE VIEW v_effect AS
SELECT id,
       kind,
       key,
       state,
       attempts,
       strftime('%Y-%m-%dT%H:%M:%S', next_us / 1000000, 'unixepoch') || printf('.%06dZ', next_us % 1000000) AS next,
       strftime('%Y-%m-%dT%H:%M:%S', created_us / 1000000, 'unixepoch')
         || printf('.%06dZ', created_us % 1000000) AS created,
       strftime('%Y-%m-%dT%H:%M:%S', ended_us / 1000000, 'unixepoch') || printf('.%06dZ', ended_us % 1000000) AS ended,
       request,
       result
  FROM effect;

-- --- ledger ---------------------------------------------------------------------------------------------------------
