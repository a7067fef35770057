use crate::pager::PageHeader;
use crate::tree::bed::Bed;
use crate::tree::geometry::Geometry;
use crate::{AutoVacuum, PageNo};

pub(crate) fn load_file(bytes: &[u8], force_miss: bool) -> Bed {
    let ps = match u16::from_be_bytes([bytes[16], bytes[17]]) {
        1 => 65536,
        n => n as usize,
    };
    let mut bed = Bed::new(ps, bytes[20], AutoVacuum::None, false);
    for (i, page) in bytes.chunks_exact(ps).enumerate() {
        let no = PageNo::new(i as u32 + 1).unwrap();
        if no.get() == Geometry::new(ps, ps).lock_byte_page() {
            continue;
        }
        bed.pager.begin_change();
        let f = if i == 0 { bed.pager.get(no) } else { bed.pager.get_fresh(no) }.unwrap().unwrap();
        let (b, h) = bed.pager.write_with_header(f).unwrap();
        b.copy_from_slice(page);
        *h = PageHeader::default();
        bed.pager.commit_change();
    }
    bed.pager.set_force_miss(force_miss);
    bed.force_miss = force_miss;
    bed
}

#[test]
fn integrity_diff() {
    if std::env::var("INTEG").is_err() {
        return;
    }
    let (mut same, mut diff, mut withmsg) = (0, 0, 0);
    let Ok(dir) = std::fs::read_dir("/tmp/integ/cases") else { return };
    for e in dir {
        let p = e.unwrap().path();
        if p.extension().is_none_or(|x| x != "db") {
            continue;
        }
        let txt = std::fs::read_to_string(p.with_extension("txt")).unwrap();
        let mut lines = txt.lines();
        let mx: usize = lines.next().unwrap().parse().unwrap();
        let roots: Vec<u32> = lines.next().unwrap().split(' ').map(|x| x.parse().unwrap()).collect();
        let mut want: Vec<&str> = lines
            .filter(|l| {
                l.starts_with("2nd ref")
                    || l.starts_with("Tree ")
                    || l.starts_with("Page ")
                    || l.starts_with("Freelist")
                    || l.starts_with("Multiple")
                    || l.starts_with("Fragm")
                    || l.starts_with("max root")
                    || l.starts_with("incremental")
                    || l.starts_with("Bad ptr")
                    || l.starts_with("Failed to")
            })
            .collect();
        let bytes = std::fs::read(&p).unwrap();
        for force in [false, true] {
            let mut bed = load_file(&bytes, force);
            let report = bed.run(|t, pg| t.integrity_check(pg, &roots, false, mx)).unwrap();
            let got: Vec<&str> = report.messages.iter().map(|s| s.as_str()).collect();
            assert_eq!(report.entry_counts.len(), roots.len());
            want.truncate(mx);
            if got == want {
                same += 1;
                if !want.is_empty() {
                    withmsg += 1;
                }
            } else {
                diff += 1;
                if diff < 12 {
                    println!("DIFF {p:?} force {force} mx {mx}");
                    for i in 0..got.len().max(want.len()) {
                        if got.get(i) != want.get(i) {
                            println!("  want {:?}\n  got  {:?}", want.get(i), got.get(i));
                            if i > 12 {
                                break;
                            }
                        }
                    }
                }
            }
        }
    }
    println!("RESULT same {same} diff {diff} with messages {withmsg}");
    assert_eq!(diff, 0);
}

#[test]
fn repro() {
    let mut v = super::damage::Victim::new(1024, AutoVacuum::None, 5);
    let pages = v.bed.pager.page_count();
    println!("pages {pages} page {} at {}", 236605508u32 % (pages - 1) + 2, [3, 7, 11][26756276usize % 3]);
    v.damage(236605508 % (pages - 1) + 2, [3, 7, 11][26756276usize % 3], 165 % (pages as u8).max(1));
    println!("{:?}", v.insert(15, 1228423105));
    for c in v.cursors {
        let c = v.bed.trees.cursors.get(c).unwrap();
        println!(
            "{:?} idx {} cnt {} depth {} hdr {:?}",
            c.state,
            c.index,
            c.count,
            c.depth,
            v.bed.pager.header(c.frame)
        );
    }
    println!("{:?}", v.insert(0, 850793229));
}

