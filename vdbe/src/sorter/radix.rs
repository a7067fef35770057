//! Sorting entries by their 64-bit numbers, stably.
//!
//! Least significant byte first: one pass an eighth, passes in which all bytes are equal left out. Integers of a column mostly share
//! their upper bytes, so that three or four passes do. Few entries are sorted by comparison.
//!
//! Always true: entries arrive in the order of their places, so that a stable pass leaves ties in it.
//!
//! Never: key bytes beyond the number.

use super::rows::Entry;

/// Below this many entries comparing is faster than counting.
const RADIX_MIN: usize = 512;

/// Sorts by number, ties by place.
pub(super) fn sort(entries: &mut Vec<Entry>) {
    let in_arrival_order = entries.is_sorted_by_key(|entry| entry.at);
    if entries.len() < RADIX_MIN || !in_arrival_order {
        entries.sort_unstable_by_key(|entry| (entry.prefix, entry.at));
        return;
    }
    if entries.is_sorted_by_key(|entry| entry.prefix) {
        return;
    }
    let mut other: Vec<Entry> = Vec::new();
    if other.try_reserve_exact(entries.len()).is_err() {
        entries.sort_unstable_by_key(|entry| (entry.prefix, entry.at));
        return;
    }
    other.resize(entries.len(), Entry { prefix: 0, at: 0 });
    let mut counts = [[0usize; 256]; 8];
    for entry in entries.iter() {
        for (count, byte) in counts.iter_mut().zip(entry.prefix.to_le_bytes()) {
            count[usize::from(byte)] += 1;
        }
    }
    for (digit, count) in counts.iter_mut().enumerate() {
        if count.contains(&entries.len()) {
            continue;
        }
        let mut next = 0;
        for place in count.iter_mut() {
            next += std::mem::replace(place, next);
        }
        for entry in entries.iter() {
            let place = &mut count[usize::from((entry.prefix >> (8 * digit)) as u8)];
            other[*place] = *entry;
            *place += 1;
        }
        std::mem::swap(entries, &mut other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_as_a_stable_sort_does() {
        let mut seed = 3u64;
        for bits in [4, 12, 40, 64] {
            let mut entries: Vec<Entry> = (0..5000)
                .map(|at| {
                    seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    Entry { prefix: seed >> (64 - bits), at }
                })
                .collect();
            let mut expected = entries.clone();
            expected.sort_by_key(|entry| entry.prefix);
            sort(&mut entries);
            assert_eq!(entries, expected, "{bits} bits");
        }
    }
}
