-- Overflow chains that are made, replaced and freed.
CREATE TABLE file(id INTEGER PRIMARY KEY, data BLOB);
INSERT INTO file VALUES(1, zeroblob(3000));
BEGIN;
INSERT OR REPLACE INTO file VALUES(1, zeroblob(5000));
INSERT INTO file VALUES(2, zeroblob(2000));
COMMIT;
BEGIN;
DELETE FROM file WHERE id = 1;
UPDATE file SET data = substr(data, 1, 100);
COMMIT;
