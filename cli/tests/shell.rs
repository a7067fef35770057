//! The program as its users see it: scripts on the standard input and on the command line, output and exit status compared.
//!
//! Expectations are those of sqlite3's shell (3.53 with the library 3.54.1) for the same input, but for what names the program.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a run left behind.
#[derive(Debug, PartialEq, Eq)]
struct Ran {
    out: String,
    errors: String,
    status: Option<i32>,
}

/// A folder of a test's own, removed when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("kernite-cli-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn run(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kernite"))
            .arg("-noinit")
            .args(arguments)
            .current_dir(&self.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the shell");
        let mut stdin = child.stdin.take().expect("its input");
        // A shell that ends before it has read everything is what some tests are about.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("its end");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran { out: text(output.stdout), errors: text(output.stderr), status: output.status.code() }
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.0.join(name), content).expect("a file");
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).expect("a file")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn check(test: &str, arguments: &[&str], input: &str, out: &str, errors: &str, status: i32) {
    let ran = Folder::new(test).run(arguments, input);
    assert_eq!(ran, Ran { out: out.to_owned(), errors: errors.to_owned(), status: Some(status) });
}

/// A script that goes well.
#[track_caller]
fn shows(test: &str, input: &str, out: &str) {
    check(test, &[], input, out, "", 0);
}

#[test]
fn commands_may_come_from_the_command_line() {
    let folder = Folder::new("arguments");
    let made = folder.run(&["a.db", "CREATE TABLE t(a, b)", "INSERT INTO t VALUES(1, 'x'), (2.5, NULL)"], "");
    assert_eq!(made, Ran { out: String::new(), errors: String::new(), status: Some(0) });
    let shown = folder.run(&["-header", "a.db", "SELECT * FROM t", ".tables"], "");
    assert_eq!(shown.out, "a|b\n1|x\n2.5|\nt\n");
}

#[test]
fn an_error_ends_the_command_line_and_is_counted_from_the_program() {
    check(
        "argument-error",
        &[":memory:", "select 1; bad sql; select 2", "select 3"],
        "",
        "1\n",
        "Parse error in 3rd command line argument: near \"bad\": syntax error\n  bad sql; select 2\n  ^--- error here\n",
        1,
    );
}

#[test]
fn a_script_goes_on_after_an_error_unless_it_is_to_stop() {
    let script = "select 1;\nselect nosuch from\n sqlite_schema\n;select 2;\n.foo bar\nselect abs(-9223372036854775808);\nselect 7";
    let parse = "Parse error near line 2: no such column: nosuch\n  select nosuch from  sqlite_schema ;select 2;\n         ^--- error here\n";
    let rest = "Error: unknown command or invalid arguments:  \"foo\". Enter \".help\" for help\nError near line 6: integer overflow\n";
    check("script", &[], script, "1\n7\n", &format!("{parse}{rest}"), 1);
    check("script-bail", &["-bail"], script, "1\n", parse, 1);
}

#[test]
fn a_statement_that_fails_does_not_keep_the_next_on_its_line_from_running() {
    let script =
        "create table t(a unique);\ninsert into t values(1); insert into t values(1); select 'after';\n";
    check("runtime", &[], script, "after\n", "Error near line 2: UNIQUE constraint failed: t.a\n", 1);
}

#[test]
fn statements_end_where_they_are_complete() {
    let script = "create table t(a);\ncreate trigger x after insert on t begin\n select 1;\n end;\n\
                  select 'a;b'; select 2 --c;\n;\n/*\nx */ select 1,2; --x\n -- .nada\n;\n.print between\nselect 3\ngo\nselect 4";
    shows("statements", script, "a;b\n2\n1|2\nbetween\n3\n4\n");
}

#[test]
fn comments_and_echo() {
    let script = "select 1;\n.print x\nselect\n 2;\n\n-- c\n# hash\nselect 3";
    check(
        "echo",
        &["-echo"],
        script,
        "select 1;\n1\n.print x\nx\nselect\n 2;\n2\n\n-- c\n# hash\nselect 3\n3\n",
        "",
        0,
    );
}

