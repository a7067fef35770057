//! Paths: `$`, then any number of `.label`, `."label"`, `[7]`, `[#]`, `[#-2]`.
//!
//! A path is read step by step while the document is searched; what is wrong with a step is only noticed where the search gets to it.
//!
//! Spec: JSON Functions And Operators, "PATH arguments".

use super::jsonb::{ARRAY, Element, OBJECT, array_len, is_raw, is_text};
use super::strings::same_label;
use super::{DEPTH_MAX, Fault};
use crate::error::Error;
use crate::function::builtin::quote::push_quoted;

/// Why a search did not end at an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    /// There is none.
    NotFound,
    BadPath,
    /// `json_array_insert` on something else than an element of an array.
    NotArray,
    TooDeep,
    Malformed,
}

impl Miss {
    /// The error for a search along `path`, `$` included. (NotFound has none; this gives that of a bad path.)
    pub fn error(self, path: &[u8]) -> Error {
        let mut message = match self {
            Miss::Malformed => return Fault::Malformed.into(),
            Miss::TooDeep => return Error::message("JSON path too deep"),
            Miss::NotArray => b"not an array element: ".to_vec(),
            Miss::NotFound | Miss::BadPath => b"bad JSON path: ".to_vec(),
        };
        push_quoted(path, b'\'', &mut message);
        Error::message(String::from_utf8_lossy(&message))
    }
}

/// One step of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathStep<'a> {
    /// A label; raw if it has no escapes.
    Label { label: &'a [u8], raw: bool },
    /// An element from the front.
    Index(u64),
    /// An element from the back, 0 being behind the last.
    FromEnd(u64),
}

/// Reads the first step of `path`, and what follows it. `None` where it is none.
pub fn first_step(path: &[u8]) -> Option<(PathStep<'_>, &[u8])> {
    match path {
        [b'.', b'"', rest @ ..] => {
            let mut at = 0;
            while *rest.get(at)? != b'"' {
                at += if rest[at] == b'\\' && at + 1 < rest.len() { 2 } else { 1 };
            }
            let label = &rest[..at];
            Some((PathStep::Label { label, raw: !label.contains(&b'\\') }, &rest[at + 1..]))
        }
        [b'.', rest @ ..] => {
            let end = rest.iter().position(|byte| matches!(byte, b'.' | b'[')).unwrap_or(rest.len());
            (end > 0).then(|| (PathStep::Label { label: &rest[..end], raw: true }, &rest[end..]))
        }
        [b'[', b'#', b'-', rest @ ..] => {
            let (number, rest) = number(rest)?;
            Some((PathStep::FromEnd(number), rest.strip_prefix(b"]")?))
        }
        [b'[', b'#', rest @ ..] => Some((PathStep::FromEnd(0), rest.strip_prefix(b"]")?)),
        [b'[', rest @ ..] => {
            let (number, rest) = number(rest)?;
            Some((PathStep::Index(number), rest.strip_prefix(b"]")?))
        }
        _ => None,
    }
}

/// Reads a number, which stops growing beyond any array's length.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let add = |value: u64, digit: &u8| match value {
        0..0xffff_ffff => value * 10 + u64::from(digit - b'0'),
        _ => value,
    };
    (len > 0).then(|| (text[..len].iter().fold(0, add), &text[len..]))
}

/// Where a search ended.
#[derive(Clone, Debug)]
pub struct Found<'p> {
    /// The containers from the outermost to the innermost.
    pub parents: Vec<usize>,
    pub place: Place<'p>,
}

/// What a search found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'p> {
    /// An element, with the place of its label in an object.
    Element { at: usize, label: Option<usize> },
    /// The innermost container lacks `step`, which could be added at its end, with the rest of the path below it.
    Missing { at: usize, step: PathStep<'p>, rest: &'p [u8] },
}

/// Searches along `path` (without the `$`).
pub fn search<'p>(blob: &[u8], path: &'p [u8]) -> Result<Found<'p>, Miss> {
    let mut parents = Vec::new();
    let (mut at, mut label, mut path) = (0, None, path);
    while !path.is_empty() {
        let step = step_into(blob, at, path)?;
        match step {
            Step::Into { element, its_label, rest } => {
                parents.push(at);
                if parents.len() >= DEPTH_MAX {
                    return Err(Miss::TooDeep);
                }
                (at, label, path) = (element, its_label, rest);
            }
            Step::Missing { end, step, rest } => {
                parents.push(at);
                return Ok(Found { parents, place: Place::Missing { at: end, step, rest } });
            }
        }
    }
    Ok(Found { parents, place: Place::Element { at, label } })
}

/// Searches along `path` (without the `$`) for an element that is there.
pub fn lookup(blob: &[u8], path: &[u8]) -> Result<usize, Miss> {
    let (mut at, mut path, mut depth) = (0, path, 0);
    while !path.is_empty() {
        match step_into(blob, at, path)? {
            Step::Into { element, rest, .. } => {
                depth += 1;
                if depth >= DEPTH_MAX {
                    return Err(Miss::TooDeep);
                }
                (at, path) = (element, rest);
            }
            Step::Missing { .. } => return Err(Miss::NotFound),
        }
    }
    Ok(at)
}

