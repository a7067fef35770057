//! Names resolved against small schemas. Error texts were seen at SQLite 3.54.1.

use std::sync::Arc;

use kernite_parser::ast::Statement;
use kernite_parser::{Limits, Parser};
use kernite_vdbe::function::registry::{CollationRegistry, FunctionRegistry};

use crate::bound::{BinaryOp, ExprFlags, ExprKind, FromSource, SelectId};
use crate::catalog::load::from_sql;
use crate::compile::{AuthAnswer, AuthRequest, Authorizer, CompileOptions, Compiler};

const SCHEMA: &[&str] = &[
    "CREATE TABLE t1(a INTEGER PRIMARY KEY, b TEXT COLLATE nocase, c REAL NOT NULL)",
    "CREATE TABLE t2(a, d, e)",
    "CREATE TABLE t3(a, x, y)",
    "CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID",
    "CREATE VIEW v1 AS SELECT a, b AS bee FROM t1",
    "CREATE VIEW v2(p, q) AS SELECT a, d FROM t2",
    "CREATE VIEW bad(p) AS SELECT a, d FROM t2",
    "CREATE VIEW loop1 AS SELECT * FROM loop2",
    "CREATE VIEW loop2 AS SELECT * FROM loop1",
];

struct Log(Vec<String>);

impl Authorizer for Log {
    fn authorize(&mut self, request: &AuthRequest<'_>) -> AuthAnswer {
        let text = |part: Option<&[u8]>| part.map_or("-".to_owned(), |p| String::from_utf8_lossy(p).into());
        self.0.push(format!(
            "{} {} {} {} {}",
            request.action,
            text(request.first),
            text(request.second),
            text(request.database),
            text(request.inside)
        ));
        AuthAnswer::Allow
    }
}