#[test]
fn modes_lay_rows_out() {
    let rows = "select 1 as a, 'it''s' as 'b c', null as d, 2.5 as e;\n";
    for (mode, text) in [
        ("list", "1|it's||2.5\n"),
        ("csv", "1,\"it's\",,2.5\r\n"),
        ("tabs", "1\t\"it's\"\t\t2.5\n"),
        ("quote", "1,'it''s',NULL,2.5\n"),
        ("tcl", "1 \"it's\" \"\" 2.5\n"),
        ("json", "[{\"a\":1,\"b c\":\"it's\",\"d\":null,\"e\":2.5}]\n"),
        ("insert t", "INSERT INTO t VALUES(1,'it''s',NULL,2.5);\n"),
        ("line", "  a: 1\nb c: it's\n  d: \n  e: 2.5\n"),
        ("column", "a  b c   d   e\n-  ----  -  ---\n1  it's     2.5\n"),
        ("markdown", "| a | b c  | d |  e  |\n|---|------|---|-----|\n| 1 | it's |   | 2.5 |\n"),
        (
            "table",
            "+---+------+---+-----+\n| a | b c  | d |  e  |\n+---+------+---+-----+\n| 1 | it's |   | 2.5 |\n+---+------+---+-----+\n",
        ),
        (
            "box",
            "╭───┬──────┬───┬─────╮\n│ a │ b c  │ d │  e  │\n╞═══╪══════╪═══╪═════╡\n│ 1 │ it's │   │ 2.5 │\n╰───┴──────┴───┴─────╯\n",
        ),
        (
            "html",
            "<TR>\n<TH>a\n<TH>b c\n<TH>d\n<TH>e\n</TR>\n<TR>\n<TD>1\n<TD>it&#39;s\n<TD>null\n<TD>2.5\n</TR>\n",
        ),
        ("count", "1\n"),
        ("off", ""),
    ] {
        shows(&format!("mode-{}", mode.replace(' ', "-")), &format!(".mode {mode}\n{rows}"), text);
    }
}

#[test]
fn a_wide_result_is_fitted_to_the_screen() {
    let script = ".mode box --sw 40\nselect 1 as a, 'the quick brown fox jumps over the lazy dog' as b, 'short' as c;\n";
    let text = "╭─┬──────────────────────────────┬─────╮\n│a│              b               │  c  │\n\
                ╞═╪══════════════════════════════╪═════╡\n│1│the quick brown fox jumps over│short│\n\
                │ │the lazy dog                  │     │\n╰─┴──────────────────────────────┴─────╯\n";
    shows("narrow", script, text);
}

#[test]
fn a_dump_makes_the_database_anew() {
    let folder = Folder::new("dump");
    let make = "create table t(a integer primary key autoincrement, b text, c, unique(b));\n\
                insert into t(b,c) values('it''s',1.5),('a'||char(10),x'00ff'),(null,9e999);\n\
                create index i on t(c); create view v as select a from t;\n\
                create trigger r after insert on t begin select 1; end;\n";
    assert_eq!(folder.run(&["a.db"], make).errors, "");
    let dump = folder.run(&["a.db", ".dump"], "");
    assert_eq!(
        dump.out,
        "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n\
         CREATE TABLE t(a integer primary key autoincrement, b text, c, unique(b));\n\
         INSERT INTO t VALUES(1,'it''s',1.5);\nINSERT INTO t VALUES(2,unistr('a\\u000a'),x'00ff');\n\
         INSERT INTO t VALUES(3,NULL,9.0e+999);\n\
         PRAGMA writable_schema=ON;\nCREATE TABLE IF NOT EXISTS sqlite_sequence(name,seq);\nDELETE FROM sqlite_sequence;\n\
         INSERT INTO sqlite_sequence VALUES('t',3);\n\
         CREATE VIEW v as select a from t;\nCREATE TRIGGER r after insert on t begin select 1; end;\n\
         CREATE INDEX i on t(c);\nPRAGMA writable_schema=OFF;\nCOMMIT;\n"
    );
    folder.write("dump.sql", &dump.out);
    assert_eq!(
        folder.run(&["b.db"], ".read dump.sql\n"),
        Ran { out: String::new(), errors: String::new(), status: Some(0) }
    );
    assert_eq!(folder.run(&["b.db", ".dump"], "").out, dump.out);
}

#[test]
fn csv_is_imported_and_exported() {
    let folder = Folder::new("import");
    folder.write("in.csv", "name,price\npear,\"1,5\"\n\"a \"\"big\"\" one\",\n");
    let ran = folder.run(
        &["a.db"],
        ".mode csv\n.import in.csv fruit\n.schema\n.once out.csv\nselect * from fruit;\nselect 1;\n",
    );
    assert_eq!(
        ran,
        Ran {
            out: "CREATE TABLE \"fruit\"(\n\"name\", \"price\");\n1\r\n".to_owned(),
            errors: String::new(),
            status: Some(0)
        }
    );
    assert_eq!(folder.read("out.csv"), "pear,\"1,5\"\r\n\"a \"\"big\"\" one\",\"\"\r\n");
}

