//! CREATE statements for reading: with their schema's name, and broken into lines.

/// Words that may stand between CREATE and the kind of object.
const KINDS: [&str; 6] = ["TABLE", "VIEW", "INDEX", "UNIQUE INDEX", "TRIGGER", "VIRTUAL TABLE"];

/// Puts a schema's name before the name of what a statement creates. The engine stores statements as `CREATE kind name…`.
pub fn with_schema(sql: &str, schema: &str) -> String {
    let Some(rest) = sql.strip_prefix("CREATE ") else { return sql.to_owned() };
    for kind in KINDS {
        if let Some(name) = rest
            .get(..kind.len())
            .filter(|start| start.eq_ignore_ascii_case(kind))
            .map(|_| &rest[kind.len()..])
            && let Some(name) = name.strip_prefix(' ')
        {
            return format!("CREATE {} {schema}.{name}", &rest[..kind.len()]);
        }
    }
    sql.to_owned()
}

/// Statements shorter than this stay on one line.
const LONG: usize = 79;

/// A CREATE TABLE with white space evened out and, when it is long, a line for each column. Comments keep their lines.
pub fn indented(sql: &str) -> String {
    let even = even_spaces(sql);
    if even.len() < LONG { even } else { broken(&even) }
}

/// Length of a quoted text, a name in brackets or a comment at the start of `text`; 0 when there is none.
fn span(text: &str) -> usize {
    let closed =
        |from: usize, end: &str| text[from..].find(end).map_or(text.len(), |at| from + at + end.len());
    let bytes = text.as_bytes();
    match bytes.first() {
        Some(quote @ (b'\'' | b'"' | b'`')) => {
            bytes[1..].iter().position(|byte| byte == quote).map_or(text.len(), |at| at + 2)
        }
        Some(b'[') => closed(1, "]"),
        Some(b'-') if text.starts_with("--") => text.find('\n').unwrap_or(text.len()),
        Some(b'/') if text.starts_with("/*") => closed(2, "*/"),
        _ => 0,
    }
}

fn even_spaces(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql.trim();
    while let Some(character) = rest.chars().next() {
        let length = span(rest);
        if length > 0 {
            let comment = rest.starts_with("--");
            out.push_str(&rest[..length]);
            rest = &rest[length..];
            if comment {
                out.push('\n');
                rest = rest.trim_start();
            }
            continue;
        }
        let length = character.len_utf8();
        if character.is_ascii_whitespace() {
            rest = rest.trim_start();
            if !out.ends_with(['(', ' ', '\n']) && !rest.starts_with(['(', ')', ',']) {
                out.push(' ');
            }
            continue;
        }
        out.push(character);
        rest = &rest[length..];
        if character == '(' {
            rest = rest.trim_start();
        }
    }
    out
}

fn broken(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 64);
    let mut depth = 0usize;
    let mut rest = sql;
    while let Some(character) = rest.chars().next() {
        let length = span(rest).max(character.len_utf8());
        let part = &rest[..length];
        rest = &rest[length..];
        match character {
            ')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    out.push('\n');
                }
                out.push(')');
            }
            '(' => {
                depth += 1;
                out.push('(');
                if depth == 1 {
                    out.push_str("\n  ");
                }
            }
            ',' if depth == 1 => {
                // A comment behind the comma belongs to the column before it.
                let comment = rest.trim_start_matches(' ');
                out.push(',');
                if comment.starts_with("--") {
                    let end = span(comment);
                    out.push(' ');
                    out.push_str(&comment[..end]);
                    rest = comment[end..].trim_start();
                } else {
                    rest = comment;
                }
                out.push_str("\n  ");
            }
            _ => out.push_str(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_goes_before_the_name() {
        assert_eq!(with_schema("CREATE TABLE t(a)", "temp"), "CREATE TABLE temp.t(a)");
        assert_eq!(with_schema("CREATE UNIQUE INDEX i on t(a)", "b2"), "CREATE UNIQUE INDEX b2.i on t(a)");
        assert_eq!(with_schema("CREATE VIEW v as select 1", "b2"), "CREATE VIEW b2.v as select 1");
    }

    #[test]
    fn a_long_table_gets_a_line_for_each_column() {
        let sql = "CREATE TABLE t2(a INTEGER PRIMARY KEY, b BLOB DEFAULT(jsonb('[]')),c TEXT NOT NULL)STRICT";
        assert_eq!(
            indented(sql),
            "CREATE TABLE t2(\n  a INTEGER PRIMARY KEY,\n  b BLOB DEFAULT(jsonb('[]')),\n  c TEXT NOT NULL\n)STRICT"
        );
    }

    #[test]
    fn a_short_table_stays_on_its_line() {
        assert_eq!(
            indented("CREATE TABLE w(k primary  key,   v) without rowid"),
            "CREATE TABLE w(k primary key, v) without rowid"
        );
        assert_eq!(
            indented("CREATE TABLE q (x, -- comment\n y /* c2 */)"),
            "CREATE TABLE q(x, -- comment\ny /* c2 */)"
        );
    }

    #[test]
    fn quotes_hide_commas_and_parentheses() {
        let long = format!("CREATE TABLE t(a DEFAULT 'x,(', \"b,\" TEXT, c DEFAULT '{}')", "y".repeat(60));
        assert_eq!(indented(&long).lines().count(), 5);
    }
}
