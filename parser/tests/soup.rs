//! Random texts: the parser ends, does not panic, and what it accepts prints to a fixpoint.

use kernite_parser::{Limits, Parser, complete, keyword_count, keyword_name, print};
use proptest::prelude::*;

const TOKENS: &[&str] = &[
    "a",
    "b",
    "t",
    "\"q\"\"x\"",
    "[b r]",
    "`k`",
    "'s'",
    "'it''s'",
    "1",
    "0",
    "1.5",
    "1_000",
    "x'00'",
    "?",
    "?3",
    ":v",
    "$v(x)",
    "(",
    ")",
    "(",
    ")",
    ",",
    ".",
    ";",
    "*",
    "+",
    "-",
    "~",
    "||",
    "->",
    "->>",
    "=",
    "==",
    "<>",
    "<=",
    "<<",
    "&",
    "|",
    "%",
    "/",
    "--c\n",
    "/*c*/",
    "SELECT",
    "FROM",
    "WHERE",
    "AS",
    "AND",
    "NOT",
    "IN",
    "IS",
    "NULL",
    "OVER (",
    "WINDOW w AS (",
    "VALUES (",
    "CASE WHEN",
    "CREATE TABLE t (",
    "INSERT INTO t",
    "UPDATE t SET a =",
    "ON CONFLICT",
    "RETURNING",
    "BETWEEN 1 AND",
    "SELECT * FROM",
];

fn token() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => proptest::sample::select(TOKENS).prop_map(str::to_owned),
        4 => (0..keyword_count()).prop_map(|i| keyword_name(i).unwrap_or_default().to_owned()),
    ]
}

fn check(sql: &[u8]) -> Result<(), TestCaseError> {
    let mut parser = Parser::new(Limits::default());
    let mut rest = sql;
    while !rest.is_empty() {
        let end = match parser.parse(rest) {
            Ok(None) => return Ok(()),
            Ok(Some(parsed)) => {
                let once = print(&parsed);
                let again = parser.parse(&once).map(|p| p.map(|p| print(&p))).map_err(|e| e.to_string());
                prop_assert_eq!(again, Ok(Some(once)));
                parsed.end
            }
            Err(error) => {
                prop_assert!(error.offset.is_none_or(|at| (at as usize) < rest.len()));
                if let Some(partial) = error.partial {
                    print(&partial);
                }
                error.end
            }
        };
        prop_assert!(end <= rest.len());
        if end == 0 {
            return Ok(());
        }
        rest = &rest[end..];
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn token_soup_never_panics(tokens in prop::collection::vec(token(), 0..40)) {
        check(tokens.join(" ").as_bytes())?;
    }

    #[test]
    fn byte_soup_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        complete(&bytes);
        check(&bytes)?;
        check(&[b"SELECT ".as_slice(), &bytes].concat())?;
    }

    #[test]
    fn changed_statements_never_panic(
        line in 0usize..450,
        changes in prop::collection::vec((any::<prop::sample::Index>(), token(), any::<bool>()), 0..4),
    ) {
        let statement = include_str!("golden/accepted.sql").lines().nth(line).unwrap_or_default();
        let mut words: Vec<String> = statement.split(' ').map(str::to_owned).collect();
        for (at, word, insert) in changes {
            let at = at.index(words.len());
            if insert {
                words.insert(at, word);
            } else {
                words[at] = word;
            }
        }
        check(words.join(" ").as_bytes())?;
    }
}
