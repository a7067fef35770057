//! `json_patch`: RFC 7396.
//!
//! ```text
//! the patch is no object     it replaces the target
//! a label with null          is removed from the target
//! any other label            is patched in the target's value, or in nothing
//! ```
//!
//! The target changes in place. Objects of the patch that are under way lie on a stack of our own, as deep as the patch is.

use super::edit::{resize, splice};
use super::jsonb::{Element, NULL, OBJECT, is_raw, is_text};
use super::strings::same_label;
use super::{DEPTH_MAX, Fault};

/// An object of the patch under way, and the object of the target that it changes.
struct Level {
    /// The target's object, its content, and where that ended before any change.
    at: usize,
    start: usize,
    end: usize,
    /// By how much its content has grown.
    grown: isize,
    /// The patch's next label, and the end of the patch's object.
    patch_at: usize,
    patch_end: usize,
}

/// Applies the document `patch` to the document `target`.
pub fn merge(target: &mut Vec<u8>, patch: &[u8]) -> Result<(), Fault> {
    let whole = Element::at(patch, 0).ok_or(Fault::Malformed)?;
    let mut levels: Vec<Level> = match begin(target, 0, patch, &whole)? {
        Begun::Replaced(_) => return Ok(()),
        Begun::Level(level) => vec![level],
    };
    while let Some(level) = levels.last_mut() {
        if level.patch_at >= level.patch_end {
            let (at, mut grown) = (level.at, level.grown);
            if grown != 0 {
                grown += resize(target, at, grown);
            }
            levels.pop();
            if let Some(outer) = levels.last_mut() {
                outer.grown += grown;
            }
            continue;
        }
        let label = member(patch, level.patch_at, level.patch_end)?;
        let value = Element::at(patch, label.end).ok_or(Fault::Malformed)?;
        level.patch_at = value.end;
        if value.end > level.patch_end {
            return Err(Fault::Malformed);
        }
        let end = level.end.saturating_add_signed(level.grown);
        let deeper = match (find(target, level.start, end, patch, &label)?, value.kind) {
            (Some((known, known_value)), NULL) => {
                level.grown += splice(target, known, known_value.end, &[]);
                continue;
            }
            (None, NULL) => continue,
            (Some((_, known_value)), _) => known_value.at,
            (None, OBJECT) => {
                let mut added = patch.get(label.at..label.end).unwrap_or_default().to_vec();
                added.push(NULL);
                level.grown += splice(target, end, end, &added);
                end + added.len() - 1
            }
            (None, _) => {
                level.grown += splice(target, end, end, patch.get(label.at..value.end).unwrap_or_default());
                continue;
            }
        };
        if levels.len() > DEPTH_MAX {
            return Err(Fault::TooDeep);
        }
        match begin(target, deeper, patch, &value)? {
            Begun::Level(level) => levels.push(level),
            Begun::Replaced(grown) => {
                if let Some(level) = levels.last_mut() {
                    level.grown += grown;
                }
            }
        }
    }
    Ok(())
}

/// What became of a patch that was begun.
enum Begun {
    /// It is no object and replaced the target, which grew by so much.
    Replaced(isize),
    Level(Level),
}

/// Begins to apply the element `from` of `patch` to the element at `at` of `target`.
fn begin(target: &mut Vec<u8>, at: usize, patch: &[u8], from: &Element) -> Result<Begun, Fault> {
    let into = Element::at(target, at).ok_or(Fault::Malformed)?;
    if from.kind != OBJECT {
        let value = patch.get(from.at..from.end).unwrap_or_default();
        return Ok(Begun::Replaced(splice(target, at, into.end, value)));
    }
    let mut grown = 0;
    if into.kind != OBJECT {
        // The size in its header is that of the old content until this level ends.
        grown = splice(target, into.payload, into.end, &[]);
        target[at] = target[at] & 0xf0 | OBJECT;
    }
    let (start, end) = (into.payload, into.end);
    Ok(Begun::Level(Level { at, start, end, grown, patch_at: from.payload, patch_end: from.end }))
}

/// The label at `at`, behind which a value has to be.
fn member(blob: &[u8], at: usize, end: usize) -> Result<Element, Fault> {
    Element::at(blob, at).filter(|label| is_text(label.kind) && label.end < end).ok_or(Fault::Malformed)
}

/// Where the target has a label: the label's place and the value.
fn find(
    target: &[u8],
    start: usize,
    end: usize,
    patch: &[u8],
    wanted: &Element,
) -> Result<Option<(usize, Element)>, Fault> {
    let mut at = start;
    while at < end {
        let label = member(target, at, end)?;
        let value =
            Element::at(target, label.end).filter(|value| value.end <= end).ok_or(Fault::Malformed)?;
        if same_label(wanted.bytes(patch), is_raw(wanted.kind), label.bytes(target), is_raw(label.kind)) {
            return Ok(Some((at, value)));
        }
        at = value.end;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::super::write::write;
    use super::*;

    #[test]
    fn patches_are_those_of_the_rfc() {
        // The examples of RFC 7396, appendix A.
        for (target, patch, expected) in [
            ("{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"),
            ("{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"),
            ("{\"a\":\"b\"}", "{\"a\":null}", "{}"),
            ("{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"),
            ("{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"),
            ("{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"),
            ("{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"),
            ("{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"),
            ("[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"),
            ("{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"),
            ("{\"a\":\"foo\"}", "null", "null"),
            ("{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"),
            ("[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"),
            ("{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"),
        ] {
            let mut blob = parse(target.as_bytes()).unwrap().blob;
            merge(&mut blob, &parse(patch.as_bytes()).unwrap().blob).unwrap();
            let mut out = Vec::new();
            write(&blob, 0, &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{target} {patch}");
        }
    }
}
