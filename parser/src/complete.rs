//! Whether a text is a complete statement, judged from its tokens alone, for shells that read line by line.
//!
//! A text is complete when its last token is a semicolon outside the body of a CREATE TRIGGER, where only `; END ;` ends the
//! statement. This is not the lexer: a quote is closed by the next one of its kind, doubled or not, and nothing is a
//! mistake.
//!
//! ```text
//!            +--- anything ---------> Normal ---;---+
//! Nothing ---+--- CREATE -> Create --- anything ----+--> Start (complete)
//!            +--- EXPLAIN -> Explain      | TRIGGER
//!                               |         v
//!                               +-----> Trigger --;--> Semicolon --END--> End --;--> Start
//! ```
//!
//! Spec: "Determine If An SQL Statement Is Complete" (`sqlite3_complete`, `sqlite3_incomplete`).

use crate::lexer::is_id_byte;

/// What is missing from a text that could be statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// There are only space and comments.
    Empty,
    /// All statements are complete.
    Complete,
    /// Something is missing.
    Incomplete {
        /// Parentheses opened less those closed.
        parentheses: i32,
        /// The byte that would close what is open: a quote, `]`, `/` for a block comment, `-` for a line comment.
        open: Option<u8>,
        /// What ends the statement.
        missing: Missing,
    },
}

/// What would end a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Nothing: only a comment or a quote is open.
    Nothing,
    /// `;`
    Semicolon,
    /// `END;`
    End,
    /// `;END;`
    SemicolonEnd,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// No token yet.
    Nothing,
    /// Behind a semicolon that ended a statement.
    Start,
    Normal,
    Explain,
    Create,
    Trigger,
    /// Behind a semicolon in a trigger.
    Semicolon,
    /// Behind `; END` in a trigger.
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Semicolon,
    Explain,
    Create,
    Temp,
    Trigger,
    End,
    Other,
}

impl State {
    fn after(self, token: Token) -> State {
        match (self, token) {
            (State::Trigger | State::Semicolon, Token::Semicolon) => State::Semicolon,
            (_, Token::Semicolon) => State::Start,
            (State::Nothing | State::Start, Token::Explain) => State::Explain,
            (State::Nothing | State::Start | State::Explain, Token::Create) => State::Create,
            (State::Explain, Token::Other) => State::Explain,
            (State::Create, Token::Temp) => State::Create,
            (State::Create, Token::Trigger) => State::Trigger,
            (State::Semicolon, Token::End) => State::End,
            (State::Trigger | State::Semicolon | State::End, _) => State::Trigger,
            _ => State::Normal,
        }
    }

    fn missing(self) -> Missing {
        match self {
            State::Nothing | State::Start => Missing::Nothing,
            State::Normal | State::Explain | State::Create | State::End => Missing::Semicolon,
            State::Trigger => Missing::SemicolonEnd,
            State::Semicolon => Missing::End,
        }
    }
}

/// Whether `sql`, up to a NUL byte if it holds one, is one or more complete statements (`sqlite3_complete`).
pub fn complete(sql: &[u8]) -> bool {
    completeness(sql) == Completeness::Complete
}

