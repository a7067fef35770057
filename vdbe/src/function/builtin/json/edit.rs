//! Changes of JSONB in place: what `json_set` and its like do at the end of a path.
//!
//! Whatever changes in size changes the size of all containers around it, from the inside out, and perhaps the length of
//! their headers.

use super::DEPTH_MAX;
use super::jsonb::{ARRAY, Element, HEADER_MAX, OBJECT, TEXT5, TEXTRAW, header, push, set_size};
use super::path::{Miss, PathStep, Place, first_step, search};

/// What is done where a path leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Takes the element away.
    Remove,
    /// Replaces an element that is there.
    Replace,
    /// Adds an element that is not there.
    Insert,
    /// Replaces or adds.
    Set,
    /// Puts an element before one of an array.
    ArrayInsert,
}

/// Changes `blob` at `path` (without the `$`, not empty). `value` is the JSONB to put there.
pub fn change(blob: &mut Vec<u8>, path: &[u8], change: Change, value: &[u8]) -> Result<(), Miss> {
    let found = search(blob, path)?;
    let grown = match found.place {
        Place::Element { at, label } => {
            let end = Element::at(blob, at).map_or(at, |element| element.end);
            match change {
                Change::Remove => splice(blob, label.unwrap_or(at), end, &[]),
                Change::Replace | Change::Set => splice(blob, at, end, value),
                Change::Insert => 0,
                Change::ArrayInsert if !path.ends_with(b"]") => return Err(Miss::NotArray),
                Change::ArrayInsert => splice(blob, at, at, value),
            }
        }
        Place::Missing { at, step, rest } => {
            if matches!(change, Change::Remove | Change::Replace) {
                return Err(Miss::NotFound);
            }
            let added = added(step, rest, change, value, found.parents.len())?;
            splice(blob, at, at, &added)
        }
    };
    adjust_sizes(blob, &found.parents, grown);
    Ok(())
}

/// Adds `grown` to the sizes of `parents`, which are given from the outermost in.
fn adjust_sizes(blob: &mut Vec<u8>, parents: &[usize], grown: isize) {
    let mut grown = grown;
    for &parent in parents.iter().rev() {
        if grown == 0 {
            return;
        }
        grown += resize(blob, parent, grown);
    }
}

/// Adds `grown`, by which its content grew, to the size of the container at `at`; by how much its header grew.
pub fn resize(blob: &mut Vec<u8>, at: usize, grown: isize) -> isize {
    let size = declared_size(blob, at).saturating_add_signed(grown);
    set_size(blob, at, size)
}

/// The size that a header tells, right or not.
fn declared_size(blob: &[u8], at: usize) -> usize {
    let rest = blob.get(at..).unwrap_or_default();
    let mut padded = [0; HEADER_MAX];
    let len = rest.len().min(HEADER_MAX);
    padded[..len].copy_from_slice(&rest[..len]);
    let [first, size @ ..] = padded;
    match first >> 4 {
        size @ 0..=11 => usize::from(size),
        12 => usize::from(size[0]),
        13 => usize::from(u16::from_be_bytes([size[0], size[1]])),
        14 => u32::from_be_bytes([size[0], size[1], size[2], size[3]]) as usize,
        _ => u32::from_be_bytes([size[4], size[5], size[6], size[7]]) as usize,
    }
}

/// Replaces bytes `from` to `to` by `value`; by how much the blob grew. A value that is a little shorter than what it replaces gets a
/// longer header where that makes it fit, so that nothing else moves.
pub fn splice(blob: &mut Vec<u8>, from: usize, to: usize, value: &[u8]) -> isize {
    let missing = (to - from).saturating_sub(value.len());
    if let 1..=8 = missing
        && let Some(stretched) = stretched(value, missing)
    {
        blob.splice(from..to, stretched);
        return 0;
    }
    blob.splice(from..to, value.iter().copied());
    value.len() as isize - (to - from) as isize
}

/// `value` with a header `by` bytes longer, if there is such a header.
fn stretched(value: &[u8], by: usize) -> Option<Vec<u8>> {
    let &first = value.first()?;
    let (old, widths): (usize, &[usize]) = match first >> 4 {
        0..=11 => (1, &[2, 3, 5, 9]),
        12 => (2, &[3, 5, 9]),
        13 => (3, &[5, 9]),
        14 => (5, &[9]),
        _ => return None,
    };
    // Null, true and false have no size to tell.
    let new = *widths.iter().find(|&&width| width == old + by && first & 15 > 2)?;
    let payload = value.get(old..)?;
    let size = (payload.len() as u64).to_be_bytes();
    let width = match new {
        2 => 0xc0,
        3 => 0xd0,
        5 => 0xe0,
        _ => 0xf0,
    };
    let mut stretched = Vec::with_capacity(new + payload.len());
    stretched.push(first & 15 | width);
    stretched.extend_from_slice(&size[8 - (new - 1)..]);
    stretched.extend_from_slice(payload);
    Some(stretched)
}

