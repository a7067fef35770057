//! Errors of SQL as people see them: what is wrong, where the statement came from, and the place in it.
//!
//! ```text
//! Parse error near line 2: no such column: nosuch
//!   select nosuch from sqlite_schema;
//!          ^--- error here
//! ```
//!
//! A long statement shows the 78 bytes around the place; a mark that stands far to the right points from the left.

/// Bytes of a statement that are shown.
const SHOWN_MAX: usize = 78;
/// How far to the right the place may stand in what is shown.
const OFFSET_MAX: usize = 50;
/// From here on the mark stands left of the place.
const MARK_LEFT_FROM: usize = 25;

/// Colours of a terminal around an error, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colours(pub bool);

impl Colours {
    /// Text in red.
    pub fn red(self, text: &str) -> String {
        if self.0 { format!("\x1b[1;31m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// The lines that show the place of an error; empty where no place is known.
pub fn context(sql: &[u8], offset: Option<usize>, colours: Colours) -> String {
    let Some(mut offset) = offset.filter(|offset| *offset < sql.len()) else { return String::new() };
    let is_continuation = |byte: Option<&u8>| byte.is_some_and(|byte| byte & 0xc0 == 0x80);
    let mut start = 0;
    if offset > OFFSET_MAX {
        start = offset - OFFSET_MAX;
        while is_continuation(sql.get(start)) {
            start += 1;
        }
        offset -= start;
    }
    let mut end = (start + SHOWN_MAX).min(sql.len());
    while end < sql.len() && end > start && is_continuation(sql.get(end)) {
        end -= 1;
    }
    let visible = |byte: &u8| if byte.is_ascii_whitespace() { b' ' } else { *byte };
    let shown: Vec<u8> = sql[start..end].iter().map(visible).collect();
    // The mark is placed by characters, the offset counts bytes.
    let before = String::from_utf8_lossy(&shown[..offset.min(shown.len())]).chars().count();
    let shown = String::from_utf8_lossy(&shown);
    let mark = if before < MARK_LEFT_FROM {
        format!("{:before$}{}", "", colours.red("^--- error here"))
    } else {
        let text = "error here ---^";
        format!("{:1$}{2}", "", before + 1 - text.len(), colours.red(text))
    };
    format!("\n  {}\n  {mark}", shown.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_below_the_place() {
        let shown = context(b"select nosuch from\n sqlite_schema\n;", Some(7), Colours(false));
        assert_eq!(shown, "\n  select nosuch from  sqlite_schema ;\n         ^--- error here");
    }

    // Measured on sqlite3's shell.
    #[test]
    fn a_long_statement_is_cut_around_the_place() {
        let sql = b"select 'abcdefghijklmnopqrstuvwxyz', 'abcdefghijklmnopqrstuvwxyz', nosuch, 'abcdefghijklmnopqrstuvwxyz', 'x';";
        let shown = context(sql, Some(67), Colours(false));
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(
            lines[1],
            "  jklmnopqrstuvwxyz', 'abcdefghijklmnopqrstuvwxyz', nosuch, 'abcdefghijklmnopqrs"
        );
        assert_eq!(lines[2], "                                      error here ---^");
    }

    #[test]
    fn nothing_is_shown_without_a_place() {
        assert_eq!(context(b"select 1", None, Colours(false)), "");
        assert_eq!(context(b"select", Some(6), Colours(false)), "");
    }
}
