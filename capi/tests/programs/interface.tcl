# What Tcl's sqlite3 package does with the library.

proc same {got expected} {
  if {$got ne $expected} { error "expected {$expected}, got {$got}" }
}

package require sqlite3
same [sqlite3 -version] 3.54.1
same [string match {*555e07ef33f69a0957d24d8e555b702464a131d6f1607f4c3c1e4551e8e6ca76} [sqlite3 -sourceid]] 1

sqlite3 db first.db
db eval {CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT UNIQUE, c)}
db transaction {
  for {set i 1} {$i <= 50} {incr i} {
    set text "row $i"
    db eval {INSERT INTO t VALUES($i, $text, $i * 0.5)}
  }
}
same [db total_changes] 50
same [db onecolumn {SELECT count(*) FROM t}] 50
same [db last_insert_rowid] 50

# Rows as variables and as arrays; NULL has a text of its own.
set sum 0
db eval {SELECT a, b FROM t WHERE a <= 4} row {
  same $row(*) {a b}
  same $row(b) "row $row(a)"
  incr sum $row(a)
}
same $sum 10
db nullvalue none
same [db eval {SELECT NULL, 1}] {none 1}
same [db exists {SELECT 1 FROM t WHERE b = 'row 50'}] 1

# Errors.
same [catch {db eval {INSERT INTO t VALUES(51, 'row 1', 0)}} message] 1
same $message {UNIQUE constraint failed: t.b}
same [db errorcode] 19
same [catch {db eval {SELECT * FROM nowhere}} message] 1
same $message {no such table: nowhere}

# A transaction that fails is rolled back.
catch {db transaction { db eval {DELETE FROM t}; error stop }}
same [db onecolumn {SELECT count(*) FROM t}] 50

# Functions, collations, hooks.
db function glue -argcount 2 {apply {{a b} {return "$a+$b"}}}
same [db onecolumn {SELECT glue(1, 'x')}] 1+x
db collate length {apply {{a b} {expr {[string length $a] - [string length $b]}}}}
same [db eval {SELECT x FROM (SELECT 'ccc' x UNION ALL SELECT 'a' UNION ALL SELECT 'bb') ORDER BY x COLLATE length}] {a bb ccc}
set changed {}
db update_hook {lappend ::changed}
db eval {UPDATE t SET c = 0 WHERE a IN (3, 5)}
db update_hook {}
same $changed {UPDATE main t 3 UPDATE main t 5}
db commit_hook {expr 1}
same [catch {db eval {DELETE FROM t}}] 1
db commit_hook {}
same [db onecolumn {SELECT count(*) FROM t}] 50

# Waiting for a lock, with a handler that gives up.
sqlite3 other first.db
db eval {BEGIN IMMEDIATE}
set asked 0
other busy {apply {{count} {incr ::asked; expr {$count >= 3}}}}
same [catch {other eval {BEGIN IMMEDIATE}} message] 1
same $message {database is locked}
same $asked 4
db eval {COMMIT}
other close

# Blobs in place, backup and restore.
db eval {INSERT INTO t VALUES(100, 'blob', zeroblob(10000))}
set channel [db incrblob t c 100]
fconfigure $channel -translation binary
seek $channel 5000
puts -nonewline $channel hello
close $channel
same [db onecolumn {SELECT CAST(substr(c, 5001, 5) AS TEXT) FROM t WHERE a = 100}] hello
db backup second.db
sqlite3 copy second.db
same [copy eval {SELECT count(*), max(a) FROM t}] {51 100}
copy eval {DELETE FROM t}
copy close
db restore second.db
same [db onecolumn {SELECT count(*) FROM t}] 0
same [db onecolumn {PRAGMA integrity_check}] ok
same [db complete {SELECT 1;}] 1
same [db complete {SELECT 1}] 0
db close
puts "all right"
