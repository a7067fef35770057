//! What the tree says about a text: grouping, spans, names, parameters, features.

use kernite_parser::ast::{
    AlterAction, Ast, ColumnConstraintKind, Core, CoreBody, Expr, ExprId, JoinType, Name, Quote,
    ResultColumn, ResultColumnKind, SelectCore, SourceKind, Statement, TableBody, TableConstraintKind, Text,
};
use kernite_parser::{Explain, Features, Limits, Parsed, Parser, print};

fn parse(sql: impl AsRef<[u8]>) -> Parsed {
    let sql = sql.as_ref();
    match Parser::new(Limits::default()).parse(sql) {
        Ok(parsed) => parsed.expect("a statement"),
        Err(e) => panic!("{}: {e}", String::from_utf8_lossy(sql)),
    }
}

fn core(parsed: &Parsed) -> SelectCore {
    let Statement::Select(select) = parsed.statement else { panic!("no SELECT") };
    match parsed.ast.list(parsed.ast[select].cores) {
        [Core { body: CoreBody::Select(core), .. }, ..] => *core,
        other => panic!("{other:?}"),
    }
}

fn columns(parsed: &Parsed) -> &[ResultColumn] {
    parsed.ast.list(core(parsed).columns)
}

fn first_expr(parsed: &Parsed) -> ExprId {
    match columns(parsed)[0].kind {
        ResultColumnKind::Expr { expr, .. } => expr,
        other => panic!("{other:?}"),
    }
}

fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The expression with every operator in brackets.
fn grouped(ast: &Ast, expr: ExprId) -> String {
    let g = |expr| grouped(ast, expr);
    match *ast.expr(expr) {
        Expr::Unary { op, operand } => format!("[{op:?} {}]", g(operand)),
        Expr::Binary { op, left, right } => format!("[{} {op:?} {}]", g(left), g(right)),
        Expr::IsNull { operand, negated } => {
            format!("[{} null{}]", g(operand), if negated { "!" } else { "" })
        }
        Expr::Like { left, right, escape, .. } => {
            let escape = escape.map(|e| format!(" esc {}", g(e))).unwrap_or_default();
            format!("[{} like {}{escape}]", g(left), g(right))
        }
        Expr::Between { operand, low, high, .. } => format!("[{} in {}..{}]", g(operand), g(low), g(high)),
        Expr::InList { operand, list, .. } => format!("[{} in {} terms]", g(operand), list.len()),
        Expr::Collate { operand, .. } => format!("[{} coll]", g(operand)),
        Expr::Vector(list) => {
            format!("({})", ast.list(list).iter().map(|&e| g(e)).collect::<Vec<_>>().join(","))
        }
        _ => utf8(ast.source(ast[expr].span)).to_owned(),
    }
}

#[track_caller]
fn check(expr: &str, expected: &str) {
    let parsed = parse(format!("SELECT {expr} FROM t"));
    assert_eq!(grouped(&parsed.ast, first_expr(&parsed)), expected, "{expr}");
}

#[test]
fn operators_group_by_precedence() {
    check(
        "a OR b AND c = d < e & f + g * h || i",
        "[a Or [b And [c Eq [d Lt [e BitAnd [f Add [g Multiply [h Concat i]]]]]]]]",
    );
    check(
        "a || b * c + d | e > f != g AND h OR i",
        "[[[[[[[[a Concat b] Multiply c] Add d] BitOr e] Gt f] Ne g] And h] Or i]",
    );
    check("a - b - c", "[[a Subtract b] Subtract c]");
    check("a = b IS c", "[[a Eq b] Is c]");
    check("- a COLLATE nocase || b", "[[[Minus a] coll] Concat b]");
    check("- - a", "[Minus [Minus a]]");
    check("~a ->> b", "[[BitNot a] ArrowText b]");
    check("((a + b)) * c", "[[a Add b] Multiply c]");
    check("(a, b + 1, (c, d))", "(a,[b Add 1],(c,d))");
}

