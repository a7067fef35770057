-- All pages of a table become free, and are taken again.
CREATE TABLE t(a INTEGER PRIMARY KEY, b);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12) INSERT INTO t SELECT i, zeroblob(300) FROM n;
BEGIN;
DELETE FROM t;
COMMIT;
BEGIN;
INSERT INTO t VALUES(1, zeroblob(700)), (2, zeroblob(20));
CREATE TABLE u(x);
INSERT INTO u VALUES(1);
COMMIT;
