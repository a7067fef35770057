-- Changes that make changes.
CREATE TABLE item(id INTEGER PRIMARY KEY, name);
CREATE TABLE log(id INTEGER PRIMARY KEY, text);
CREATE TRIGGER gone AFTER DELETE ON item BEGIN INSERT INTO log(text) VALUES('gone ' || old.name); END;
INSERT INTO item VALUES(1, 'one'), (2, 'two'), (3, 'three');
BEGIN;
DELETE FROM item WHERE id < 3;
COMMIT;
BEGIN;
INSERT INTO item SELECT id + 10, text FROM log;
INSERT INTO item VALUES(20, 'twenty');
DELETE FROM item WHERE id = 3;
COMMIT;
