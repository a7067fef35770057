-- A tree and its index grow by a level and shrink again.
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT UNIQUE);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) INSERT INTO t SELECT i, 'row number ' || i FROM n;
COMMIT;
BEGIN;
DELETE FROM t WHERE a % 4 <> 0;
SELECT count(*) FROM t;
COMMIT;
