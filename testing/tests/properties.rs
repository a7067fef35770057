//! Properties over random cases: records, and statements that are printed and parsed again.
//!
//! B-trees against an ordered map are a property test of the crate `kernite-btree`; token soup is one of `kernite-parser`.

use kernite_btree::ValueRef;
use kernite_btree::record::{Values, encode};
use kernite_parser::{Limits, Parser, print};
use kernite_testing::engine::{Engine, Sqlite, Value};
use proptest::prelude::*;

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Integer),
        // Every width of integer is met.
        (any::<i64>(), 0u32..64).prop_map(|(number, shift)| Value::Integer(number >> shift)),
        any::<f64>().prop_filter("NaN is NULL", |number| !number.is_nan()).prop_map(Value::Real),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Blob),
        "\\PC{0,30}".prop_map(|text| Value::Text(text.into_bytes())),
        (0usize..9000).prop_map(|len| Value::Blob(vec![7; len])),
    ]
}

fn borrowed(value: &Value) -> ValueRef<'_> {
    match value {
        Value::Null => ValueRef::Null,
        Value::Integer(number) => ValueRef::Integer(*number),
        Value::Real(number) => ValueRef::Real(*number),
        Value::Text(text) => ValueRef::Text(text),
        Value::Blob(blob) => ValueRef::Blob(blob),
    }
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = vec![(value & 0x7f) as u8];
    value >>= 7;
    while value > 0 {
        bytes.insert(0, (value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes
}

/// The record format, written down from its specification without a thought for speed.
fn naive_record(values: &[Value]) -> Vec<u8> {
    let (mut types, mut body) = (Vec::new(), Vec::new());
    for value in values {
        match value {
            Value::Null => types.extend(varint(0)),
            Value::Integer(0) => types.extend(varint(8)),
            Value::Integer(1) => types.extend(varint(9)),
            Value::Integer(number) => {
                let (width, serial) = [(1usize, 1u64), (2, 2), (3, 3), (4, 4), (6, 5), (8, 6)]
                    .into_iter()
                    .find(|(width, _)| {
                        let unused = 64 - 8 * *width as u32;
                        *number << unused >> unused == *number
                    })
                    .expect("eight bytes hold every integer");
                types.extend(varint(serial));
                body.extend(&number.to_be_bytes()[8 - width..]);
            }
            Value::Real(number) => {
                types.extend(varint(7));
                body.extend(number.to_be_bytes());
            }
            Value::Blob(bytes) => {
                types.extend(varint(12 + 2 * bytes.len() as u64));
                body.extend(bytes);
            }
            Value::Text(bytes) => {
                types.extend(varint(13 + 2 * bytes.len() as u64));
                body.extend(bytes);
            }
        }
    }
    // The header counts its own length, which may need a byte more for that.
    let mut size = types.len() + 1;
    while varint(size as u64).len() + types.len() > size {
        size += 1;
    }
    [varint(size as u64), types, body].concat()
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("a".to_string()),
        Just("b".to_string()),
        Just("t.c".to_string()),
        Just("NULL".to_string()),
        Just("'it''s'".to_string()),
        Just("x'0a'".to_string()),
        Just("\"a\"".to_string()),
        (0i64..100).prop_map(|number| number.to_string()),
        (0u32..1000).prop_map(|number| format!("{}.5e-1", number)),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let binary = prop::sample::select(vec![
            "+", "-", "*", "/", "%", "||", "<", "<=", ">", ">=", "=", "==", "<>", "!=", "AND", "OR", "&", "|", "<<",
            ">>", "IS", "IS NOT", "LIKE", "GLOB", "NOT LIKE", "IS DISTINCT FROM", "->", "->>",
        ]);
        let unary = prop::sample::select(vec!["- ", "+ ", "~", "NOT ", "- - "]);
        prop_oneof![
            4 => (inner.clone(), binary, inner.clone()).prop_map(|(l, op, r)| format!("{l} {op} {r}")),
            2 => (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("({l}) * ({r})")),
            1 => (unary, inner.clone()).prop_map(|(op, e)| format!("{op}{e}")),
            1 => (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("({a}) BETWEEN ({b}) AND ({c})")),
            1 => (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("CASE {a} WHEN {b} THEN {c} ELSE 1 END")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("CASE WHEN {a} THEN {b} END")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a}) NOT IN ({b}, {c})")),
            1 => inner.clone().prop_map(|e| format!("({e}) ISNULL")),
            1 => inner.clone().prop_map(|e| format!("CAST({e} AS TEXT)")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("coalesce({a}, {b})")),
            1 => inner.clone().prop_map(|e| format!("({e}) COLLATE NOCASE")),
            1 => inner.clone().prop_map(|e| format!("(SELECT {e} FROM t LIMIT 1)")),
            1 => inner.clone().prop_map(|e| format!("EXISTS (SELECT 1 WHERE {e})")),
        ]
    })
}