enum Step<'p> {
    Into { element: usize, its_label: Option<usize>, rest: &'p [u8] },
    Missing { end: usize, step: PathStep<'p>, rest: &'p [u8] },
}

fn step_into<'p>(blob: &[u8], at: usize, path: &'p [u8]) -> Result<Step<'p>, Miss> {
    let kind = blob.get(at).map_or(u8::MAX, |first| first & 15);
    // Of labels the path is checked before the element, of indexes after it.
    if path.first() == Some(&b'[') && kind != ARRAY {
        return Err(Miss::NotFound);
    }
    let (step, rest) = first_step(path).ok_or_else(|| bad_step(blob, at, path))?;
    match step {
        PathStep::Label { label, raw } => {
            if kind != OBJECT {
                return Err(Miss::NotFound);
            }
            let object = Element::at(blob, at).ok_or(Miss::Malformed)?;
            match find_label(blob, &object, label, raw)? {
                Ok((its_label, element)) => Ok(Step::Into { element, its_label: Some(its_label), rest }),
                Err(end) => Ok(Step::Missing { end, step, rest }),
            }
        }
        PathStep::Index(index) => nth(blob, at, index, step, rest),
        PathStep::FromEnd(back) => {
            let array = Element::at(blob, at).ok_or(Miss::Malformed)?;
            let len = array_len(blob, &array) as u64;
            let index = len.checked_sub(back).ok_or(Miss::NotFound)?;
            nth(blob, at, index, step, rest)
        }
    }
}

/// A step that is none. `[#-9` is not found, whatever follows, where the array is shorter.
fn bad_step(blob: &[u8], at: usize, path: &[u8]) -> Miss {
    if let Some(back) = path.strip_prefix(b"[#-").and_then(number)
        && let Some(array) = Element::at(blob, at)
        && back.0 > array_len(blob, &array) as u64
    {
        return Miss::NotFound;
    }
    Miss::BadPath
}

/// The label and value of a label, or where it would be added.
fn find_label(
    blob: &[u8],
    object: &Element,
    label: &[u8],
    raw: bool,
) -> Result<Result<(usize, usize), usize>, Miss> {
    let mut at = object.payload;
    while at < object.end {
        let known = Element::at(blob, at).filter(|known| is_text(known.kind) && known.end < object.end);
        let known = known.ok_or(Miss::Malformed)?;
        let value =
            Element::at(blob, known.end).filter(|value| value.kind <= OBJECT).ok_or(Miss::Malformed)?;
        if same_label(label, raw, known.bytes(blob), is_raw(known.kind)) {
            return if value.end <= object.end { Ok(Ok((at, value.at))) } else { Err(Miss::Malformed) };
        }
        at = value.end;
    }
    if at > object.end { Err(Miss::Malformed) } else { Ok(Err(at)) }
}

/// Element `index` of the array at `at`, or where it would be added if it comes next.
fn nth<'p>(blob: &[u8], at: usize, index: u64, step: PathStep<'p>, rest: &'p [u8]) -> Result<Step<'p>, Miss> {
    let array = Element::at(blob, at).ok_or(Miss::Malformed)?;
    let (mut at, mut left) = (array.payload, index);
    while at < array.end {
        if left == 0 {
            return Ok(Step::Into { element: at, its_label: None, rest });
        }
        left -= 1;
        at = Element::at(blob, at).ok_or(Miss::Malformed)?.end;
    }
    match left {
        _ if at > array.end => Err(Miss::Malformed),
        0 => Ok(Step::Missing { end: at, step, rest }),
        _ => Err(Miss::NotFound),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    #[test]
    fn paths_lead_to_elements() {
        let blob = parse(b"{\"a\":[10,20,{\"b c\":1}],\"x\":null}").unwrap().blob;
        let at = |path: &str| {
            lookup(&blob, path.as_bytes()).map(|at| Element::at(&blob, at).unwrap().bytes(&blob).to_vec())
        };
        assert_eq!(at(".a[1]"), Ok(b"20".to_vec()));
        assert_eq!(at(".a[#-3]"), Ok(b"10".to_vec()));
        assert_eq!(at(".a[2].\"b c\""), Ok(b"1".to_vec()));
        assert_eq!(at(".a[2].\"b\\u0020c\""), Ok(b"1".to_vec()));
        assert_eq!(at(".a[3]"), Err(Miss::NotFound));
        assert_eq!(at(".a[#]"), Err(Miss::NotFound));
        assert_eq!(at(".b"), Err(Miss::NotFound));
        assert_eq!(at(".x.y"), Err(Miss::NotFound));
        for path in ["a", ".", ".\"a", ".a[", ".a[x]", ".a[1", ".a[#-]", ".a[#x]"] {
            assert_eq!(at(path), Err(Miss::BadPath), "{path}");
        }
    }
}
