-- Two writers of the same rows.
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);
INSERT INTO t VALUES(1, 'one'), (2, 'two');
BEGIN;
INSERT INTO t VALUES(3, 'three');
UPDATE t SET b = b || '!' WHERE a = 1;
COMMIT;
BEGIN;
UPDATE t SET b = upper(b);
SELECT count(*), group_concat(b) FROM t;
COMMIT;