fn statement() -> impl Strategy<Value = String> {
    prop_oneof![
        expression().prop_map(|e| format!("SELECT {e} AS x FROM t ORDER BY a, b, c")),
        (expression(), expression()).prop_map(|(e, f)| format!(
            "SELECT a, count(*) n FROM t WHERE {e} GROUP BY a HAVING {f} ORDER BY 1"
        )),
        (expression(), expression()).prop_map(|(e, f)| format!(
            "SELECT {e} FROM t LEFT JOIN u ON {f} ORDER BY 1 DESC NULLS LAST LIMIT 7"
        )),
        (expression(), expression()).prop_map(|(e, f)| format!(
            "WITH q(z) AS (SELECT {e} FROM t) SELECT z FROM q UNION SELECT {f} FROM t ORDER BY 1"
        )),
        (expression(), expression()).prop_map(|(e, f)| format!("VALUES ({e}), ({f})")),
    ]
}

fn printed(sql: &str) -> Option<String> {
    let parsed = Parser::new(Limits::default()).parse(sql.as_bytes()).ok()??;
    Some(String::from_utf8(print(&parsed)).expect("UTF-8 in, UTF-8 out"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_record_is_as_specified_and_comes_back(values in prop::collection::vec(value(), 0..150)) {
        let fields: Vec<ValueRef<'_>> = values.iter().map(borrowed).collect();
        let mut record = Vec::new();
        let zero_tail = encode(&fields, true, &mut record);
        prop_assert_eq!(zero_tail, 0);
        prop_assert_eq!(&record, &naive_record(&values));
        let mut decoded = Values::new(&record).expect("a record");
        for field in &fields {
            let value = decoded.next_value().expect("a record");
            prop_assert_eq!(format!("{value:?}"), format!("{:?}", Some(field)));
        }
        prop_assert!(decoded.next_value().expect("a record").is_none());
    }

    /// What is printed parses to what prints the same, and means the same: SQLite answers both alike.
    #[test]
    fn a_printed_statement_means_what_it_meant(sql in statement()) {
        let Some(once) = printed(&sql) else { return Err(TestCaseError::fail(format!("does not parse: {sql}"))) };
        let twice = printed(&once);
        prop_assert_eq!(twice.as_ref(), Some(&once));
        let mut sqlite = Sqlite::memory();
        sqlite.must("CREATE TABLE t(a, b, c); CREATE TABLE u(d);
            INSERT INTO t VALUES(1, 'x', 2.5), (NULL, 'It''s', 0), (-3, x'0a', '7'), (100, 'a%', NULL);
            INSERT INTO u VALUES(1), (NULL)");
        let (before, after) = (sqlite.run(&sql), sqlite.run(&once));
        prop_assert_eq!(&before.rows, &after.rows, "{}", once);
        prop_assert_eq!(before.failure.map(|f| f.code), after.failure.map(|f| f.code), "{}", once);
    }
}
