//! The parser accepts and rejects what SQLite does, with its messages and offsets: see `golden/README.md`.

use kernite_parser::{Limits, Parser, print};

fn shown(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|&b| std::ascii::escape_default(b)).map(char::from).collect()
}

/// Checks `offset`, `message`, `statement` lines.
fn check_rejected(table: &str) {
    let mut parser = Parser::new(Limits::default());
    let mut wrong = Vec::new();
    for line in table.lines() {
        let mut fields = line.splitn(3, '\t');
        let (offset, message) = (fields.next().unwrap(), fields.next().unwrap());
        let sql = fields.next().unwrap();
        let found = match parser.parse(sql.as_bytes()) {
            Ok(_) => "accepted".to_owned(),
            Err(e) => format!("{}\t{e}", e.offset.map_or(-1, i64::from)),
        };
        if found != format!("{offset}\t{message}") {
            wrong.push(format!("{sql}\n  expected {offset} {message}\n  found    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} lines differ\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn errors_are_those_of_sqlite() {
    check_rejected(include_str!("golden/errors.tsv"));
}

#[test]
fn syntax_errors_are_found_at_the_same_token() {
    check_rejected(include_str!("golden/rejected.tsv"));
}

#[test]
fn derivations_of_the_grammar_are_accepted_and_print_to_a_fixpoint() {
    let mut parser = Parser::new(Limits::default());
    for sql in include_str!("golden/accepted.sql").lines() {
        let parsed = match parser.parse(sql.as_bytes()) {
            Ok(parsed) => parsed.expect(sql),
            Err(e) => panic!("{sql}\n{e}"),
        };
        let once = print(&parsed);
        parser.recycle(parsed);
        let again = parser.parse(&once).map(|parsed| parsed.map(|p| print(&p)));
        let again = again.unwrap_or_else(|e| panic!("{sql}\n{}\n{e}", shown(&once)));
        assert_eq!(again.map(|p| shown(&p)), Some(shown(&once)), "{sql}");
    }
}

#[test]
fn errors_leave_nothing_behind() {
    // One parser for all: what a failed statement leaves must not show in the next.
    let mut parser = Parser::new(Limits::default());
    for line in include_str!("golden/rejected.tsv").lines() {
        let sql = line.splitn(3, '\t').last().unwrap();
        parser.parse(sql.as_bytes()).unwrap_err();
        let parsed = parser.parse(b"SELECT a + ?1 FROM t").unwrap().unwrap();
        assert_eq!(print(&parsed), b"SELECT a + ?1 FROM t");
        assert_eq!(parsed.parameters.count, 1);
        parser.recycle(parsed);
    }
}