/// What `sql`, up to a NUL byte if it holds one, lacks to be complete (`sqlite3_incomplete`).
pub fn completeness(sql: &[u8]) -> Completeness {
    let sql = sql.split(|&b| b == 0).next().unwrap_or_default();
    let mut state = State::Nothing;
    let mut parentheses = 0i32;
    let mut rest = sql;
    while let Some((&first, behind)) = rest.split_first() {
        let open = |open: u8| {
            let parentheses = if state == State::Start { 0 } else { parentheses };
            Completeness::Incomplete { parentheses, open: Some(open), missing: state.missing() }
        };
        let mut token = Token::Other;
        rest = behind;
        match first {
            b';' => token = Token::Semicolon,
            b' ' | b'\r' | b'\t' | b'\n' | 0x0c => continue,
            b'/' if behind.first() == Some(&b'*') => {
                let body = behind.get(1..).unwrap_or_default();
                let Some(end) = body.windows(2).position(|pair| pair == b"*/") else { return open(b'/') };
                rest = body.get(end + 2..).unwrap_or_default();
                continue;
            }
            b'-' if behind.first() == Some(&b'-') => match past(behind, b'\n') {
                Some(line) => {
                    rest = line;
                    continue;
                }
                None => return open(b'-'),
            },
            b'[' | b'`' | b'"' | b'\'' => {
                let close = if first == b'[' { b']' } else { first };
                match past(behind, close) {
                    Some(after) => rest = after,
                    None => return open(close),
                }
            }
            b'(' => parentheses = parentheses.saturating_add(1),
            b')' => parentheses = parentheses.saturating_sub(1),
            _ if is_id_byte(first) => {
                let len = rest.iter().take_while(|&&b| is_id_byte(b)).count();
                let word =
                    sql.get(sql.len() - rest.len() - 1..sql.len() - rest.len() + len).unwrap_or_default();
                token = word_token(word);
                rest = rest.get(len..).unwrap_or_default();
            }
            _ => {}
        }
        state = state.after(token);
    }
    match state {
        State::Nothing => Completeness::Empty,
        State::Start => Completeness::Complete,
        _ => Completeness::Incomplete { parentheses, open: None, missing: state.missing() },
    }
}

/// What stands behind the first `byte`.
fn past(bytes: &[u8], byte: u8) -> Option<&[u8]> {
    let at = bytes.iter().position(|&b| b == byte)?;
    bytes.get(at + 1..)
}

fn word_token(word: &[u8]) -> Token {
    const WORDS: [(&str, Token); 6] = [
        ("create", Token::Create),
        ("trigger", Token::Trigger),
        ("temp", Token::Temp),
        ("temporary", Token::Temp),
        ("end", Token::End),
        ("explain", Token::Explain),
    ];
    let found = WORDS.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word));
    found.map_or(Token::Other, |&(_, token)| token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_semicolon_completes_a_statement() {
        assert!(complete(b"select 1;"));
        assert!(complete(b"select ';' ; -- done\n"));
        assert!(complete(b";"));
        assert!(!complete(b"select 1"));
        assert!(!complete(b"select 1; select 2"));
        assert!(!complete(b"select '1;"));
        assert!(!complete(b"select 1; /* open"));
        assert!(!complete(b""));
    }

    #[test]
    fn a_trigger_ends_with_end() {
        let trigger = b"CREATE TEMP TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; SELECT 'end;'; END".to_vec();
        assert!(!complete(&trigger));
        assert!(complete(&[trigger.as_slice(), b";"].concat()));
        assert!(complete(&[b"explain query plan ", trigger.as_slice(), b" ;"].concat()));
        assert!(complete(b"create table trigger(a); "));
        assert!(!complete(b"create trigger t begin select 1;"));
    }

    #[test]
    fn what_is_missing_is_told() {
        let incomplete = |parentheses, open, missing| Completeness::Incomplete { parentheses, open, missing };
        assert_eq!(completeness(b" /* */ "), Completeness::Empty);
        assert_eq!(completeness(b"select ((1)"), incomplete(1, None, Missing::Semicolon));
        assert_eq!(completeness(b"select [a"), incomplete(0, Some(b']'), Missing::Semicolon));
        assert_eq!(completeness(b"select 1; --"), incomplete(0, Some(b'-'), Missing::Nothing));
        assert_eq!(completeness(b"create trigger x"), incomplete(0, None, Missing::SemicolonEnd));
        assert_eq!(completeness(b"create trigger x;"), incomplete(0, None, Missing::End));
        assert_eq!(completeness(b"create trigger x; end"), incomplete(0, None, Missing::Semicolon));
    }
}
