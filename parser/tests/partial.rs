//! Errors bring what SQLite had checked before it found them.

use kernite_parser::ast::{AlterAction, Statement, TableBody};
use kernite_parser::{Limits, Parser, print};

/// The message, and the partial statement as SQL.
fn partial(sql: &str) -> (String, Option<String>) {
    let error = Parser::new(Limits::default()).parse(sql.as_bytes()).unwrap_err();
    let printed = error.partial.as_ref().map(|p| String::from_utf8(print(p)).unwrap());
    (error.to_string(), printed)
}

#[track_caller]
fn check(sql: &str, expected: Option<&str>) {
    assert_eq!(partial(sql).1.as_deref(), expected, "{sql}");
}

#[test]
fn parts_count_once_the_token_behind_them_was_taken() {
    // The token that fails is the one that would complete the name: nothing was checked yet.
    check("CREATE TABLE t foo", None);
    check("CREATE TABLE t(", Some("CREATE TABLE t ()"));
    check("CREATE TABLE t(a b c, +", Some("CREATE TABLE t (a b c)"));
    check("CREATE TABLE t(a +", Some("CREATE TABLE t ()"));
    check("CREATE TABLE t(a NOT NULL UNIQUE +", Some("CREATE TABLE t (a NOT NULL)"));
    check("CREATE TABLE t(a NOT NULL UNIQUE DEFAULT +", Some("CREATE TABLE t (a NOT NULL UNIQUE)"));
    check("CREATE TABLE t(a, b, CHECK (a), UNIQUE (b) +", Some("CREATE TABLE t (a, b, CHECK (a))"));
    check("CREATE TABLE t(a, b) STRICT +", Some("CREATE TABLE t (a, b)"));
    check("CREATE TABLE t AS SELECT +", Some("CREATE TABLE t ()"));
}

#[test]
fn a_token_that_cannot_be_read_completes_nothing_and_spoils_nothing() {
    check("CREATE TABLE t!", None);
    check("CREATE TABLE t(a !", Some("CREATE TABLE t ()"));
    check("CREATE TABLE t(a NOT NULL !", Some("CREATE TABLE t (a)"));
    check("CREATE TABLE t(a NOT NULL, !", Some("CREATE TABLE t (a NOT NULL)"));
}

#[test]
fn errors_of_the_grammar_itself_bring_it_too() {
    let (message, statement) = partial("CREATE TABLE t(a PRIMARY KEY) foo");
    assert_eq!(message, "unknown table option: foo");
    assert_eq!(statement.as_deref(), Some("CREATE TABLE t (a PRIMARY KEY)"));
}

#[test]
fn triggers_and_virtual_tables_bring_their_head() {
    check(
        "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELEC",
        Some("CREATE TRIGGER r AFTER INSERT ON t BEGIN END"),
    );
    check("CREATE TRIGGER r AFTER INSERT ON t WHEN", None);
    check("CREATE VIRTUAL TABLE v USING m(a", Some("CREATE VIRTUAL TABLE v USING m"));
}

#[test]
fn added_columns_bring_their_constraints() {
    let error =
        Parser::new(Limits::default()).parse(b"ALTER TABLE t ADD a INT NOT NULL UNIQUE foo").unwrap_err();
    let partial = error.partial.unwrap();
    let Statement::AlterTable(alter) = partial.statement else { panic!("no ALTER") };
    let AlterAction::AddColumn(column) = alter.action else { panic!("no column") };
    assert_eq!(column.constraints.len(), 1);
}

#[test]
fn the_statement_before_is_not_brought() {
    let mut parser = Parser::new(Limits::default());
    parser.parse(b"CREATE TABLE t(a, b)").unwrap();
    assert!(parser.parse(b"SELECT 1 FROM").unwrap_err().partial.is_none());
}

#[test]
fn other_statements_bring_nothing() {
    check("SELECT 1 FROM", None);
    check("CREATE INDEX i ON t(a", None);
    check("CREATE VIEW v AS SELECT", None);
}

#[test]
fn a_partial_table_has_lists_of_its_own() {
    let error = Parser::new(Limits::default()).parse(b"CREATE TABLE t(a, b INT, c +").unwrap_err();
    let partial = error.partial.unwrap();
    let Statement::CreateTable(table) = partial.statement else { panic!("no table") };
    let TableBody::Columns { columns, .. } = table.body else { panic!("no columns") };
    let names: Vec<_> = partial.ast.list(columns).iter().map(|c| partial.ast.name(c.name)).collect();
    assert_eq!(names, [b"a", b"b"]);
}
