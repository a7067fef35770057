//! Schedule independence: the same statements leave the same file, whether every call is done at once, every call is queued, or the
//! cache holds ten pages.
//!
//! Never: freelist leaves. Their content is nobody's, and an engine that never read a page cannot know what was on it.

use crate::decide::Decisions;
use crate::engine::{Patience, Which};
use crate::process::{Body, Life, run_all};
use crate::world::disk::Disk;
use crate::world::{Options, Rates, World};

/// How one of the runs differs from the others.
const WAYS: [(&str, u32, i32); 4] = [
    ("at once", 0, 2000),
    ("queued", 1_000_000, 2000),
    ("a tiny cache", 0, 10),
    ("queued and a tiny cache", 500_000, 10),
];

fn leave(
    statements: &[String],
    pragmas: &[String],
    late: u32,
    cache: i32,
    seed: u64,
) -> Result<Vec<u8>, String> {
    let rates = Rates { late, ..Rates::default() };
    let options = Options { rates, seed: 1, ..Options::default() };
    let world = World::new(Disk::default(), Decisions::from_seed(seed), options);
    let mut failed = None;
    let body: Body<'_> = Box::new(|life: &Life| {
        let run = |failed: &mut Option<String>| -> Result<(), crate::engine::SqlError> {
            let mut engine = Which::Kernite.connect(life, "/independent.db", Patience::NONE)?;
            for sql in pragmas {
                engine.must(sql)?;
            }
            engine.must(&format!("PRAGMA cache_size={cache}"))?;
            for sql in statements {
                // Errors of statements are part of what is compared, by the state that they leave.
                let _ = engine.run(sql);
            }
            if !engine.is_autocommit() {
                engine.must("COMMIT")?;
            }
            *failed = None;
            engine.must("PRAGMA wal_checkpoint(TRUNCATE)").map(drop)
        };
        if let Err(error) = run(&mut failed) {
            failed = Some(error.to_string());
        }
    });
    run_all(&world, vec![body]);
    let outcome = world.end();
    if let Some(text) = failed.or_else(|| outcome.violations.into_iter().next()) {
        return Err(text);
    }
    let mut content = outcome.disk.content(b"/independent.db").unwrap_or_default().to_vec();
    blank_free_leaves(&mut content);
    // The change counters count how often page 1 was written, and a cache that spills writes it more often.
    for range in [24..28, 92..96] {
        if let Some(counter) = content.get_mut(range) {
            counter.fill(0);
        }
    }
    Ok(content)
}

/// Zeroes the pages that the freelist's trunks name.
fn blank_free_leaves(content: &mut [u8]) {
    let word = |content: &[u8], at: usize| {
        content.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes) as usize
    };
    let size = content.get(16..18).map_or(0, |bytes| match u16::from_be_bytes([bytes[0], bytes[1]]) {
        1 => 65536,
        size => usize::from(size),
    });
    if size < 512 {
        return;
    }
    let (mut trunk, mut steps) = (word(content, 32), 0);
    while trunk != 0 && steps < 100_000 {
        steps += 1;
        let start = (trunk - 1) * size;
        let count = word(content, start + 4).min(size / 4 - 2);
        for at in 0..count {
            let leaf = word(content, start + 8 + at * 4);
            if let Some(page) = leaf.checked_sub(1).and_then(|at| content.get_mut(at * size..(at + 1) * size))
            {
                page.fill(0);
            }
        }
        // Behind the last entry of a trunk lies what was there before.
        let rest = start + 8 + count * 4;
        if let Some(rest) = content.get_mut(rest..start + size) {
            rest.fill(0);
        }
        trunk = word(content, start);
    }
}

/// Runs `statements` in every way. What differs, as texts.
pub fn check_independence(statements: &[String], pragmas: &[String], seed: u64) -> Vec<String> {
    let mut found = Vec::new();
    let mut first: Option<Vec<u8>> = None;
    for (name, late, cache) in WAYS {
        match (leave(statements, pragmas, late, cache, seed), &first) {
            (Err(text), _) => found.push(format!("{name}: {text}")),
            (Ok(content), None) => first = Some(content),
            (Ok(content), Some(expected)) if content == *expected => {}
            (Ok(content), Some(expected)) => {
                let at = content
                    .iter()
                    .zip(expected)
                    .position(|(a, b)| a != b)
                    .unwrap_or(content.len().min(expected.len()));
                let (mine, theirs) = (content.len(), expected.len());
                found.push(format!(
                    "{name}: the file differs from byte {at} on ({mine} bytes, {theirs} at once)"
                ));
            }
        }
    }
    found
}
