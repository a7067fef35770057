//! Damages a database file, each kind of place in its own way.
//!
//! A random byte of a file is mostly content, whose change harms nobody. So half of the changes go where the format keeps what it trusts:
//! the file header, page headers, cell pointers, freelist trunks, pointer map, overflow chains. Values are those that break things: 0, 1,
//! all ones, the page count and its neighbours, another page's number.

use crate::random::Random;

/// A mutation that is aimed at a database file.
fn aimed(bytes: &mut [u8], random: &mut Random) {
    let page_size = page_size(bytes);
    let pages = (bytes.len() / page_size).max(1);
    let page = random.below(pages);
    let start = page * page_size;
    let header = if page == 0 { 100 } else { 0 };
    let put = |bytes: &mut [u8], at: usize, value: u64, width: usize| {
        let value = value.to_be_bytes();
        for (index, byte) in value[8 - width..].iter().enumerate() {
            if let Some(place) = bytes.get_mut(at + index) {
                *place = *byte;
            }
        }
    };
    let page_number = |random: &mut Random| match random.below(6) {
        0 => 0,
        1 => 1,
        2 => u64::from(u32::MAX),
        3 => pages as u64 + random.below(3) as u64,
        _ => random.below(pages) as u64 + 1,
    };
    let small = |random: &mut Random| match random.below(6) {
        0 => 0,
        1 => 0xffff,
        2 => page_size as u64 - random.below(9) as u64,
        3 => random.below(16) as u64,
        _ => random.below(page_size) as u64,
    };
    match random.below(10) {
        // A field of the file header.
        0 => {
            let at = *random.pick(&[16, 18, 19, 20, 21, 22, 23, 28, 32, 36, 40, 44, 48, 52, 56, 64, 92, 96]);
            let width = match at {
                16 => 2,
                18..=23 => 1,
                _ => 4,
            };
            let value = if random.one_in(2) { page_number(random) } else { random.below(300) as u64 };
            put(bytes, at, value, width);
        }
        // A field of a page's header.
        1 => {
            let (at, width) = *random.pick(&[(0, 1), (1, 2), (3, 2), (5, 2), (7, 1)]);
            let kinds = [2, 5, 10, 13, 0, 1, 255];
            let value = if at == 0 { *random.pick(&kinds) } else { small(random) };
            put(bytes, start + header + at, value, width);
        }
        // The right child of an inner page, or a leaf's first pointers.
        2 => {
            let value = page_number(random);
            put(bytes, start + header + 8, value, 4);
        }
        // A cell pointer.
        3 | 4 => {
            let cells = bytes
                .get(start + header + 3..start + header + 5)
                .map_or(0, |raw| usize::from(u16::from_be_bytes([raw[0], raw[1]])));
            let array = if bytes.get(start + header).is_some_and(|kind| *kind < 8) { 12 } else { 8 };
            let at = start + header + array + 2 * random.below(cells.clamp(1, page_size / 2));
            let value = small(random);
            put(bytes, at, value, 2);
        }
        // The first bytes of a cell: sizes, rowids, child pages.
        5 | 6 => {
            let array = if bytes.get(start + header).is_some_and(|kind| *kind < 8) { 12 } else { 8 };
            let pointer = start + header + array + 2 * random.below(8);
            let Some(raw) = bytes.get(pointer..pointer + 2) else { return };
            let at = start + usize::from(u16::from_be_bytes([raw[0], raw[1]])) + random.below(14);
            let value = *random.pick(&[0, 1, 0x7f, 0x80, 0x81, 0xff]);
            put(bytes, at, value, 1);
        }
        // The last four bytes of a cell that overflows, or the first of an overflow page: a chain that goes astray or in a circle.
        7 => {
            let value = page_number(random);
            let at = start + if random.one_in(2) { 0 } else { random.below(page_size) & !3 };
            put(bytes, at, value, 4);
        }
        // A freelist trunk: next trunk and count of leaves.
        8 => {
            let trunk =
                bytes.get(32..36).map_or(0, |raw| u32::from_be_bytes([raw[0], raw[1], raw[2], raw[3]]));
            let at = (trunk.max(1) as usize - 1) * page_size + 4 * random.below(5);
            let value = if random.one_in(3) { small(random) } else { page_number(random) };
            put(bytes, at, value, 4);
        }
        // The pointer map.
        _ => {
            let at = page_size + 5 * random.below(page_size / 5);
            let value = if random.one_in(2) { random.below(7) as u64 } else { 1 << 32 | page_number(random) };
            put(bytes, at, value, if value < 7 { 1 } else { 5 });
        }
    }
}

/// A mutation that needs to know nothing.
fn blind(bytes: &mut Vec<u8>, random: &mut Random) {
    let len = bytes.len();
    if len == 0 {
        return;
    }
    match random.below(8) {
        0 | 1 => bytes[random.below(len)] ^= 1 << random.below(8),
        2 | 3 => {
            let at = random.below(len);
            bytes[at] = *random.pick(&[0, 1, 0x7f, 0x80, 0xff, 0x42]);
        }
        4 => {
            let (at, count) = (random.below(len), 1 + random.below(64));
            let end = (at + count).min(len);
            for byte in &mut bytes[at..end] {
                *byte = random.number() as u8;
            }
        }
        5 => {
            let keep =
                if random.one_in(2) { random.below(len) } else { len.saturating_sub(random.below(600)) };
            bytes.truncate(keep);
        }
        6 => {
            let block = *random.pick(&[16, 512, 1024, 4096]);
            let blocks = (len / block).max(1);
            let (from, to) = (random.below(blocks) * block, random.below(blocks) * block);
            let copied: Vec<u8> = bytes[from..(from + block).min(len)].to_vec();
            for (place, byte) in bytes[to..].iter_mut().zip(copied) {
                *place = byte;
            }
        }
        _ => {
            let block = *random.pick(&[512, 1024, 4096]);
            let at = random.below((len / block).max(1)) * block;
            let end = (at + block).min(len);
            bytes[at..end].fill(*random.pick(&[0, 0xff]));
        }
    }
}

fn page_size(bytes: &[u8]) -> usize {
    match bytes.get(16..18).map(|raw| u16::from_be_bytes([raw[0], raw[1]])) {
        Some(1) => 65536,
        Some(size @ 512..) if size.is_power_of_two() => usize::from(size),
        _ => 512,
    }
}

/// Damages a database file.
pub fn database(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..1 + random.below(3) {
        if random.one_in(3) { blind(bytes, random) } else { aimed(bytes, random) }
    }
}

/// Damages a WAL or a journal: its header, a frame's header, or anything.
pub fn log(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..1 + random.below(3) {
        if random.one_in(2) {
            let at = random.below(40);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = *random.pick(&[0, 1, 2, 0x7f, 0x80, 0xff]);
            }
        } else {
            blind(bytes, random);
        }
    }
}
