-- Statements that fail half-way, and those that get out of the way.
CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE, c CHECK(c < 100));
INSERT INTO t VALUES(1, 'x', 1), (2, 'y', 2), (3, 'z', 99);
BEGIN;
UPDATE t SET c = c + 1;
INSERT OR REPLACE INTO t VALUES(4, 'x', 5);
COMMIT;
BEGIN;
INSERT INTO t SELECT a + 10, b, c FROM t;
INSERT OR IGNORE INTO t VALUES(5, 'y', 0), (6, 'w', 0);
COMMIT;
