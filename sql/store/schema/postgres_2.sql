-- History, version 2, PostgreSQL: of a change who made it, what it was, what was measured
-- before and what came of it; and each resolution of the points in a table of its own, in
-- the order of time: among seconds that come and go, ten-minute points of a month would
-- lie one on a page.
ALTER TABLE changes ADD COLUMN who text, ADD COLUMN what text, ADD COLUMN baseline text,
	ADD COLUMN result text;
CREATE INDEX changes_by_time ON changes (node, created_ms);
ALTER TABLE system_snapshots RENAME TO system_snapshots_was;
CREATE TABLE system_snapshots (LIKE system_snapshots_was) PARTITION BY LIST (res_s);
CREATE TABLE system_snapshots_1s PARTITION OF system_snapshots FOR VALUES IN (1);
CREATE TABLE system_snapshots_10s PARTITION OF system_snapshots FOR VALUES IN (10);
CREATE TABLE system_snapshots_1min PARTITION OF system_snapshots FOR VALUES IN (60);
CREATE TABLE system_snapshots_10min PARTITION OF system_snapshots FOR VALUES IN (600);
INSERT INTO system_snapshots SELECT * FROM system_snapshots_was
	WHERE res_s IN (1, 10, 60, 600) ORDER BY node, res_s, t_ms;
DROP TABLE system_snapshots_was;
ALTER TABLE system_snapshots ADD PRIMARY KEY (node, res_s, t_ms)