#[test]
fn not_is_below_the_comparisons_and_above_and() {
    check("NOT a = b AND c", "[[Not [a Eq b]] And c]");
    check("1 + NOT a = b AND c", "[[1 Add [Not [a Eq b]]] And c]");
    check("NOT a NOT NULL", "[Not [a null!]]");
    check("a = b NOT NULL", "[[a Eq b] null!]");
    check("NOT a IS NOT b", "[Not [a IsNot b]]");
}

#[test]
fn between_takes_the_first_and() {
    check("a BETWEEN b AND c AND d", "[[a in b..c] And d]");
    check("a BETWEEN b AND c = d", "[[a in b..c] Eq d]");
    check("a BETWEEN b + 1 AND c < d", "[a in [b Add 1]..[c Lt d]]");
    check("a BETWEEN b = c AND d", "[a in [b Eq c]..d]");
    check("a BETWEEN b BETWEEN c AND d AND e", "[a in [b in c..d]..e]");
    check("a OR b NOT BETWEEN c AND d OR e", "[[a Or [b in c..d]] Or e]");
}

#[test]
fn escape_belongs_to_the_nearest_like_without_one() {
    check("a LIKE b ESCAPE c = d", "[[a like b esc c] Eq d]");
    check("a LIKE b || c ESCAPE d < e", "[a like [b Concat c] esc [d Lt e]]");
    check("a LIKE NOT b LIKE c ESCAPE d ESCAPE e", "[a like [Not [b like c esc d]] esc e]");
}

#[test]
fn is_has_four_forms() {
    check("a IS b", "[a Is b]");
    check("a IS NOT b", "[a IsNot b]");
    check("a IS DISTINCT FROM b", "[a IsNot b]");
    check("a IS NOT DISTINCT FROM b", "[a Is b]");
    check("a IS NOT b + 1", "[a IsNot [b Add 1]]");
    check("a IS NULL", "[a null]");
    check("a IS NOT (NULL)", "[a null!]");
}

#[test]
fn constants_fold_where_sqlite_does_not_look_up_names() {
    let folded = |sql: &str| {
        let parsed = parse(sql);
        match *parsed.ast.expr(first_expr(&parsed)) {
            Expr::Integer(text) => utf8(parsed.ast.text(text)).to_owned(),
            Expr::Bool(value) => value.to_string(),
            other => format!("{other:?}").split([' ', '(']).next().unwrap().to_owned(),
        }
    };
    assert_eq!(folded("SELECT 5 IS NULL"), "0");
    assert_eq!(folded("SELECT -'x' NOTNULL"), "1");
    assert_eq!(folded("SELECT nosuch AND 0"), "0");
    assert_eq!(folded("SELECT 0x00 AND a AND b"), "0");
    assert_eq!(folded("SELECT f() AND 0"), "Binary");
    assert_eq!(folded("SELECT 1 AND a"), "Binary");
    assert_eq!(folded("SELECT nosuch IN ()"), "false");
    assert_eq!(folded("SELECT nosuch NOT IN ()"), "true");
    assert_eq!(folded("SELECT f(a) IN ()"), "Binary");
    assert_eq!(folded("SELECT a IN ((SELECT 1))"), "InSelect");
    let mut parser = Parser::new(Limits { renaming: true, ..Limits::default() });
    let parsed = parser.parse(b"SELECT a AND 0").unwrap().unwrap();
    assert!(matches!(parsed.ast.expr(first_expr(&parsed)), Expr::Binary { .. }));
}

#[test]
fn a_plus_below_a_sign_disappears() {
    check("+ + - + a", "[Plus [Minus a]]");
}

