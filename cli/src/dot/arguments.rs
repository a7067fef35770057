//! Splitting a dot-command into its arguments.
//!
//! Arguments are parted by white space. In double quotes the escapes of C hold (`\n`, `\t`, `\"`, `\\`, `\052`, `\x2a`); in single quotes
//! nothing does. A quote that is not closed runs to the end of the line.

/// One argument, and where in the line it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    pub text: String,
    /// Offset in bytes of its first character, a quote not counted.
    pub offset: usize,
}

/// The arguments of a line that begins behind its dot, the command's name first.
pub fn split(line: &str, start: usize) -> Vec<Argument> {
    let bytes = line.as_bytes();
    let mut arguments = Vec::new();
    let mut at = start;
    loop {
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        let Some(&first) = bytes.get(at) else { return arguments };
        let (begin, end) = match first {
            b'\'' | b'"' => {
                let begin = at + 1;
                (begin, closing_quote(bytes, begin, first))
            }
            _ => (
                at,
                bytes[at..]
                    .iter()
                    .position(u8::is_ascii_whitespace)
                    .map_or(bytes.len(), |length| at + length),
            ),
        };
        let raw = &bytes[begin..end];
        let text = if first == b'"' { unescape(raw) } else { raw.to_vec() };
        arguments.push(Argument { text: String::from_utf8_lossy(&text).into_owned(), offset: begin });
        at = if begin > at { (end + 1).min(bytes.len()) } else { end };
    }
}

fn closing_quote(bytes: &[u8], begin: usize, quote: u8) -> usize {
    let mut at = begin;
    while let Some(&byte) = bytes.get(at) {
        if byte == quote {
            return at;
        }
        at += if byte == b'\\' && quote == b'"' { 2 } else { 1 };
    }
    bytes.len()
}

/// Resolves the escapes of C.
fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        if raw[at] != b'\\' || at + 1 == raw.len() {
            out.push(raw[at]);
            at += 1;
            continue;
        }
        let escaped = raw[at + 1];
        at += 2;
        match escaped {
            b'a' => out.push(0x07),
            b'b' => out.push(0x08),
            b'f' => out.push(0x0c),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(0x0b),
            b'0'..=b'7' => {
                let digits = raw[at..].iter().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
                let code = raw[at - 1..at + digits]
                    .iter()
                    .fold(0u32, |code, byte| code * 8 + u32::from(byte - b'0'));
                out.push(code as u8);
                at += digits;
            }
            b'x' => {
                let digits = raw[at..].iter().take(2).take_while(|byte| byte.is_ascii_hexdigit()).count();
                let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or(0);
                out.push(raw[at..at + digits].iter().fold(0u32, |code, byte| code * 16 + digit(byte)) as u8);
                at += digits;
            }
            byte => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<String> {
        split(line, 1).into_iter().map(|argument| argument.text).collect()
    }

    #[test]
    fn quotes_hold_arguments_together() {
        assert_eq!(texts(".print a  \"b c\" 'd e' f"), ["print", "a", "b c", "d e", "f"]);
        assert_eq!(texts(".\"foo OFF\""), ["foo OFF"]);
        assert_eq!(texts(".mode 'insert FOO"), ["mode", "insert FOO"]);
        assert_eq!(texts(".null ''"), ["null", ""]);
    }

    #[test]
    fn escapes_hold_in_double_quotes_only() {
        assert_eq!(texts(r#".print "\060\077 \x3f\x30 \a\t""#), ["print", "0? ?0 \u{7}\t"]);
        assert_eq!(
            texts(r#".print "this\"is\\a\055test" 'this\"is\\a\055test'"#),
            ["print", "this\"is\\a-test", r#"this\"is\\a\055test"#]
        );
    }

    #[test]
    fn offsets_point_at_the_text() {
        let offsets: Vec<usize> =
            split(".mode 'x' --foo", 1).iter().map(|argument| argument.offset).collect();
        assert_eq!(offsets, [1, 7, 10]);
    }
}
