//! The fuzz targets on their stored corpora, and on each input changed a few times in ways that a seed decides.
//!
//! `KERNITE_FUZZ_CHANGES` says how often each input is changed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use kernite_testing::fuzz::{Target, target};
use kernite_testing::random::{Random, count_from_env};

fn corpus(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} has no inputs", folder.display());
    files
}

/// The words of the target's dictionary.
fn words(name: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../fuzz/dict/{name}.dict"));
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(word).collect()
}

/// A line of a dictionary: `"word"`, with `\xNN`, `\\` and `\"`.
fn word(line: &str) -> Option<Vec<u8>> {
    let quoted = line.trim().strip_prefix('"')?.strip_suffix('"')?;
    let (mut bytes, mut rest) = (Vec::new(), quoted.bytes());
    while let Some(byte) = rest.next() {
        let escaped = if byte == b'\\' { rest.next()? } else { byte };
        if byte == b'\\' && escaped == b'x' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(escaped);
        }
    }
    Some(bytes)
}

/// An input changed in one to four places.
fn changed(input: &[u8], other: &[u8], words: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        match random.below(7) {
            0 if !bytes.is_empty() => bytes[at.min(input.len().saturating_sub(1)).min(at)..]
                .iter_mut()
                .take(1)
                .for_each(|byte| *byte ^= 1 << random.below(8)),
            1 => bytes.insert(at, *random.pick(&[0, 1, 0x7f, 0x80, 0xff, b'0', b'9', b'(', b'"', b'-'])),
            2 => drop(bytes.drain(at..(at + 1 + random.below(8)).min(bytes.len()))),
            3 | 4 if !words.is_empty() => drop(bytes.splice(at..at, random.pick(words).iter().copied())),
            5 if !other.is_empty() => {
                let from = random.below(other.len());
                let part = &other[from..(from + 1 + random.below(24)).min(other.len())];
                let end = (at + part.len() * random.below(2)).min(bytes.len());
                drop(bytes.splice(at..end, part.iter().copied()));
            }
            _ => {
                let end = (at + 1 + random.below(16)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, copy));
            }
        }
    }
    bytes
}

fn complaint(target: &Target, bytes: &[u8]) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(|| (target.check)(bytes))) {
        Ok(result) => result.err(),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            Some(format!(
                "panic: {}",
                text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
            ))
        }
    }
}

fn hold(name: &str, changes: usize) {
    let target = target(name).expect("the target exists");
    let changes = count_from_env("KERNITE_FUZZ_CHANGES", changes);
    let (files, words) = (corpus(name), words(name));
    let inputs: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).expect("an input")).collect();
    let mut random = Random::new(5);
    let mut faults = Vec::new();
    for (file, input) in files.iter().zip(&inputs) {
        faults.extend(complaint(&target, input).map(|text| format!("{}: {text}", file.display())));
        for nth in 0..changes {
            let other = random.pick(&inputs).clone();
            let bytes = changed(input, &other, &words, &mut random);
            if bytes.len() > target.len_max || faults.len() >= 40 {
                continue;
            }
            if let Some(text) = complaint(&target, &bytes) {
                faults.push(format!("{} change {nth} ({}): {text}", file.display(), bytes.escape_ascii()));
            }
        }
    }
    let shown: Vec<String> = faults.iter().map(|fault| fault.chars().take(1500).collect()).collect();
    assert!(faults.is_empty(), "{name}: {} complaints:\n{}", faults.len(), shown.join("\n"));
}

macro_rules! targets {
    ($($name:ident = $changes:literal,)*) => {
        $(#[test]
        fn $name() {
            hold(stringify!($name), $changes);
        })*
    };
}

targets! {
    sql = 400,
    database = 300,
    wal = 500,
    journal = 500,
    record = 5_000,
    json = 400,
    datetime = 400,
    number = 600,
}