#[test]
fn result_columns_keep_their_text_up_to_the_next_token() {
    let texts = |sql: &str| {
        let parsed = parse(sql);
        columns(&parsed).iter().map(|c| utf8(parsed.ast.source(c.span)).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(texts("SELECT  a+ b  ,(c) AS x FROM t"), ["a+ b", "(c)"]);
    assert_eq!(texts("SELECT a /* note */ , b -- end\nFROM t"), ["a /* note */", "b -- end"]);
    assert_eq!(texts("SELECT 1"), ["1"]);
    assert_eq!(texts("SELECT t.*, *"), ["t.*", "*"]);
}

#[test]
fn spans_cover_inner_parentheses_but_not_the_outer_ones() {
    let parsed = parse("SELECT ((a) + (b)) FROM t");
    let span = parsed.ast[first_expr(&parsed)].span;
    assert_eq!(parsed.ast.source(span), b"(a) + (b)");
}

#[test]
fn names_keep_their_quotes_and_lose_them() {
    let parsed = parse(r#"SELECT a, "b""c", [d e], `f`, x.'g' FROM "t" 'u'"#);
    let names = parsed.ast.all::<Name>();
    let seen: Vec<_> = names.iter().map(|n| (utf8(parsed.ast.text(n.value)), n.quote)).collect();
    let expected = [
        ("a", Quote::None),
        ("b\"c", Quote::Double),
        ("d e", Quote::Bracket),
        ("f", Quote::Backtick),
        ("x", Quote::None),
        ("g", Quote::Single),
        ("t", Quote::Double),
        ("u", Quote::Single),
    ];
    assert_eq!(seen, expected);
    assert_eq!(parsed.ast.source(names[1].source), b"\"b\"\"c\"");
    assert!(parsed.features.any(Features::DOUBLE_QUOTED));
}

#[test]
fn literals_hold_any_bytes() {
    let parsed = parse(b"SELECT '\xff''\xfe', x'0aFF'".as_slice());
    let text = |text: Text| parsed.ast.text(text).to_vec();
    let values: Vec<_> = columns(&parsed)
        .iter()
        .map(|c| match c.kind {
            ResultColumnKind::Expr { expr, .. } => match *parsed.ast.expr(expr) {
                Expr::String(t) | Expr::Blob(t) => text(t),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(values, [b"\xff'\xfe".to_vec(), b"0aFF".to_vec()]);
}

#[test]
fn digit_separators_are_taken_out() {
    let number = |sql: &str| {
        let parsed = parse(sql);
        match *parsed.ast.expr(first_expr(&parsed)) {
            Expr::Integer(t) => format!("int {}", utf8(parsed.ast.text(t))),
            Expr::Float(t) => format!("real {}", utf8(parsed.ast.text(t))),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(number("SELECT 1_000"), "int 1000");
    assert_eq!(number("SELECT 1_0.2_5e1_0"), "real 10.25e10");
    assert_eq!(number("SELECT 0xE_f"), "int 0xEf");
}

#[test]
fn parameters_are_numbered_as_sqlite_numbers_them() {
    let parsed = parse("SELECT ?, :a, ?5, @b, $c::d(e), :a, ?, ?2, #x");
    let numbers: Vec<_> = columns(&parsed)
        .iter()
        .map(|c| match c.kind {
            ResultColumnKind::Expr { expr, .. } => match *parsed.ast.expr(expr) {
                Expr::Parameter(number) => number,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(numbers, [1, 2, 5, 6, 7, 2, 8, 2, 9]);
    let p = &parsed.parameters;
    assert_eq!(p.count, 9);
    let name = |number| p.name(&parsed.ast, number).map(utf8);
    assert_eq!([name(1), name(2), name(3), name(5)], [None, Some(":a"), None, Some("?5")]);
    assert_eq!([name(6), name(7), name(8), name(9)], [Some("@b"), Some("$c::d(e)"), None, Some("#x")]);
    assert_eq!(p.number(&parsed.ast, b":a"), Some(2));
    assert_eq!(p.number(&parsed.ast, b":A"), None);
}

#[test]
fn statements_follow_one_another() {
    let sql = b" ; SELECT 1 ;-- c\n SELECT 2;/* end */ ";
    let mut parser = Parser::new(Limits::default());
    let mut at = 0;
    let mut printed = Vec::new();
    while let Some(parsed) = parser.parse(&sql[at..]).unwrap() {
        at += parsed.end;
        printed.push(print(&parsed));
        parser.recycle(parsed);
    }
    assert_eq!(printed, [b"SELECT 1", b"SELECT 2"]);
}

#[test]
fn a_nul_byte_ends_the_text() {
    assert_eq!(print(&parse(b"SELECT 1\0 garbage '".as_slice())), b"SELECT 1");
    let open = Parser::new(Limits::default()).parse(b"SELECT 'a\0'").unwrap_err();
    assert_eq!(open.message, b"unrecognized token: \"'a\"");
}

#[test]
fn explain_is_a_mark_on_the_statement() {
    assert_eq!(parse("EXPLAIN SELECT 1").explain, Explain::Program);
    assert_eq!(parse("explain query plan DELETE FROM t").explain, Explain::QueryPlan);
}

#[test]
fn joins_stand_on_their_right_side() {
    let parsed = parse("SELECT * FROM a, b NATURAL LEFT JOIN c CROSS JOIN d FULL OUTER JOIN e ON x");
    let from = parsed.ast.list(core(&parsed).from);
    let joins: Vec<_> = from.iter().map(|s| s.join).collect();
    assert_eq!(joins[0], JoinType::NONE);
    assert_eq!(joins[1], JoinType::INNER);
    assert_eq!(joins[2], JoinType::NATURAL.with(JoinType::LEFT).with(JoinType::OUTER));
    assert_eq!(joins[3], JoinType::INNER.with(JoinType::CROSS));
    assert_eq!(joins[4], JoinType::LEFT.with(JoinType::RIGHT).with(JoinType::OUTER));
    assert!(parsed.features.any(Features::OUTER_JOIN) && parsed.features.any(Features::NATURAL_OR_USING));
}

#[test]
fn parentheses_around_sources_vanish_where_they_change_nothing() {
    let printed = |sql: &str| String::from_utf8(print(&parse(sql))).unwrap();
    assert_eq!(printed("SELECT * FROM ((a, b), c)"), "SELECT * FROM a JOIN b JOIN c");
    assert_eq!(printed("SELECT * FROM (a AS x) AS y"), "SELECT * FROM a AS y");
    assert_eq!(printed("SELECT * FROM a, (b AS x)"), "SELECT * FROM a JOIN b");
    assert_eq!(
        printed("SELECT * FROM a LEFT JOIN (b, c) USING (i)"),
        "SELECT * FROM a LEFT JOIN (b JOIN c) USING (i)"
    );
    let parsed = parse("SELECT * FROM a, (b, c)");
    let from = parsed.ast.list(core(&parsed).from);
    assert!(matches!(from[1].kind, SourceKind::Join(inner) if inner.len() == 2));
}

#[test]
fn words_are_keywords_only_where_the_grammar_wants_them() {
    let printed = |sql: &str| String::from_utf8(print(&parse(sql))).unwrap();
    assert_eq!(
        printed("SELECT count(*) over, sum(a) over w FROM t window"),
        "SELECT count(*) AS over, sum(a) OVER w FROM t AS window"
    );
    assert_eq!(
        printed("SELECT filter, window, over FROM abort offset"),
        "SELECT filter, window, over FROM abort AS offset"
    );
    assert_eq!(
        printed("SELECT replace(a, b, c) vacuum, like(1, 2) FROM t"),
        "SELECT replace(a, b, c) AS vacuum, like(1, 2) FROM t"
    );
    assert_eq!(
        printed("SELECT left.a FROM left LEFT JOIN right ON 1"),
        "SELECT left.a FROM left LEFT JOIN right ON 1"
    );
    assert_eq!(
        printed("WITH recursive recursive AS (SELECT 1) SELECT *"),
        "WITH RECURSIVE recursive AS (SELECT 1) SELECT *"
    );
}

fn table(parsed: &Parsed) -> (TableBody, String) {
    let Statement::CreateTable(table) = parsed.statement else { panic!("no table") };
    (table.body, utf8(parsed.ast.source(table.definition)).to_owned())
}

#[test]
fn definitions_are_the_text_that_sqlite_stores() {
    let stored = |sql: &str| {
        let parsed = parse(sql);
        let span = match parsed.statement {
            Statement::CreateTable(t) => t.definition,
            Statement::CreateIndex(i) => i.definition,
            Statement::CreateView(v) => v.definition,
            Statement::CreateTrigger(t) => t.definition,
            Statement::CreateVirtualTable(t) => t.definition,
            other => panic!("{other:?}"),
        };
        utf8(parsed.ast.source(span)).to_owned()
    };
    assert_eq!(stored("CREATE TEMP TABLE main.t (a)  ;"), "t (a)");
    assert_eq!(stored("CREATE TABLE t(a) STRICT  ;"), "t(a) STRICT  ");
    assert_eq!(stored("create index if not exists i on t(a)  /*c*/ ;"), "i on t(a)  /*c*/ ");
    assert_eq!(stored("create view v as select 1  ;"), "v as select 1");
    assert_eq!(
        stored("create trigger main.\"r\" after insert on t begin select 1; end ;"),
        "\"r\" after insert on t begin select 1; end"
    );
    assert_eq!(stored("create virtual table v using m (a, b c) ;"), "v using m (a, b c)");
    assert_eq!(stored("create virtual table v using m ;"), "v using m");
}

#[test]
fn types_are_kept_as_sqlite_keeps_them() {
    let value = |definition: &str| {
        let parsed = parse(format!("CREATE TABLE t(a {definition})"));
        let (TableBody::Columns { columns, .. }, _) = table(&parsed) else { panic!("no columns") };
        let type_name = parsed.ast.list(columns)[0].type_name;
        type_name.map(|t| utf8(parsed.ast.text(t.value)).to_owned())
    };
    assert_eq!(value(""), None);
    assert_eq!(value("VARCHAR /*x*/ ( 10,-2 ) NOT NULL"), Some("VARCHAR /*x*/ ( 10,-2 )".to_owned()));
    assert_eq!(value("INT GENERATED ALWAYS AS (1)"), Some("INT".to_owned()));
    assert_eq!(value("GENERATED ALWAYS AS (1)"), Some(String::new()));
    assert_eq!(value("\"big int\""), Some("big int".to_owned()));
    assert_eq!(value("'a''b' c"), Some("a'b".to_owned()));
    assert_eq!(value("[ab] int"), Some("ab] in".to_owned()));
}

#[test]
fn constraints_keep_their_texts_and_the_name_in_force() {
    let parsed = parse(
        "CREATE TABLE t(a CONSTRAINT n NOT NULL CHECK ( a > 0 ) DEFAULT ( 1 + 2 ) DEFAULT -5, b DEFAULT x CONSTRAINT m, \
         CHECK (b) CHECK(c), CONSTRAINT k UNIQUE (a))",
    );
    let ast = &parsed.ast;
    let (TableBody::Columns { columns, constraints, .. }, _) = table(&parsed) else { panic!("no columns") };
    let mut texts = Vec::new();
    for constraint in ast.list(ast.list(columns)[0].constraints) {
        let name = constraint.name.map(|n| utf8(ast.name(n)));
        match constraint.kind {
            ColumnConstraintKind::Check(check) => texts.push((name, utf8(ast.source(check.text)))),
            ColumnConstraintKind::Default { text, .. } => texts.push((name, utf8(ast.source(text)))),
            _ => {}
        }
    }
    assert_eq!(texts, [(Some("n"), "a > 0"), (Some("n"), "1 + 2"), (Some("n"), "-5")]);
    let names: Vec<_> = ast.list(constraints).iter().map(|c| c.name.map(|n| utf8(ast.name(n)))).collect();
    assert_eq!(names, [Some("m"), Some("m"), Some("k"), Some("k")]);
    assert!(matches!(ast.list(constraints)[3].kind, TableConstraintKind::Unique { .. }));
}

#[test]
fn columns_end_is_where_another_column_fits() {
    let end = |sql: &str| {
        let parsed = parse(sql);
        match table(&parsed).0 {
            TableBody::Columns { columns_end, .. } => columns_end as usize,
            TableBody::Select(_) => panic!("no columns"),
        }
    };
    let with = "CREATE TABLE t(a, b INT , UNIQUE (a))";
    assert_eq!(end(with), with.find(", UNIQUE").unwrap());
    let without = "CREATE TABLE t(a, b INT )";
    assert_eq!(end(without), without.find(')').unwrap());
}

#[test]
fn added_columns_keep_their_text() {
    let parsed = parse("ALTER TABLE t ADD COLUMN c INT DEFAULT 1 /*x*/ ;");
    let Statement::AlterTable(alter) = parsed.statement else { panic!("no ALTER") };
    let AlterAction::AddColumn(column) = alter.action else { panic!("no column") };
    assert_eq!(parsed.ast.source(column.span), b"c INT DEFAULT 1 /*x*/");
    assert_eq!(column.constraints.len(), 1);
}

#[test]
fn module_arguments_are_texts() {
    let parsed = parse("CREATE VIRTUAL TABLE v USING m( a  b , , (c,d) e, 'x;y' ; )");
    let Statement::CreateVirtualTable(table) = parsed.statement else { panic!("no table") };
    let arguments: Vec<_> =
        parsed.ast.list(table.arguments).iter().map(|&s| utf8(parsed.ast.source(s))).collect();
    assert_eq!(arguments, ["a  b", "(c,d) e", "'x;y' ;"]);
}

#[test]
fn trigger_steps_have_spans_without_their_semicolon() {
    let parsed = parse("CREATE TRIGGER r UPDATE OF a, b ON t WHEN new.a BEGIN SELECT 1 ; DELETE FROM t; END");
    let Statement::CreateTrigger(trigger) = parsed.statement else { panic!("no trigger") };
    let steps: Vec<_> =
        parsed.ast.list(trigger.steps).iter().map(|s| utf8(parsed.ast.source(s.span))).collect();
    assert_eq!(steps, ["SELECT 1", "DELETE FROM t"]);
    assert_eq!(trigger.columns.len(), 2);
}

#[test]
fn features_tell_which_passes_are_needed() {
    let has = |sql: &str, feature: Features| parse(sql).features.any(feature);
    let all = Features::SUBQUERY
        .with(Features::CALL)
        .with(Features::WINDOW)
        .with(Features::COMPOUND)
        .with(Features::OUTER_JOIN)
        .with(Features::WITH)
        .with(Features::GROUP_BY);
    assert!(!has("SELECT a, b FROM t, u WHERE a = ?1 ORDER BY b LIMIT 5", all));
    assert!(has("SELECT 1 WHERE EXISTS (SELECT 2)", Features::SUBQUERY));
    assert!(has("SELECT count(*) FROM t", Features::CALL));
    assert!(has("SELECT count(*) OVER () FROM t", Features::WINDOW));
    assert!(has("SELECT 1 UNION SELECT 2", Features::COMPOUND));
    assert!(has("WITH x AS (SELECT 1) SELECT 2", Features::WITH));
    assert!(has("SELECT a FROM t GROUP BY a", Features::GROUP_BY));
    assert!(has("SELECT * FROM t RIGHT JOIN u", Features::RIGHT_JOIN));
    assert!(has("VALUES (1), (2)", Features::MULTI_VALUES));
}

#[test]
fn update_and_delete_take_order_by_and_limit_behind_returning() {
    let printed = |sql: &str| String::from_utf8(print(&parse(sql))).unwrap();
    let update = "UPDATE t SET a = 1 WHERE b RETURNING c ORDER BY d DESC LIMIT 2 OFFSET 3";
    assert_eq!(printed(update), update);
    assert_eq!(printed("DELETE FROM t ORDER BY a LIMIT 1, 2"), "DELETE FROM t ORDER BY a LIMIT 2 OFFSET 1");
}