fn with<T>(sql: &str, look: impl FnOnce(Result<SelectId, String>, &Compiler<'_>) -> T) -> (T, Vec<String>) {
    let catalog = from_sql(SCHEMA);
    let (functions, collations) = (FunctionRegistry::default(), CollationRegistry::default());
    let options = CompileOptions::default();
    let parsed = Parser::new(Limits::default()).parse(sql.as_bytes()).unwrap().unwrap();
    let Statement::Select(select) = parsed.statement else { panic!("not a SELECT: {sql}") };
    let ast = Arc::from(parsed.ast);
    let mut log = Log(Vec::new());
    let seen = {
        let mut compiler =
            Compiler::new(&catalog, &functions, &collations, &options, Some(&mut log), Arc::clone(&ast));
        let id = super::select(&mut compiler, &ast, select).map_err(|error| error.to_string());
        look(id, &compiler)
    };
    (seen, log.0)
}

fn fails(sql: &str, message: &str) {
    let (result, _) = with(sql, |result, _| result);
    assert_eq!(result.expect_err(sql), message, "{sql}");
}

fn resolves(sql: &str) {
    let (result, _) = with(sql, |result, _| result);
    result.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn names(sql: &str) -> Vec<String> {
    let (names, _) = with(sql, |id, compiler| {
        let columns = super::result_columns(compiler, id.expect(sql));
        columns.iter().map(|column| String::from_utf8_lossy(&column.name).into_owned()).collect()
    });
    names
}

#[test]
fn a_missing_table_is_reported_before_a_missing_column_and_the_last_core_first() {
    fails("SELECT nosuch FROM t1 WHERE (SELECT 1 FROM missing)", "no such table: missing");
    fails("SELECT * FROM nosuch1 UNION SELECT * FROM nosuch2", "no such table: nosuch2");
    fails("SELECT * FROM main.nope", "no such table: main.nope");
    fails("SELECT * FROM other.t1", "no such table: other.t1");
}

#[test]
fn columns_that_are_missing_or_ambiguous() {
    fails("SELECT z FROM t1", "no such column: z");
    fails("SELECT t1.z FROM t1", "no such column: t1.z");
    fails("SELECT main.t1.z FROM t1", "no such column: main.t1.z");
    fails("SELECT a FROM t1, t2", "ambiguous column name: a");
    fails("SELECT rowid FROM t1, t2", "ambiguous column name: rowid");
    fails("SELECT rowid FROM w", "no such column: rowid");
    fails("SELECT t1.a FROM t1 AS x", "no such column: t1.a");
    resolves("SELECT x.rowid, x._rowid_, x.oid FROM t1 AS x");
    resolves("SELECT main.t1.a FROM t1");
}

#[test]
fn a_double_quoted_name_that_is_no_column_is_a_string() {
    let (text, _) = with("SELECT \"hello\" FROM t1", |id, compiler| {
        let select = &compiler.bound[id.unwrap()];
        compiler.bound[select.columns[0].expr].kind.clone()
    });
    assert!(matches!(text, ExprKind::Text(text) if &*text == b"hello"));
    fails("SELECT t1.\"hello\" FROM t1", "no such column: t1.hello");
}

#[test]
fn true_and_false_are_words_only_where_no_column_has_that_name() {
    let (kind, _) = with("SELECT true FROM t1", |id, compiler| {
        let select = &compiler.bound[id.unwrap()];
        let node = &compiler.bound[select.columns[0].expr];
        (node.kind.clone(), node.flags.has(ExprFlags::BOOLEAN_LITERAL))
    });
    assert!(matches!(kind, (ExprKind::Integer(1), true)));
    resolves("SELECT true.a FROM t1 AS true");
    fails("SELECT \"true\".a FROM t1", "no such column: true.a");
}

#[test]
fn star_expands_joins_as_sqlite_names_them() {
    assert_eq!(names("SELECT * FROM t1"), ["a", "b", "c"]);
    assert_eq!(names("SELECT * FROM t1 JOIN t2 USING(a)"), ["a", "b", "c", "d", "e"]);
    assert_eq!(names("SELECT * FROM t1 NATURAL JOIN t2"), ["a", "b", "c", "d", "e"]);
    assert_eq!(names("SELECT * FROM t1 JOIN t2 ON t1.a=t2.a"), ["a", "b", "c", "a", "d", "e"]);
    assert_eq!(names("SELECT t2.* FROM t1, t2"), ["a", "d", "e"]);
    assert_eq!(names("SELECT * FROM (SELECT a, a FROM t2)"), ["a", "a:1"]);
    assert_eq!(
        names("SELECT * FROM (t1 JOIN t2 USING(a)) JOIN t3 USING(a)"),
        ["a", "b", "c", "d", "e", "x", "y"]
    );
    assert_eq!(names("SELECT a+1, b AS z, 'x' || b FROM t1"), ["a+1", "z", "'x' || b"]);
    assert_eq!(names("SELECT * FROM (VALUES(1,2),(3,4))"), ["column1", "column2"]);
    assert_eq!(names("SELECT * FROM v1"), ["a", "bee"]);
    assert_eq!(names("SELECT * FROM v2"), ["p", "q"]);
    assert_eq!(names("SELECT ROWID, T1.B FROM t1"), ["a", "b"]);
    fails("SELECT nope.* FROM t1", "no such table: nope");
    fails("SELECT *", "no tables specified");
}

#[test]
fn joins_that_cannot_be() {
    fails(
        "SELECT * FROM t1 JOIN t2 USING(zz)",
        "cannot join using column zz - column not present in both tables",
    );
    fails("SELECT * FROM t1 NATURAL JOIN t2 ON 1", "a NATURAL join may not have an ON or USING clause");
    fails(
        "SELECT * FROM t1 LEFT JOIN t2 ON t3.a=1 LEFT JOIN t3 ON 1",
        "ON clause references tables to its right",
    );
    resolves("SELECT * FROM t1 JOIN t2 ON t3.a=1 JOIN t3 ON 1");
}

#[test]
fn a_full_join_merges_a_column_by_coalesce() {
    let (kinds, _) = with("SELECT a, t2.a FROM t1 FULL JOIN t2 USING(a)", |id, compiler| {
        let select = &compiler.bound[id.unwrap()];
        select.columns.iter().map(|column| compiler.bound[column.expr].kind.clone()).collect::<Vec<_>>()
    });
    assert!(matches!(&kinds[0], ExprKind::Function(call) if &*call.function.name == "coalesce"));
    assert!(matches!(&kinds[1], ExprKind::Column { .. }));
}

#[test]
fn on_becomes_where_and_says_whose_it_is() {
    let (seen, _) = with("SELECT 1 FROM t1 LEFT JOIN t2 ON t1.a=t2.a WHERE c>1", |id, compiler| {
        let select = &compiler.bound[id.unwrap()];
        let ExprKind::Binary { op: BinaryOp::And, left, right } = compiler.bound[select.filter.unwrap()].kind
        else {
            panic!("not an AND")
        };
        let flags = |id: crate::bound::ExprId| compiler.bound[id].flags.has(ExprFlags::OUTER_ON);
        (flags(left), flags(right), compiler.bound[right].join_cursor == Some(select.from[1].cursor))
    });
    assert_eq!(seen, (false, true, true));
}

#[test]
fn functions_and_where_they_may_stand() {
    fails("SELECT nosuch(1) FROM t1", "no such function: nosuch");
    fails("SELECT abs(1,2) FROM t1", "wrong number of arguments to function abs()");
    fails("SELECT nosuch(zz) FROM t1", "no such column: zz");
    fails("SELECT a FROM t1 WHERE count(*)>1", "misuse of aggregate function count()");
    fails("SELECT sum(sum(a)) FROM t1", "misuse of aggregate function sum()");
    fails("SELECT a FROM t1 GROUP BY sum(a)", "aggregate functions are not allowed in the GROUP BY clause");
    fails("SELECT a FROM t1 HAVING a>1", "HAVING clause on a non-aggregate query");
    fails("SELECT sum(a) AS s FROM t1 HAVING sum(s)>1", "misuse of aliased aggregate s");
    fails("SELECT row_number() FROM t1", "misuse of window function row_number()");
    fails("SELECT abs(a) OVER () FROM t1", "abs() may not be used as a window function");
    fails("SELECT sum(a) OVER w FROM t1", "no such window: w");
    // The first window of a clause has none before it to extend, and is not asked which one it names.
    resolves("SELECT sum(a) OVER w FROM t1 WINDOW w AS (u), v AS (w)");
    fails("SELECT abs(a) FILTER (WHERE 1) FROM t1", "FILTER may not be used with non-aggregate abs()");
    fails("SELECT abs(a ORDER BY b) FROM t1", "ORDER BY may not be used with non-aggregate abs()");
    fails(
        "SELECT likelihood(a, 2.0) FROM t1",
        "second argument to likelihood() must be a constant between 0.0 and 1.0",
    );
    resolves("SELECT sum(a) FILTER (WHERE b='x') OVER (PARTITION BY c ORDER BY a) FROM t1");
}

#[test]
fn order_by_and_group_by_terms() {
    fails("SELECT a FROM t1 ORDER BY 2", "1st ORDER BY term out of range - should be between 1 and 1");
    fails("SELECT a FROM t1 ORDER BY 1, 0", "2nd ORDER BY term out of range - should be between 1 and 1");
    fails("SELECT a FROM t1 GROUP BY 3", "1st GROUP BY term out of range - should be between 1 and 1");
    fails(
        "SELECT a FROM t1 UNION SELECT d FROM t2 ORDER BY zz",
        "1st ORDER BY term does not match any column in the result set",
    );
    let (columns, _) = with("SELECT a AS x, c FROM t1 ORDER BY x DESC, c, 1, b", |id, compiler| {
        let select = &compiler.bound[id.unwrap()];
        select.order_by.iter().map(|term| (term.result_column, term.descending)).collect::<Vec<_>>()
    });
    assert_eq!(columns, [(1, true), (2, false), (1, false), (0, false)]);
    let (columns, _) = with("SELECT a FROM t1 UNION ALL SELECT d FROM t2 ORDER BY d", |id, compiler| {
        compiler.bound[id.unwrap()].order_by[0].result_column
    });
    assert_eq!(columns, 1);
}

#[test]
fn a_compound_with_collate_in_order_by_is_wrapped() {
    let (seen, _) =
        with("SELECT b FROM t1 UNION SELECT d FROM t2 ORDER BY 1 COLLATE rtrim", |id, compiler| {
            let select = &compiler.bound[id.unwrap()];
            (
                select.flags.converted,
                select.prior.is_none(),
                select.order_by.len(),
                select.order_by[0].result_column,
            )
        });
    assert_eq!(seen, (true, true, 1, 1));
}

#[test]
fn cores_of_a_compound_have_as_many_columns() {
    fails(
        "SELECT a, b FROM t1 UNION ALL SELECT d FROM t2",
        "SELECTs to the left and right of UNION ALL do not have the same number of result columns",
    );
}

#[test]
fn row_values_have_to_fit() {
    fails("SELECT (1,2)=(1,2,3)", "row value misused");
    fails("SELECT (1,2)=3", "row value misused");
    resolves("SELECT (1,2) IN ((1,2),(3,4))");
}

#[test]
fn common_table_expressions() {
    resolves("WITH x AS (SELECT a FROM t1) SELECT * FROM x, x AS y");
    resolves("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<5) SELECT i FROM n");
    fails("WITH x AS (SELECT * FROM x) SELECT * FROM x", "circular reference: x");
    fails(
        "WITH x(i) AS (SELECT 1 UNION ALL SELECT x.i FROM x, x AS y) SELECT * FROM x",
        "multiple references to recursive table: x",
    );
    fails("WITH x(p,q) AS (SELECT 1) SELECT * FROM x", "table x has 1 values for 2 columns");
    fails("WITH x AS (SELECT 1) SELECT * FROM x INDEXED BY i", "no such index: \"i\"");
    let (uses, _) = with("WITH x AS (SELECT a FROM t1) SELECT * FROM x, x AS y", |id, compiler| {
        id.unwrap();
        compiler.bound.ctes.iter().map(|cte| cte.uses).collect::<Vec<_>>()
    });
    assert_eq!(uses, [2]);
}

#[test]
fn a_recursive_table_is_read_by_a_cursor_of_its_own() {
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<5) SELECT i FROM n";
    let (seen, _) = with(sql, |id, compiler| {
        let bound = &compiler.bound;
        let item = &bound[id.unwrap()].from[0];
        let FromSource::Subquery { select, cte: Some(0), .. } = item.source else { panic!("no CTE") };
        let inner = &bound[select].from[0];
        (
            matches!(inner.source, FromSource::Recursive),
            inner.cursor != item.cursor,
            bound.columns_of(inner.cursor).len(),
        )
    });
    assert_eq!(seen, (true, true, 1));
}

#[test]
fn views_that_are_wrong() {
    fails("SELECT * FROM loop1", "view loop1 is circularly defined");
    fails("SELECT * FROM bad", "expected 1 columns for 'bad' but got 2");
}

#[test]
fn correlated_subqueries_are_known_and_aggregates_find_their_query() {
    let (seen, _) =
        with("SELECT (SELECT d FROM t2 WHERE t2.a=t1.a), (SELECT d FROM t2) FROM t1", |id, compiler| {
            let select = &compiler.bound[id.unwrap()];
            select
                .columns
                .iter()
                .map(|column| compiler.bound[column.expr].flags.has(ExprFlags::CORRELATED))
                .collect::<Vec<_>>()
        });
    assert_eq!(seen, [true, false]);
    let (seen, _) = with("SELECT (SELECT sum(t1.a) FROM t2) FROM t1", |id, compiler| {
        let bound = &compiler.bound;
        let outer = &bound[id.unwrap()];
        let ExprKind::Subquery(inner) = bound[outer.columns[0].expr].kind else { panic!("no subquery") };
        let ExprKind::Function(call) = &bound[bound[inner].columns[0].expr].kind else { panic!("no call") };
        (outer.flags.aggregate, bound[inner].flags.aggregate, call.aggregate_depth)
    });
    assert_eq!(seen, (true, false, 1));
}

#[test]
fn is_null_of_a_not_null_column_is_known_in_where() {
    let (kind, _) = with("SELECT 1 FROM t1 WHERE c IS NULL", |id, compiler| {
        compiler.bound[compiler.bound[id.unwrap()].filter.unwrap()].kind.clone()
    });
    assert!(matches!(kind, ExprKind::Integer(0)));
    let (kind, _) = with("SELECT 1 FROM t2 LEFT JOIN t1 WHERE c IS NULL", |id, compiler| {
        compiler.bound[compiler.bound[id.unwrap()].filter.unwrap()].kind.clone()
    });
    assert!(matches!(kind, ExprKind::Unary { .. }));
}

#[test]
fn the_authorizer_is_asked_about_columns_and_functions_in_order() {
    let (result, log) = with("SELECT abs(bee), d FROM v1, t2 WHERE v1.a=1", |result, _| result);
    result.unwrap();
    assert_eq!(
        log,
        [
            "20 t1 a main v1",
            "20 t1 b main v1",
            "31 - abs - -",
            "20 v1 bee main -",
            "20 t2 d main -",
            "20 v1 a main -",
        ]
    );
}

#[test]
fn columns_of_subqueries_have_affinity_and_collation() {
    let (seen, _) =
        with("SELECT * FROM (SELECT a, b, c, a+1, d FROM t1 JOIN t2 USING(a))", |id, compiler| {
            let cursor = compiler.bound[id.unwrap()].from[0].cursor;
            let columns = compiler.bound.columns_of(cursor);
            columns
                .iter()
                .map(|column| (column.affinity, column.collation.as_deref().map(<[u8]>::to_vec)))
                .collect::<Vec<_>>()
        });
    assert_eq!(seen[0].0, b'D');
    assert_eq!((seen[1].0, seen[1].1.as_deref()), (b'B', Some(&b"nocase"[..])));
    assert_eq!(seen[2].0, b'E');
    assert_eq!(seen[3].0, 0);
    assert_eq!(seen[4].0, b'A');
}

#[test]
fn numbers_of_selects_follow_the_text() {
    let sql = "SELECT (SELECT 1) FROM t1 WHERE a IN (SELECT a FROM t2) UNION SELECT (SELECT 2)";
    let (ids, _) = with(sql, |id, compiler| {
        id.unwrap();
        compiler.bound.selects.iter().map(|select| select.id).collect::<Vec<_>>()
    });
    // First core, second core, then what stands in them, last core first.
    assert_eq!(ids, [3, 5, 4, 1, 2]);
}

#[test]
fn a_deep_expression_needs_no_deep_stack() {
    let sql = format!("SELECT 1{}", "+1".repeat(900));
    let run = move || resolves(&sql);
    std::thread::Builder::new().stack_size(512 << 10).spawn(run).unwrap().join().unwrap();
}
