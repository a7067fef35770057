//! The last few documents that were parsed, so that several paths into one row's document, or the same document again, cost one parse.
//!
//! A document is found by its whole text. The cache lies with the connection ([`Host::function_cache`](crate::host::Host)).

use std::sync::Arc;

use crate::function::call::AuxData;

/// How many documents are kept.
const ENTRIES: usize = 4;
/// Longer documents are not kept: comparing and copying them costs memory that a connection should not hold on to.
const LEN_MAX: usize = 64 * 1024;
/// Parsing shorter ones costs less than keeping them.
const LEN_MIN: usize = 32;

/// Documents with their JSONB, in a ring.
#[derive(Default)]
struct Cache {
    entries: Vec<(Vec<u8>, Arc<Vec<u8>>)>,
    /// The entry that is replaced next.
    oldest: usize,
}

fn of(place: &mut AuxData) -> Option<&mut Cache> {
    let slot = place.slot(0);
    if slot.is_none() {
        *slot = Some(Box::<Cache>::default());
    }
    slot.as_mut()?.downcast_mut()
}

/// Whether a text is worth looking for.
pub fn is_worth(text: &[u8]) -> bool {
    (LEN_MIN..=LEN_MAX).contains(&text.len())
}

/// The JSONB of a text that was kept.
pub fn find(place: &mut AuxData, text: &[u8]) -> Option<Arc<Vec<u8>>> {
    let cache = of(place)?;
    cache.entries.iter().find(|(known, _)| known == text).map(|(_, blob)| Arc::clone(blob))
}

/// Keeps a text's JSONB in the place of the oldest.
pub fn keep(place: &mut AuxData, text: &[u8], blob: &Arc<Vec<u8>>) {
    let Some(cache) = of(place) else { return };
    if cache.entries.len() < ENTRIES {
        cache.entries.push((text.to_vec(), Arc::clone(blob)));
        return;
    }
    let at = cache.oldest;
    cache.oldest = (at + 1) % ENTRIES;
    let (kept, its_blob) = &mut cache.entries[at];
    kept.clear();
    kept.extend_from_slice(text);
    *its_blob = Arc::clone(blob);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_four_are_found() {
        let mut place = AuxData::default();
        for number in 0..6u8 {
            keep(&mut place, &[number; 40], &Arc::new(vec![number]));
        }
        for number in 0..6u8 {
            let found = find(&mut place, &[number; 40]).map(|blob| blob[0]);
            assert_eq!(found, (number >= 2).then_some(number));
        }
    }
}
