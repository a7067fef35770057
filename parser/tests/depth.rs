//! Depth: what SQLite accepts is accepted on a small stack, and one level more gets SQLite's message.

// The stack of the test's own thread is the harness's; the claim is about a small one.
#![allow(clippy::disallowed_methods)]

use kernite_parser::{Limits, Parser, print};

const RECURSION: &str = "Recursion limit";
const TOO_LARGE: &str = "Expression tree is too large (maximum depth 1000)";

fn on_small_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(512 << 10).spawn(test).unwrap().join().unwrap();
}

fn nested(head: &str, open: &str, middle: &str, close: &str, tail: &str, levels: usize) -> String {
    [head, &open.repeat(levels), middle, &close.repeat(levels), tail].concat()
}

/// Figures recorded from SQLite 3.54.1: with so many levels the text is too deep, with one less it is not.
#[rustfmt::skip]
const LIMITS: &[(&str, &str, &str, &str, &str, usize, &str)] = &[
    ("select ", "(", "1", ")", "", 2494, RECURSION),
    ("select ", "not ", "1", "", "", 1000, TOO_LARGE),
    ("select ", "- ", "a", "", " from t", 1000, TOO_LARGE),
    ("select ", "abs(", "1", ")", "", 832, RECURSION),
    ("select ", "1+(", "1", ")", "", 832, RECURSION),
    ("select ", "case when 1 then ", "1", " end", "", 499, RECURSION),
    ("select ", "(1,", "2", ")", "", 832, RECURSION),
    ("select * from ", "(select * from ", "t", ")", "", 416, RECURSION),
    ("select * from ", "(", "t", ")", "", 1246, RECURSION),
    ("", "with x as (", "select 1", ") select 1", "", 499, RECURSION),
    ("select ", "count(*) filter (where ", "a", ")", " from t", 357, RECURSION),
    ("select ", "count(*) over (partition by a order by ", "a", ")", " from t", 227, RECURSION),
    ("create table t(a check (", "(", "a", ")", "))", 2492, RECURSION),
    ("create virtual table v using m(", "(", "a", ")", ")", 1248, RECURSION),
    ("create trigger r after insert on t begin select ", "(", "1", ")", "; end", 2490, RECURSION),
    ("with x as (select 1) update t set a=", "(", "a", ")", "", 2490, RECURSION),
    ("select a", " and a", "", "", " from t", 1000, TOO_LARGE),
    ("select a", " || a", "", "", " from t", 1000, TOO_LARGE),
    ("select a", " in (1)", "", "", " from t", 999, TOO_LARGE),
    ("select a", " collate nocase", "", "", " from t", 1000, TOO_LARGE),
];

#[test]
fn depth_is_limited_where_sqlite_limits_it() {
    on_small_stack(|| {
        let mut parser = Parser::new(Limits::default());
        for &(head, open, middle, close, tail, levels, message) in LIMITS {
            let sql = nested(head, open, middle, close, tail, levels - 1);
            let parsed = parser.parse(sql.as_bytes()).unwrap_or_else(|e| panic!("{head}{open}…: {e}"));
            let printed = print(&parsed.unwrap());
            parser.parse(&printed).unwrap_or_else(|e| panic!("{head}{open}… printed: {e}"));
            let sql = nested(head, open, middle, close, tail, levels);
            let error = parser.parse(sql.as_bytes()).map(drop).expect_err(open);
            assert_eq!(error.to_string(), message, "{head}{open}…");
        }
    });
}

#[test]
fn chains_that_fold_may_be_long() {
    on_small_stack(|| {
        let mut parser = Parser::new(Limits::default());
        for sql in [
            format!("select 0{}", " and a".repeat(100_000)),
            format!("select {}a", "+ ".repeat(1000)),
            format!("select a{}", ", a".repeat(100_000)),
            format!("values (1){}", ", (1)".repeat(100_000)),
            format!("select {}1{}", "/**/ ".repeat(100_000), ";".repeat(100_000)),
            format!("{}select 1", ";".repeat(100_000)),
            format!("select f(a){} from t", " collate nocase".repeat(900)),
        ] {
            parser.parse(sql.as_bytes()).unwrap();
        }
    });
}

#[test]
fn the_depth_of_an_endless_text_is_an_error() {
    on_small_stack(|| {
        let mut parser = Parser::new(Limits::default());
        for piece in [
            "(",
            "not ",
            "case ",
            "f(",
            "select (",
            "a in (",
            "exists (select ",
            "with x as (",
            "a between ",
            "- ",
        ] {
            let sql = format!("select {}", piece.repeat(200_000));
            assert!(parser.parse(sql.as_bytes()).is_err(), "{piece}");
        }
    });
}

#[test]
fn limits_are_the_connections() {
    let parse = |limits: Limits, sql: &str| {
        Parser::new(limits).parse(sql.as_bytes()).map(drop).map_err(|e| e.to_string())
    };
    let default = Limits::default();
    let error = |text: &str| Err(text.to_owned());
    let small = Limits { expr_depth: 3, ..default };
    assert_eq!(parse(small, "select a+b+c from t"), Ok(()));
    assert_eq!(
        parse(small, "select a+b+c+d from t"),
        error("Expression tree is too large (maximum depth 3)")
    );
    let small = Limits { parser_depth: 60, ..default };
    assert_eq!(parse(small, &nested("select ", "(", "1", ")", "", 53)), Ok(()));
    assert_eq!(parse(small, &nested("select ", "(", "1", ")", "", 54)), error(RECURSION));
    let small = Limits { compound_select: 2, ..default };
    assert_eq!(parse(small, "select 1 union select 2"), Ok(()));
    assert_eq!(
        parse(small, "select 1 union select 2 union select 3"),
        error("too many terms in compound SELECT")
    );
    let small = Limits { variable_number: 2, ..default };
    assert_eq!(parse(small, "select ?, ?"), Ok(()));
    assert_eq!(parse(small, "select ?, ?, ?"), error("too many SQL variables"));
    assert_eq!(parse(small, "select ?3"), error("variable number must be between ?1 and ?2"));
    let small = Limits { function_arg: 1, ..default };
    assert_eq!(parse(small, "select f(1, 2)"), error("too many arguments on function f"));
    let small = Limits { sql_length: 8, ..default };
    assert_eq!(parse(small, "select 1"), Ok(()));
    assert_eq!(parse(small, "select 12"), error("string or blob too big"));
    let strict = Limits { comments: false, ..default };
    assert_eq!(parse(strict, "select /*x*/ 1"), error("unrecognized token: \"/*x*/\""));
    assert_eq!(
        parse(Limits { reading_schema: true, ..strict }, "create view v(a desc) as select 1 -- c"),
        Ok(())
    );
}