/// What is added where `step` is missing: with its label in an object, and with the containers that the rest of the path asks for.
fn added(
    step: PathStep<'_>,
    rest: &[u8],
    change: Change,
    value: &[u8],
    depth: usize,
) -> Result<Vec<u8>, Miss> {
    // The steps below the missing one, all of them in containers that are new and empty.
    let mut steps = vec![step];
    let mut rest = rest;
    loop {
        if let Some(PathStep::Label { .. }) = steps.last()
            && change == Change::ArrayInsert
            && !rest.ends_with(b"]")
        {
            return Err(Miss::NotArray);
        }
        if rest.is_empty() {
            break;
        }
        if depth + steps.len() > DEPTH_MAX {
            return Err(Miss::TooDeep);
        }
        let (step, after) = match first_step(rest) {
            Some((PathStep::Index(1..) | PathStep::FromEnd(1..), _)) => return Err(Miss::NotFound),
            Some(step) => step,
            None if missing_index(rest) => return Err(Miss::NotFound),
            None => return Err(Miss::BadPath),
        };
        steps.push(step);
        rest = after;
    }
    let mut added = value.to_vec();
    for (at, step) in steps.iter().enumerate().rev() {
        if let PathStep::Label { label, raw } = step {
            let mut labelled = Vec::with_capacity(label.len() + added.len() + HEADER_MAX);
            push(if *raw { TEXTRAW } else { TEXT5 }, label, &mut labelled);
            labelled.extend_from_slice(&added);
            added = labelled;
        }
        if at > 0 {
            let kind = if matches!(step, PathStep::Label { .. }) { OBJECT } else { ARRAY };
            let (bytes, len) = header(kind, added.len());
            added.splice(0..0, bytes[..len].iter().copied());
        }
    }
    Ok(added)
}

/// `[#-9`, whatever follows: an empty array has no such element.
fn missing_index(path: &[u8]) -> bool {
    let digits = path.strip_prefix(b"[#-").unwrap_or_default();
    let len = digits.iter().take_while(|digit| digit.is_ascii_digit()).count();
    digits[..len].iter().any(|&digit| digit != b'0')
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::super::write::write;
    use super::*;

    fn changed(text: &str, path: &str, how: Change, value: &str) -> Result<String, Miss> {
        let mut blob = parse(text.as_bytes()).unwrap().blob;
        change(&mut blob, path.as_bytes(), how, &parse(value.as_bytes()).unwrap().blob)?;
        let mut out = Vec::new();
        write(&blob, 0, &mut out).unwrap();
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn elements_are_added_replaced_and_removed() {
        // Taken from SQLite 3.54.1.
        for (text, path, how, value, expected) in [
            ("{\"a\":1}", ".a", Change::Set, "[2]", Ok("{\"a\":[2]}")),
            ("{\"a\":1}", ".b", Change::Set, "2", Ok("{\"a\":1,\"b\":2}")),
            ("{\"a\":1}", ".b", Change::Replace, "2", Err(Miss::NotFound)),
            ("{\"a\":1}", ".a", Change::Insert, "2", Ok("{\"a\":1}")),
            ("{}", ".a.b[0].c", Change::Set, "1", Ok("{\"a\":{\"b\":[{\"c\":1}]}}")),
            ("{}", ".a[1]", Change::Set, "1", Err(Miss::NotFound)),
            ("[1,2,3]", "[1]", Change::Remove, "0", Ok("[1,3]")),
            ("[1,2,3]", "[#]", Change::Set, "4", Ok("[1,2,3,4]")),
            ("[1,2,3]", "[#-1]", Change::ArrayInsert, "9", Ok("[1,2,9,3]")),
            ("[1,2,3]", "[9]", Change::Set, "4", Err(Miss::NotFound)),
            ("{\"a\":1,\"b\":2}", ".a", Change::Remove, "0", Ok("{\"b\":2}")),
            ("{\"a\":1}", ".a", Change::ArrayInsert, "0", Err(Miss::NotArray)),
        ] {
            let expected = expected.map(String::from);
            assert_eq!(changed(text, path, how, value), expected, "{text} {path} {how:?}");
        }
    }

    #[test]
    fn sizes_of_all_containers_follow() {
        let long = format!("\"{}\"", "x".repeat(300));
        let text = changed("{\"a\":{\"b\":[1]}}", ".a.b[0]", Change::Set, &long).unwrap();
        assert_eq!(text, format!("{{\"a\":{{\"b\":[{long}]}}}}"));
        assert_eq!(changed(&text, ".a.b[0]", Change::Set, "1").unwrap(), "{\"a\":{\"b\":[1]}}");
    }
}
