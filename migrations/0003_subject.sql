-- Events by subject. An index of `event` would touch one leaf for each event of a commit; this table is filled behind the
-- log's end, sorted, some thousand events at once, and what it does not have yet is a short scan: view v_subject_event.

DROP INDEX event_subject;

CREATE TABLE event_subject (
  subject TEXT    NOT NULL,
  seq     INTEGER NOT NULL REFERENCES event,
  PRIMARY KEY (subject, seq)
) STRICT, WITHOUT ROWID;

-- One row: events up to `upto` are in the table.
CREATE TABLE event_subject_progress (
  id   INTEGER PRIMARY KEY CHECK (id = 1),
  upto INTEGER NOT NULL
) STRICT;

INSERT INTO event_subject SELECT subject, seq FROM event WHERE subject IS NOT NULL ORDER BY subject, seq;
INSERT INTO event_subject_progress SELECT 1, coalesce(max(seq), 0) FROM event;
