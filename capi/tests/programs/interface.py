"""What Python's sqlite3 module does with the library: expected values are those of SQLite's documentation and of plain arithmetic."""

import sqlite3
import threading

EXPECTED_VERSION = "3.54.1"
SOURCE = "555e07ef33f69a0957d24d8e555b702464a131d6f1607f4c3c1e4551e8e6ca76"


def fails(kind, text, body):
    try:
        body()
    except kind as error:
        assert text in str(error), (text, str(error))
        return error
    raise AssertionError(f"no error: {text}")


db = sqlite3.connect("first.db")
version, source = db.execute("SELECT sqlite_version(), sqlite_source_id()").fetchone()
assert version == EXPECTED_VERSION and source.endswith(SOURCE), (version, source)

# Rows of every type come back as they went in.
db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, a, b TEXT, c REAL, d BLOB)")
rows = [(n, None if n % 7 == 0 else n * n, f"text {n} é", n / 4, bytes([n % 256]) * n) for n in range(1, 301)]
db.executemany("INSERT INTO t VALUES(?, ?, ?, ?, ?)", rows)
assert db.in_transaction and db.total_changes == 300
db.commit()
assert db.execute("SELECT * FROM t ORDER BY id").fetchall() == rows
assert db.execute("SELECT count(*), sum(c) FROM t WHERE a IS NOT NULL").fetchone() == (
    sum(1 for r in rows if r[1] is not None), sum(r[3] for r in rows if r[1] is not None))
assert db.execute("SELECT id FROM t WHERE b = :b", {"b": "text 12 é"}).fetchone() == (12,)
assert [c[0] for c in db.execute("SELECT a AS x, b y, c FROM t").description] == ["x", "y", "c"]

# A transaction that is rolled back leaves nothing behind; another connection sees only what is committed.
other = sqlite3.connect("first.db", timeout=0)
db.execute("DELETE FROM t WHERE id > 10")
assert other.execute("SELECT count(*) FROM t").fetchone() == (300,)
fails(sqlite3.OperationalError, "database is locked", lambda: other.execute("DELETE FROM t"))
other.rollback()
db.rollback()
assert db.execute("SELECT count(*) FROM t").fetchone() == (300,)
other.close()

# Errors have SQLite's codes and texts.
error = fails(sqlite3.IntegrityError, "UNIQUE constraint failed: t.id", lambda: db.execute("INSERT INTO t(id) VALUES(1)"))
assert error.sqlite_errorname == "SQLITE_CONSTRAINT_PRIMARYKEY"
fails(sqlite3.OperationalError, "no such table: missing", lambda: db.execute("SELECT * FROM missing"))
fails(sqlite3.OperationalError, 'near "SELEC": syntax error', lambda: db.execute("SELEC 1"))
fails(sqlite3.ProgrammingError, "", lambda: db.execute("SELECT ?", ()))
db.rollback()

# Functions, aggregates, window functions, collations.
db.create_function("twice", 1, lambda x: x * 2, deterministic=True)
assert db.execute("SELECT twice(21), twice('ab')").fetchone() == (42, "abab")
db.create_function("broken", 0, lambda: 1 // 0)
fails(sqlite3.OperationalError, "user-defined function raised exception", lambda: db.execute("SELECT broken()").fetchall())


class Product:
    def __init__(self):
        self.value = 1

    def step(self, x):
        self.value *= x

    def finalize(self):
        return self.value


db.create_aggregate("product", 1, Product)
assert db.execute("SELECT product(id) FROM t WHERE id <= 6").fetchone() == (720,)
db.create_collation("backwards", lambda a, b: (a[::-1] > b[::-1]) - (a[::-1] < b[::-1]))
assert [r[0] for r in db.execute("SELECT x FROM (SELECT 'az' x UNION ALL SELECT 'za' UNION ALL SELECT 'bm') ORDER BY x COLLATE backwards")] == ["za", "bm", "az"]

# Callbacks.
seen = []
db.set_trace_callback(seen.append)
db.execute("SELECT 1 + 1").fetchall()
db.set_trace_callback(None)
assert seen == ["SELECT 1 + 1"], seen
db.set_authorizer(lambda action, *_: sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_DELETE else sqlite3.SQLITE_OK)
fails(sqlite3.DatabaseError, "not authorized", lambda: db.execute("DELETE FROM t"))
db.set_authorizer(None)
db.rollback()
db.set_progress_handler(lambda: 1, 1000)
fails(sqlite3.OperationalError, "interrupted", lambda: db.execute(
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 10000000) SELECT sum(x) FROM c").fetchall())
db.set_progress_handler(None, 0)

# Interrupting from another thread.
long = sqlite3.connect("first.db", check_same_thread=False)
timer = threading.Timer(0.2, long.interrupt)
timer.start()
fails(sqlite3.OperationalError, "interrupted", lambda: long.execute(
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c").fetchall())
timer.join()
long.close()

# Blobs in place, backup, serialize, iterdump.
db.execute("UPDATE t SET d = zeroblob(100000) WHERE id = 5")
with db.blobopen("t", "d", 5) as blob:
    assert len(blob) == 100000
    blob.seek(70000)
    blob.write(b"in place")
db.commit()
assert db.execute("SELECT substr(d, 70001, 8) FROM t WHERE id = 5").fetchone() == (b"in place",)
fails(sqlite3.OperationalError, "no such rowid: 999", lambda: db.blobopen("t", "d", 999))

copy, steps = sqlite3.connect("second.db"), []
db.backup(copy, pages=7, progress=lambda status, left, total: steps.append((left, total)))
total = steps[0][1]
assert steps[0][0] == total - 7 and steps[-1][0] == 0 and len(steps) == -(-total // 7)
assert copy.execute("SELECT count(*), total(length(d)) FROM t").fetchone() == db.execute("SELECT count(*), total(length(d)) FROM t").fetchone()
assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

memory = sqlite3.connect(":memory:")
memory.deserialize(db.serialize())
assert memory.execute("SELECT count(*) FROM t").fetchone() == (300,)
assert memory.serialize() == db.serialize()
script = "\n".join(copy.iterdump())
again = sqlite3.connect(":memory:")
again.executescript(script)
assert again.execute("SELECT count(*), sum(id) FROM t").fetchone() == (300, 45150)

# A statement goes on with a new schema; limits.
query = db.execute("SELECT * FROM t LIMIT 1")
assert len(query.fetchone()) == 5
db.execute("ALTER TABLE t ADD COLUMN e DEFAULT 9")
assert db.execute("SELECT * FROM t LIMIT 1").fetchone()[5] == 9
assert db.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 20) == 1000000000
fails(sqlite3.DataError, "", lambda: db.execute("SELECT 1 + 1 + 1 + 1 + 1 + 1"))

for each in (db, copy, memory, again):
    each.close()
print("all right")
