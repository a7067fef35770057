//! `.testcase` and `.check`: tests written as scripts.
//!
//! What comes out between the two is gathered, errors included, and compared. How many tests ran and failed is told at the end.

use super::{Call, is_option};
use crate::shell::{Flow, Shown};

type Outcome = Result<Flow, Shown>;

/// `.testcase`
pub fn testcase(call: &mut Call<'_, '_>) -> Outcome {
    let mut name = None;
    let mut at = 1;
    while let Some(text) = call.argument(at).map(str::to_owned) {
        if is_option(&text, "error-prefix") {
            call.set_error_prefix(at)?;
            at += 1;
        } else if text.starts_with('-') {
            return call.fail_at(at, "unknown option");
        } else if name.is_some() {
            return call.fail_at(at, "unknown argument");
        } else {
            name = Some(text);
        }
        at += 1;
    }
    let name = name.unwrap_or_else(|| call.source.command_place());
    call.shell.test.name = name;
    call.shell.sink.start_capture();
    Ok(Flow::Continue)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// But for white space at both ends.
    Trimmed,
    Exact,
    Glob,
    NotGlob,
}

/// `.check`
pub fn check(call: &mut Call<'_, '_>) -> Outcome {
    if !call.shell.sink.is_capturing() {
        return call.fail_at(0, "no .testcase is active");
    }
    let (mut how, mut keep, mut show, mut pattern) = (How::Trimmed, false, false, None);
    for number in 1..=call.count() {
        let text = call.argument(number).unwrap_or_default().to_owned();
        match text.strip_prefix('-').map(|text| text.trim_start_matches('-')) {
            Some("exact") => how = How::Exact,
            Some("glob") => how = How::Glob,
            Some("notglob") => how = How::NotGlob,
            Some("keep") => keep = true,
            Some("show") => show = true,
            Some(_) => return call.fail_at(number, "unknown option"),
            None if pattern.is_some() => return call.fail_at(number, "unknown argument"),
            None => pattern = Some(text),
        }
    }
    let line = call.source.line;
    let mut pattern = pattern.unwrap_or_default();
    if let Some(end) = pattern.strip_prefix("<<").map(str::to_owned) {
        pattern = lines_up_to(call, &end)?;
    }
    let got = String::from_utf8_lossy(call.shell.sink.gathered()).into_owned();
    if show {
        print!("{got}");
    }
    let good = match how {
        How::Exact => got == pattern,
        How::Trimmed => got.trim().replace("\r\n", "\n") == pattern.trim().replace("\r\n", "\n"),
        How::Glob => glob(pattern.trim().as_bytes(), got.trim().as_bytes()),
        How::NotGlob => !glob(pattern.trim().as_bytes(), got.trim().as_bytes()),
    };
    if !keep {
        call.shell.sink.end_capture();
    }
    call.shell.test.run += 1;
    if !good {
        call.shell.test.failed += 1;
        let place = format!("{}:{line}", call.source.data_name());
        let name = call.shell.test.name.clone();
        let text =
            format!("{place}: .check failed for testcase {name}\nExpected: [{pattern}]\nGot:      [{got}]");
        if keep {
            eprintln!("{text}");
        } else {
            call.shell.message(&text);
        }
    }
    Ok(Flow::Continue)
}

/// The lines of the input up to one that begins with `end`.
fn lines_up_to(call: &mut Call<'_, '_>, end: &str) -> Result<String, Shown> {
    let mut text = String::new();
    loop {
        match call.source.next_line(None) {
            Ok(Some(line)) if line.starts_with(end.as_bytes()) => return Ok(text),
            Ok(Some(line)) => {
                text.push_str(&String::from_utf8_lossy(&line));
                text.push('\n');
            }
            Ok(None) => return call.fail(&format!("Content terminator \"{end}\" not found.")),
            Err(error) => return call.fail(&error.to_string()),
        }
    }
}

/// Whether `text` matches a GLOB; a run of white space in one matches any in the other.
pub fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let Some(&first) = pattern.first() else { return text.is_empty() };
    match first {
        b'*' => (0..=text.len()).any(|skipped| glob(&pattern[1..], &text[skipped..])),
        b'?' => !text.is_empty() && glob(&pattern[1..], &text[1..]),
        b'#' => {
            let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
            digits > 0 && glob(&pattern[1..], &text[digits..])
        }
        b'[' => match pattern[1..].iter().skip(1).position(|byte| *byte == b']') {
            Some(end) => {
                let set = &pattern[1..end + 2];
                let (negated, set) = match set {
                    [b'^', rest @ ..] => (true, rest),
                    set => (false, set),
                };
                let Some(byte) = text.first() else { return false };
                in_set(set, *byte) != negated && glob(&pattern[end + 3..], &text[1..])
            }
            None => false,
        },
        byte if byte.is_ascii_whitespace() => {
            text.first().is_some_and(u8::is_ascii_whitespace)
                && glob(pattern.trim_ascii_start(), text.trim_ascii_start())
        }
        byte => text.first() == Some(&byte) && glob(&pattern[1..], &text[1..]),
    }
}

fn in_set(set: &[u8], byte: u8) -> bool {
    let mut rest = set;
    while let Some(&first) = rest.first() {
        if let [_, b'-', last, ..] = rest {
            if (first..=*last).contains(&byte) {
                return true;
            }
            rest = &rest[3..];
        } else if first == byte {
            return true;
        } else {
            rest = &rest[1..];
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_matches_whole_texts() {
        assert!(glob(b"a*c", b"abbbc"));
        assert!(!glob(b"a*c", b"abbbcd"));
        assert!(glob(b"[a-c]x[^0-9]", b"bxy"));
        assert!(!glob(b"[a-c]x[^0-9]", b"bx1"));
        assert!(glob(b"t1a*t1b", b"t1a     t1b"));
        assert!(glob(b"# rows", b"12  rows"));
    }
}