fn rng(s: &mut u64) -> u64 {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    *s
}

fn cpu() -> u64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap()
}
fn time<T>(name: &str, n: u64, f: impl FnOnce() -> T) -> T {
    let t = cpu();
    let r = f();
    println!("{name:42} {:8.1} ns", (cpu() - t) as f64 / n as f64);
    r
}

fn now<T>(s: crate::Step<T>) -> T {
    s.unwrap().unwrap()
}

#[test]
fn bench_all() {
    use crate::btree::*;
    use crate::collation::*;
    use crate::record::ValueRef;
    use std::cmp::Ordering;
    let io: kernite_io::SharedIo = std::sync::Arc::new(kernite_io::memory::MemoryIo::new());
    for _ in 0..1 {
        let mut b = Btree::new(io.clone(), OpenOptions { memory: true, ..Default::default() });
        b.pager = crate::pager::Pager::memory(4096, 0, AutoVacuum::None).unwrap();
        let n = 1_000_000i64;
        let record = [5u8; 60];
        let root = now(b.create_tree(TreeKind::Table));
        let c = b.open_cursor(root, None, true).unwrap();
        time("sequential insert, seek each", n as u64, || {
            for i in 0..n {
                now(b.insert(
                    c,
                    RowPayload::Table { rowid: i, record: &record, zero_tail: 0 },
                    InsertFlags::default(),
                ));
            }
        });
        println!("pages {}", b.pager.page_count());
        let root2 = now(b.create_tree(TreeKind::Table));
        let c2 = b.open_cursor(root2, None, true).unwrap();
        time("last + rowid + insert", n as u64, || {
            for _ in 0..n {
                let rowid = if now(b.last(c2)) { b.rowid(c2).unwrap() + 1 } else { 1 };
                now(b.insert(
                    c2,
                    RowPayload::Table { rowid, record: &record, zero_tail: 0 },
                    InsertFlags { append: true, ..Default::default() },
                ));
            }
        });
        for _ in 0..2 {
            let mut sum = 0i64;
            time("scan next + rowid + entry", n as u64, || {
                let mut there = now(b.first(c));
                while there {
                    sum += b.rowid(c).unwrap() + b.entry(c).unwrap().local[0] as i64;
                    there = now(b.next(c));
                }
            });
            time("scan next only", n as u64, || {
                let mut there = now(b.first(c));
                while there {
                    there = now(b.next(c));
                }
            });
            std::hint::black_box(sum);
        }
        time("count, per row", n as u64, || now(b.count(c)));
        let mut s = 88172645463325252u64;
        time("random seek_rowid over 1M", 1_000_000, || {
            for _ in 0..1_000_000 {
                let r = (rng(&mut s) % n as u64) as i64;
                assert_eq!(now(b.seek_rowid(c, r)), SeekOutcome::At(Ordering::Equal));
            }
        });
        time("seek_rowid ascending by 3", 300_000, || {
            for i in 0..300_000 {
                assert_eq!(now(b.seek_rowid(c, i * 3)), SeekOutcome::At(Ordering::Equal));
            }
        });
        time("random seek_rowid over 1000", 1_000_000, || {
            for _ in 0..1_000_000 {
                let r = (rng(&mut s) % 1000 as u64) as i64;
                assert_eq!(now(b.seek_rowid(c, r)), SeekOutcome::At(Ordering::Equal));
            }
        });
        let root3 = now(b.create_tree(TreeKind::Table));
        let c3 = b.open_cursor(root3, None, true).unwrap();
        let before = b.pager.page_count();
        time("random insert 300k", 300_000, || {
            for _ in 0..300_000 {
                let r = (rng(&mut s) >> 20) as i64;
                now(b.insert(
                    c3,
                    RowPayload::Table { rowid: r, record: &record, zero_tail: 0 },
                    InsertFlags::default(),
                ));
            }
        });
        println!("pages {}", b.pager.page_count() - before);
        time("update same size, random 300k", 300_000, || {
            for i in 0..300_000u32 {
                let r = (rng(&mut s) % n as u64) as i64;
                let mut rec = record;
                rec[0] = i as u8;
                now(b.seek_rowid(c, r));
                now(b.insert(
                    c,
                    RowPayload::Table { rowid: r, record: &rec, zero_tail: 0 },
                    InsertFlags { seek_result: Some(SeekOutcome::At(Ordering::Equal)), ..Default::default() },
                ));
            }
        });
        let info = std::sync::Arc::new(KeyInfo {
            columns: vec![KeyColumn::default(), KeyColumn::default()],
            key_column_count: 1,
            ..Default::default()
        });
        let rec = |a: i64, r: i64, out: &mut Vec<u8>| {
            out.clear();
            crate::record::encode(&[ValueRef::Integer(a), ValueRef::Integer(r)], true, out);
        };
        let mut out = Vec::new();
        let root4 = now(b.create_tree(TreeKind::Index));
        let c4 = b.open_cursor(root4, Some(info.clone()), true).unwrap();
        let before = b.pager.page_count();
        time("index sorted insert, seek each 1M", n as u64, || {
            for i in 0..n {
                rec(i * 7, i, &mut out);
                now(b.insert(c4, RowPayload::Index { record: &out }, InsertFlags::default()));
            }
        });
        println!("pages {}", b.pager.page_count() - before);
        let root5 = now(b.create_tree(TreeKind::Index));
        let c5 = b.open_cursor(root5, Some(info.clone()), true).unwrap();
        time("index sorted insert, known place 1M", n as u64, || {
            for i in 0..n {
                rec(i * 7, i, &mut out);
                let seek_result = if now(b.last(c5)) { Some(SeekOutcome::At(Ordering::Less)) } else { None };
                now(b.insert(
                    c5,
                    RowPayload::Index { record: &out },
                    InsertFlags { append: true, seek_result, ..Default::default() },
                ));
            }
        });
        time("index scan next + entry", n as u64, || {
            let mut there = now(b.first(c4));
            let mut sum = 0;
            while there {
                sum += b.entry(c4).unwrap().local[0] as i64;
                there = now(b.next(c4));
            }
            std::hint::black_box(sum);
        });
        time("random seek_key int over 1M", 500_000, || {
            for _ in 0..500_000 {
                let r = (rng(&mut s) % n as u64) as i64 * 7;
                now(b.seek_key(c4, &[ValueRef::Integer(r)], Ordering::Greater));
            }
        });
        let root6 = now(b.create_tree(TreeKind::Index));
        let c6 = b.open_cursor(root6, Some(info.clone()), true).unwrap();
        let before = b.pager.page_count();
        time("index random insert 300k", 300_000, || {
            for i in 0..300_000 {
                rec((rng(&mut s) >> 30) as i64, i, &mut out);
                now(b.insert(c6, RowPayload::Index { record: &out }, InsertFlags::default()));
            }
        });
        println!("pages {}", b.pager.page_count() - before);
        let rect = |a: i64, r: i64, out: &mut Vec<u8>| {
            out.clear();
            crate::record::encode(
                &[ValueRef::Text(format!("{a:012}").as_bytes()), ValueRef::Integer(r)],
                true,
                out,
            );
        };
        let root7 = now(b.create_tree(TreeKind::Index));
        let c7 = b.open_cursor(root7, Some(info.clone()), true).unwrap();
        time("text index random insert 300k", 300_000, || {
            for i in 0..300_000 {
                rect((rng(&mut s) >> 30) as i64, i, &mut out);
                now(b.insert(c7, RowPayload::Index { record: &out }, InsertFlags::default()));
            }
        });
        time("delete all, forward", n as u64, || {
            let mut there = now(b.first(c2));
            while there {
                now(b.delete(c2, true));
                there = now(b.next(c2));
            }
        });
        time("delete random 300k", 300_000, || {
            for _ in 0..300_000 {
                let r = (rng(&mut s) % n as u64) as i64;
                if now(b.seek_rowid(c, r)) == SeekOutcome::At(Ordering::Equal) {
                    now(b.delete(c, false));
                }
            }
        });
        b.close_cursor(c);
        time("clear 740k", 740_000, || now(b.clear_tree(root)));
    }
}
#[test]
fn perf_seek1k() {
    use crate::btree::*;
    use std::cmp::Ordering;
    let io: kernite_io::SharedIo = std::sync::Arc::new(kernite_io::memory::MemoryIo::new());
    let mut b = Btree::new(io.clone(), OpenOptions { memory: true, ..Default::default() });
    b.pager = crate::pager::Pager::memory(4096, 0, AutoVacuum::None).unwrap();
    let n = 1000i64;
    let record = [5u8; 60];
    let root = now(b.create_tree(TreeKind::Table));
    let c = b.open_cursor(root, None, true).unwrap();
    for i in 0..n {
        now(b.insert(
            c,
            RowPayload::Table { rowid: i, record: &record, zero_tail: 0 },
            InsertFlags::default(),
        ));
    }
    let mut s = 88172645463325252u64;
    if std::env::var("WHAT").as_deref() == Ok("seek") {
        time("random seek_rowid over 1000", 10_000_000, || {
            for _ in 0..10_000_000 {
                let r = (rng(&mut s) % 1000 as u64) as i64;
                assert_eq!(now(b.seek_rowid(c, r)), SeekOutcome::At(Ordering::Equal));
            }
        });
    } else {
        time("scan", 10_000_000, || {
            for _ in 0..10_000 {
                let mut there = now(b.first(c));
                while there {
                    there = now(b.next(c));
                }
            }
        });
    }
}
fn nn() -> u64 {
    std::env::var("NN").ok().and_then(|x| x.parse().ok()).unwrap_or(10_000)
}
#[test]
fn perf_randins() {
    use crate::btree::*;
    let io: kernite_io::SharedIo = std::sync::Arc::new(kernite_io::memory::MemoryIo::new());
    let mut b = Btree::new(io.clone(), OpenOptions { memory: true, ..Default::default() });
    b.pager = crate::pager::Pager::memory(4096, 0, AutoVacuum::None).unwrap();
    let record = [5u8; 60];
    let mut s = 88172645463325252u64;
    for _ in 0..5 {
        let root3 = now(b.create_tree(TreeKind::Table));
        let c3 = b.open_cursor(root3, None, true).unwrap();
        time("random insert 300k", 300_000, || {
            for _ in 0..300_000 {
                let r = (rng(&mut s) >> 20) as i64;
                now(b.insert(
                    c3,
                    RowPayload::Table { rowid: r, record: &record, zero_tail: 0 },
                    InsertFlags::default(),
                ));
            }
        });
    }
}
#[test]
fn perf_seqins() {
    use crate::btree::*;
    let io: kernite_io::SharedIo = std::sync::Arc::new(kernite_io::memory::MemoryIo::new());
    let mut b = Btree::new(io.clone(), OpenOptions { memory: true, ..Default::default() });
    b.pager = crate::pager::Pager::memory(4096, 0, AutoVacuum::None).unwrap();
    let record = [5u8; 60];
    for _ in 0..nn() / 2500 + 1 {
        let root3 = now(b.create_tree(TreeKind::Table));
        let c3 = b.open_cursor(root3, None, true).unwrap();
        time("seq insert 300k", 300_000, || {
            for i in 0..300_000 {
                now(b.insert(
                    c3,
                    RowPayload::Table { rowid: i, record: &record, zero_tail: 0 },
                    InsertFlags::default(),
                ));
            }
        });
        time("seq delete 300k", 300_000, || {
            let mut t = now(b.first(c3));
            while t {
                now(b.delete(c3, true));
                t = now(b.next(c3));
            }
        });
    }
}