#[test]
fn rows_of_another_width_are_told_of() {
    let script = "create table t(a,b,c);\n.import --csv <<END t\n1,2,3\n4,5\n6,7,8,9\nEND\n.mode quote\nselect * from t;\n";
    check(
        "import-width",
        &[],
        script,
        "'1','2','3'\n'4','5',NULL\n'6','7','8'\n",
        "<stdin>:4: expected 3 columns but found 2 - filling the rest with NULL\n\
         <stdin>:5: expected 3 columns but found 4 - extras ignored\n",
        0,
    );
}

#[test]
fn output_goes_where_it_is_sent() {
    let folder = Folder::new("output");
    let script = ".once x.txt\nselect 1;\nselect 2;\n.output y.txt\nselect 3;\n.print hi\n.output\nselect 4;\n.output off\nselect 5;\n.output\n.output |tr a-z A-Z\n.print shout\n.output\n";
    assert_eq!(folder.run(&[], script).out, "2\n4\nSHOUT\n");
    assert_eq!(folder.read("x.txt"), "1\n");
    assert_eq!(folder.read("y.txt"), "3\nhi\n");
}

#[test]
fn parameters_have_values() {
    let script = ".parameter set :a 5\n.parameter set @b 'hello'\n.parameter set $c 1+1\n.parameter list\nselect :a,@b,$c,?9;\n\
                  .parameter unset :a\nselect :a, $int_7, $text_x;\n.parameter clear\n.parameter list\n";
    shows("parameters", script, "$c 2\n:a 5\n@b 'hello'\n5|hello|2|\n|7|x\n");
}

#[test]
fn plans_are_drawn() {
    let script = "create table t(a,b); create index i on t(a);\nexplain query plan select * from t where a=1;\n.eqp on\nselect * from t where a=1;\n";
    let plan = "QUERY PLAN\n`--SEARCH t USING INDEX i (a=?)\n";
    shows("plan", script, &format!("{plan}{plan}"));
}

#[test]
fn wrong_arguments_are_pointed_at() {
    check(
        "pointed",
        &[],
        ".mode foo\n.mode --quote xx\n.import a b c\n",
        "",
        "line 1: .mode foo\nline 1:       ^--- unknown mode\nline 1: Use \".help .mode\" for more info\n\
         line 2: .mode --quote xx\nline 2:    unknown ---^\nline 2: should be off, on, sql, csv, html, tcl, json, or relaxed\n\
         line 3: .import a b c\nline 3:             ^--- unknown argument\n",
        1,
    );
}

#[test]
fn the_exit_status_tells_of_errors() {
    check("exit", &[], "select 1;\n.exit 3\n", "1\n", "", 3);
    let ran = Folder::new("quit").run(&[], "select x;\n.quit\n");
    assert_eq!(ran.status, Some(1));
    check(
        "open",
        &["nosuch/x.db", "select 1"],
        "",
        "",
        "Error: unable to open database \"nosuch/x.db\": unable to open database file\n",
        1,
    );
}

#[test]
fn safe_mode_refuses_what_reaches_beyond_the_database() {
    check(
        "safe",
        &["-safe", ":memory:"],
        ".shell echo hi\nselect 1;\n",
        "",
        "line 1: cannot run .shell in safe mode\n",
        1,
    );
    check(
        "nonce",
        &["-safe", "-nonce", "abc", ":memory:"],
        ".nonce abc\n.print lifted\n.cd /\n",
        "lifted\n",
        "line 3: cannot run .cd in safe mode\n",
        1,
    );
}

#[test]
fn reading_a_file_that_reads_itself_ends() {
    let folder = Folder::new("recursion");
    folder.write("t.sql", ".read t.sql\n");
    let ran = folder.run(&[], ".read t.sql\n");
    assert_eq!(ran.errors, "t.sql: Input nesting limit (25) reached at line 1. Check recursion.\n");
    assert_eq!(ran.status, Some(1));
}

#[test]
fn tests_are_checked_and_counted() {
    let script = ".testcase 100\nselect 1;\n.check 1\n.testcase 110\nselect 1;\n.check 2\n.testcase 120\nselect nosuch;\n.check --glob *nosuch*\n";
    check(
        "testcase",
        &[],
        script,
        "3 tests run with 1 error\n",
        "<stdin>:6: .check failed for testcase 110\nExpected: [2]\nGot:      [1\n]\n",
        1,
    );
}

#[test]
fn text_of_a_database_in_utf16_is_shown_as_utf8() {
    shows(
        "utf16",
        "pragma encoding='utf16';\ncreate table t(a);\ninsert into t values('ünï漢');\nselect a from t;\n",
        "ünï漢\n",
    );
}
