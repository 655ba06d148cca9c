-- History, version 2, SQLite: of a change who made it, what it was, what was measured before
-- and what came of it.  (Where PostgreSQL keeps each resolution apart, SQLite's table is
-- in the order of its key already.)
ALTER TABLE changes ADD COLUMN who text;
ALTER TABLE changes ADD COLUMN what text;
ALTER TABLE changes ADD COLUMN baseline text;
ALTER TABLE changes ADD COLUMN result text;
CREATE INDEX changes_by_time ON changes (node, created_ms);
