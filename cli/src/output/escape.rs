//! Control characters made visible, so that what a database holds cannot steer a terminal.
//!
//! Tab and newline stay, as does the carriage return of a line that ends in CR LF.
//!
//! Never: quoting (`text`).

/// What becomes of control characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// As `Ascii`.
    Auto,
    /// They are written as they are.
    Off,
    /// `^X`
    Ascii,
    /// The character's picture from the Unicode block of control pictures.
    Symbol,
}

impl Escape {
    /// Name as the shell spells it.
    pub fn name(self) -> &'static str {
        match self {
            Escape::Auto => "auto",
            Escape::Off => "off",
            Escape::Ascii => "ascii",
            Escape::Symbol => "symbol",
        }
    }

    /// The value of a name, in any case of its letters.
    pub fn of_name(name: &str) -> Option<Escape> {
        let all = [Escape::Auto, Escape::Off, Escape::Ascii, Escape::Symbol];
        all.into_iter().find(|escape| escape.name().eq_ignore_ascii_case(name))
    }
}

/// Whether the byte at `at` is one that is made visible.
fn is_hidden(text: &[u8], at: usize) -> bool {
    match text[at] {
        b'\t' | b'\n' => false,
        b'\r' => text.get(at + 1) != Some(&b'\n'),
        byte => byte < 0x20,
    }
}

/// Replaces the control characters of `out` from `start` on.
pub fn escape(kind: Escape, start: usize, out: &mut Vec<u8>) {
    if kind == Escape::Off || !out[start..].iter().any(|byte| *byte < 0x20) {
        return;
    }
    let text = out.split_off(start);
    for (at, &byte) in text.iter().enumerate() {
        if !is_hidden(&text, at) {
            out.push(byte);
        } else if kind == Escape::Symbol {
            // U+2400 + code, in UTF-8.
            out.extend_from_slice(&[0xe2, 0x90, 0x80 + byte]);
        } else {
            out.extend_from_slice(&[b'^', byte + 0x40]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(kind: Escape, text: &str) -> String {
        let mut out = text.as_bytes().to_vec();
        escape(kind, 0, &mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn only_line_breaks_and_tabs_pass() {
        assert_eq!(escaped(Escape::Ascii, "a\x1b[31m\t\n\r\n\rb"), "a^[[31m\t\n\r\n^Mb");
        assert_eq!(escaped(Escape::Symbol, "\x01\x1b"), "␁␛");
        assert_eq!(escaped(Escape::Off, "\x01\x1b"), "\x01\x1b");
    }
}
