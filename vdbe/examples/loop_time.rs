use kernite_btree::{Encoding, ValueRef};
use kernite_io::{Instant, MemoryIo, SharedIo, WallTime};
use kernite_vdbe::host::*;
use kernite_vdbe::machine::*;
use kernite_vdbe::op::*;
use kernite_vdbe::program::*;
use kernite_vdbe::*;
use std::sync::Arc;
struct H(ConnectionState, SharedIo);
impl Host for H {
    fn now(&mut self) -> WallTime {
        WallTime(0)
    }
    fn monotonic(&self) -> Instant {
        Instant(0)
    }
    fn fill_random(&mut self, out: &mut [u8]) {
        out.fill(7)
    }
    fn local_offset(&self, _: WallTime) -> Option<i64> {
        None
    }
    fn io(&self) -> &SharedIo {
        &self.1
    }
    fn sort_memory_bytes(&self) -> usize {
        1 << 30
    }
    fn limit(&self, _: u8) -> i32 {
        1_000_000_000
    }
    fn state(&self) -> &ConnectionState {
        &self.0
    }
    fn state_mut(&mut self) -> &mut ConnectionState {
        &mut self.0
    }
    fn commit(&mut self, s: &mut Storage) -> Step<()> {
        for b in s.databases.iter_mut().flatten() {
            if b.transaction().is_some() {
                b.commit_prepare(None)?;
                b.commit_finish()?;
            }
        }
        Ok(Some(()))
    }
    fn rollback(&mut self, _: &mut Storage) -> Step<()> {
        Ok(Some(()))
    }
    fn vtab_savepoint(&mut self, _: SavepointAction, _: usize) -> Result<(), Error> {
        Ok(())
    }
    fn rolled_back_to_savepoint(&mut self, _: &mut Storage) -> Step<()> {
        Ok(Some(()))
    }
    fn schema_is_current(&self, _: Db, _: u32) -> bool {
        true
    }
    fn schema_is_stale(&mut self, _: Db) {}
    fn schema_changed(&mut self, _: Db, _: u32) {}
    fn schema_op(&mut self, _: &mut Storage, _: SchemaOp<'_>) -> Step<()> {
        Ok(Some(()))
    }
    fn expire_statements(&mut self, _: bool) {}
    fn call(
        &mut self,
        _: &mut Storage,
        _: HostCall<'_>,
        _: Db,
        _: &[Register],
        _: &mut Register,
    ) -> Step<()> {
        Ok(Some(()))
    }
    fn vtab(&mut self, _: Db, _: &str) -> Result<Arc<dyn vtab::Table>, Error> {
        Err(Error::message("x"))
    }
}
const P: CompareFlags = CompareFlags { affinity: b'A', jump_if_null: false, null_eq: false };
fn time(name: &str, ops: u64, body: impl Fn(&mut Builder)) {
    let mut s = Storage::default();
    timed(name, ops, &mut s, true, 5, body);
}
fn timed(name: &str, ops: u64, s: &mut Storage, ro: bool, times: u32, body: impl Fn(&mut Builder)) -> i64 {
    let mut b = Builder::new(Encoding::Utf8);
    b.emit(Op::Init { to: Addr(1) });
    body(&mut b);
    b.emit(Op::Halt { code: HaltCode::Ok, on_conflict: OnConflict::Abort, message: ConstId(0) });
    b.flags().read_only = ro;
    let mut m = Machine::new(Arc::new(b.finish().unwrap()));
    let mut h = H(ConnectionState::default(), Arc::new(MemoryIo::new()));
    let mut best = f64::MAX;
    let mut last = 0;
    for _ in 0..times {
        #[allow(clippy::disallowed_methods)]
        let t = std::time::Instant::now();
        loop {
            match m.step(s, &mut h).unwrap().unwrap() {
                Event::Done => break,
                Event::Row => {
                    if let ValueRef::Integer(i) = m.row()[0].value() {
                        last = i
                    }
                }
                _ => {}
            }
        }
        best = best.min(t.elapsed().as_nanos() as f64);
        m.reset(s, &mut h).unwrap();
    }
    println!("{name}: {:.2} ns per unit", best / ops as f64);
    last
}
fn storage() {
    let mut s = Storage::default();
    let mut bt = kernite_btree::Btree::new(
        Arc::new(MemoryIo::new()),
        kernite_btree::OpenOptions { memory: true, create: true, ..Default::default() },
    );
    bt.open().unwrap().unwrap();
    s.databases.push(Some(bt));
    let tx = |b: &mut Builder, w: bool| {
        b.emit(Op::Transaction {
            db: Db(0),
            mode: if w { TransactionMode::Write } else { TransactionMode::Read },
            cookie: 0,
            check: false,
        });
    };
    let root = timed("create", 1, &mut s, false, 1, |b| {
        tx(b, true);
        let r = b.alloc_reg();
        b.emit(Op::CreateBtree { db: Db(0), out: r, table: true });
        b.emit(Op::ResultRow { first: r, count: 1 });
    }) as u32;
    let rows: i32 = std::env::args().nth(3).map_or(1_000_000, |n| n.parse().unwrap());
    timed("insert 1M rows", rows as u64, &mut s, false, 1, |b| {
        tx(b, true);
        let t = b.tree(Db(0), root, None);
        let c = b.alloc_cursor();
        b.emit(Op::OpenWrite { cursor: c, tree: t, columns: 3, for_delete: false });
        let r = b.alloc_regs(10);
        b.emit(Op::Integer { value: 0, out: r });
        b.emit(Op::Integer { value: rows, out: r.plus(1) });
        b.emit(Op::Integer { value: 0x5851, out: r.plus(2) });
        let txt = b.text("some text of moderate length");
        let top = b.emit(Op::AddImm { value: r, amount: 1 });
        b.emit(Op::NewRowid { cursor: c, out: r.plus(3), previous: Reg(0) });
        b.emit(Op::Multiply { left: r, right: r.plus(2), out: r.plus(4) });
        b.emit(Op::Const { value: txt, out: r.plus(5) });
        b.emit(Op::SCopy { from: r, to: r.plus(6) });
        b.emit(Op::MakeRecord { first: r.plus(4), count: 3, out: r.plus(7), affinities: AffinityId(0) });
        b.emit(Op::Insert {
            cursor: c,
            record: r.plus(7),
            rowid: r.plus(3),
            table: TableId(0),
            flags: WriteFlags { append: true, ..Default::default() },
        });
        b.emit(Op::Lt { left: r, right: r.plus(1), to: top, flags: P, collation: CollationId(0) });
    });
    let only = std::env::args().nth(3).is_some();
    for col in [0u16, 1, 2] {
        if only {
            break;
        }
        timed(&format!("scan, column {col}"), 1_000_000, &mut s, true, 5, |b| {
            tx(b, false);
            let t = b.tree(Db(0), root, None);
            let c = b.alloc_cursor();
            b.emit(Op::OpenRead { cursor: c, tree: t, columns: 3, seek_equal: false });
            let r = b.alloc_regs(2);
            let end = b.label();
            b.emit(Op::Rewind { cursor: c, empty: end });
            let top = b.emit(Op::Column { cursor: c, column: col, out: r, default: ConstId(0), hint: 0 });
            b.emit(Op::Next { cursor: c, to: top, counter: 1 });
            b.bind(end);
        });
    }
    timed(
        "scan, sum(column 0)",
        1_000_000,
        &mut s,
        true,
        std::env::args().nth(2).map_or(5, |n| n.parse().unwrap()),
        |b| {
            let reg = kernite_vdbe::function::registry::FunctionRegistry::new(Encoding::Utf8);
            let sum = match reg.find(b"sum", 1) {
                kernite_vdbe::function::registry::FunctionLookup::Found(f) => b.function(f),
                _ => panic!(),
            };
            tx(b, false);
            let t = b.tree(Db(0), root, None);
            let c = b.alloc_cursor();
            b.emit(Op::OpenRead { cursor: c, tree: t, columns: 3, seek_equal: false });
            let r = b.alloc_regs(2);
            let end = b.label();
            b.emit(Op::Null { first: r.plus(1), last: Reg(0), cleared: false });
            b.emit(Op::Rewind { cursor: c, empty: end });
            let top = b.emit(Op::Column { cursor: c, column: 0, out: r, default: ConstId(0), hint: 0 });
            b.emit(Op::AggStep { function: sum, first: r, count: 1, acc: r.plus(1), inverse: false });
            b.emit(Op::Next { cursor: c, to: top, counter: 1 });
            b.bind(end);
            b.emit(Op::AggFinal { function: sum, acc: r.plus(1), count: 1 });
        },
    );
    if only {
        return;
    }
    timed("fetch all rows, 3 columns", 1_000_000, &mut s, true, 3, |b| {
        tx(b, false);
        let t = b.tree(Db(0), root, None);
        let c = b.alloc_cursor();
        b.emit(Op::OpenRead { cursor: c, tree: t, columns: 3, seek_equal: false });
        let r = b.alloc_regs(3);
        let end = b.label();
        b.emit(Op::Rewind { cursor: c, empty: end });
        let top = b.emit(Op::Column { cursor: c, column: 0, out: r, default: ConstId(0), hint: 0 });
        b.emit(Op::Column { cursor: c, column: 1, out: r.plus(1), default: ConstId(0), hint: 0 });
        b.emit(Op::Column { cursor: c, column: 2, out: r.plus(2), default: ConstId(0), hint: 0 });
        b.emit(Op::ResultRow { first: r, count: 3 });
        b.emit(Op::Next { cursor: c, to: top, counter: 1 });
        b.bind(end);
    });
    timed("seek rowid random", 1_000_000, &mut s, true, 3, |b| {
        tx(b, false);
        let t = b.tree(Db(0), root, None);
        let c = b.alloc_cursor();
        b.emit(Op::OpenRead { cursor: c, tree: t, columns: 3, seek_equal: false });
        let r = b.alloc_regs(6);
        b.emit(Op::Integer { value: 0, out: r });
        b.emit(Op::Integer { value: 1_000_000, out: r.plus(1) });
        b.emit(Op::Integer { value: 0x5851_f42d, out: r.plus(2) });
        b.emit(Op::Integer { value: 0x7ffff, out: r.plus(4) });
        let top = b.emit(Op::AddImm { value: r, amount: 1 });
        b.emit(Op::Multiply { left: r, right: r.plus(2), out: r.plus(3) });
        b.emit(Op::BitAnd { left: r.plus(3), right: r.plus(4), out: r.plus(3) });
        let miss = b.label();
        b.emit(Op::SeekRowid { cursor: c, key: r.plus(3), miss });
        b.emit(Op::Column { cursor: c, column: 0, out: r.plus(5), default: ConstId(0), hint: 0 });
        b.bind(miss);
        b.emit(Op::Lt { left: r, right: r.plus(1), to: top, flags: P, collation: CollationId(0) });
    });
}
fn main() {
    if std::env::args().count() > 1 {
        return storage();
    }
    const N: i32 = 10_000_000;
    time("AddImm,Lt per op", 2 * N as u64, |b| {
        let r = b.alloc_regs(2);
        b.emit(Op::Integer { value: 0, out: r });
        b.emit(Op::Integer { value: N, out: r.plus(1) });
        let top = b.emit(Op::AddImm { value: r, amount: 1 });
        b.emit(Op::Lt { left: r, right: r.plus(1), to: top, flags: P, collation: CollationId(0) });
    });
    time("Integer,Add,Ge,Goto per op", 4 * N as u64, |b| {
        let r = b.alloc_regs(3);
        b.emit(Op::Integer { value: 0, out: r });
        b.emit(Op::Integer { value: N, out: r.plus(1) });
        let top = b.emit(Op::Integer { value: 1, out: r.plus(2) });
        b.emit(Op::Add { left: r, right: r.plus(2), out: r });
        let end = b.label();
        b.emit(Op::Ge { left: r, right: r.plus(1), to: end, flags: P, collation: CollationId(0) });
        b.emit(Op::Goto { to: top });
        b.bind(end);
    });
    time("real mul+add, 8 ops per op", 6 * N as u64, |b| {
        let r = b.alloc_regs(6);
        b.emit(Op::Integer { value: 0, out: r });
        b.emit(Op::Integer { value: N, out: r.plus(1) });
        let c = b.constant(ValueRef::Real(1.0000001));
        b.emit(Op::Const { value: c, out: r.plus(2) });
        b.emit(Op::Const { value: c, out: r.plus(3) });
        let top = b.emit(Op::Multiply { left: r.plus(2), right: r.plus(3), out: r.plus(4) });
        b.emit(Op::Add { left: r.plus(4), right: r.plus(2), out: r.plus(4) });
        b.emit(Op::Subtract { left: r.plus(4), right: r.plus(2), out: r.plus(4) });
        b.emit(Op::SCopy { from: r.plus(4), to: r.plus(5) });
        b.emit(Op::AddImm { value: r, amount: 1 });
        b.emit(Op::Lt { left: r, right: r.plus(1), to: top, flags: P, collation: CollationId(0) });
    });
    time("ResultRow per row", 1_000_000, |b| {
        let r = b.alloc_regs(2);
        b.emit(Op::Integer { value: 0, out: r });
        b.emit(Op::Integer { value: 1_000_000, out: r.plus(1) });
        let top = b.emit(Op::AddImm { value: r, amount: 1 });
        b.emit(Op::ResultRow { first: r, count: 1 });
        b.emit(Op::Lt { left: r, right: r.plus(1), to: top, flags: P, collation: CollationId(0) });
    });
    for (name, mul) in [("random ints", 0x5851_f42du32 as i32), ("ascending", 1)] {
        let c = std::sync::Arc::new(kernite_btree::KeyInfo {
            columns: vec![kernite_btree::KeyColumn::default()],
            key_column_count: 1,
            ..Default::default()
        });
        time(&format!("sort {name}, per row incl MakeRecord"), 1_000_000, move |b| {
            let r = b.alloc_regs(4);
            let k = b.key_info(c.clone());
            let (s, p) = (b.alloc_cursor(), b.alloc_cursor());
            b.emit(Op::SorterOpen { cursor: s, columns: 2, key: k, limit: Reg(0) });
            b.emit(Op::Integer { value: 0, out: r });
            b.emit(Op::Integer { value: 1_000_000, out: r.plus(1) });
            b.emit(Op::Integer { value: mul, out: r.plus(3) });
            let top = b.emit(Op::AddImm { value: r, amount: 1 });
            let v = b.alloc_regs(2);
            let mask = b.alloc_reg();
            b.emit(Op::Integer { value: 0xfffff, out: mask });
            b.emit(Op::Multiply { left: r, right: r.plus(3), out: v });
            b.emit(Op::BitAnd { left: v, right: mask, out: v });
            b.emit(Op::SCopy { from: r, to: v.plus(1) });
            b.emit(Op::MakeRecord { first: v, count: 2, out: r.plus(2), affinities: AffinityId(0) });
            b.emit(Op::SorterInsert { cursor: s, record: r.plus(2), first: v, count: 2 });
            b.emit(Op::Lt { left: r, right: r.plus(1), to: top, flags: P, collation: CollationId(0) });
            let end = b.label();
            b.emit(Op::OpenPseudo { cursor: p, content: r.plus(2), columns: 2 });
            b.emit(Op::SorterSort { cursor: s, empty: end });
            let top = b.emit(Op::SorterData { cursor: s, out: r.plus(2), pseudo: p });
            b.emit(Op::Column { cursor: p, column: 0, out: v, default: ConstId(0), hint: 0 });
            b.emit(Op::Column { cursor: p, column: 1, out: v.plus(1), default: ConstId(0), hint: 0 });
            b.emit(Op::SorterNext { cursor: s, to: top });
            b.bind(end);
        });
    }
    for groups in [10, 100_000] {
        let c = std::sync::Arc::new(kernite_btree::KeyInfo {
            columns: vec![kernite_btree::KeyColumn::default()],
            key_column_count: 1,
            ..Default::default()
        });
        time(&format!("group by {groups}, count+sum, per row"), 1_000_000, move |b| {
            let reg = kernite_vdbe::function::registry::FunctionRegistry::new(Encoding::Utf8);
            let get = |b: &mut Builder, n: &str, a| match reg.find(n.as_bytes(), a) {
                kernite_vdbe::function::registry::FunctionLookup::Found(f) => b.function(f),
                _ => panic!(),
            };
            let (count, sum) = (get(b, "count", 0), get(b, "sum", 1));
            let r = b.alloc_regs(4);
            let k = b.key_info(c.clone());
            let g = b.alloc_cursor();
            b.emit(Op::HashAggOpen { cursor: g, key: k, accs: 2, saved: 0 });
            b.emit(Op::Integer { value: 0, out: r });
            b.emit(Op::Integer { value: 1_000_000, out: r.plus(1) });
            b.emit(Op::Integer { value: groups, out: r.plus(2) });
            let top = b.emit(Op::AddImm { value: r, amount: 1 });
            b.emit(Op::Remainder { left: r, right: r.plus(2), out: r.plus(3) });
            let e = b.label();
            b.emit(Op::HashAggFind { cursor: g, keys: r.plus(3), existing: e });
            b.bind(e);
            b.emit(Op::HashAggStep { cursor: g, acc: 0, function: count, first: Reg(1), count: 0 });
            b.emit(Op::HashAggStep { cursor: g, acc: 1, function: sum, first: r, count: 1 });
            b.emit(Op::Lt { left: r, right: r.plus(1), to: top, flags: P, collation: CollationId(0) });
            let end = b.label();
            b.emit(Op::HashAggSort { cursor: g, empty: end });
            let top = b.emit(Op::HashAggRow { cursor: g, keys: r.plus(3), saved: Reg(0) });
            b.emit(Op::HashAggFinal { cursor: g, acc: 0, function: count, out: r });
            b.emit(Op::HashAggFinal { cursor: g, acc: 1, function: sum, out: r });
            b.emit(Op::HashAggNext { cursor: g, to: top });
            b.bind(end);
        });
    }
    let c = std::sync::Arc::new(kernite_btree::KeyInfo {
        columns: vec![kernite_btree::KeyColumn::default()],
        key_column_count: 1,
        ..Default::default()
    });
    time("ephemeral index, random insert, per row", 1_000_000, move |b| {
        let r = b.alloc_regs(6);
        let k = b.key_info(c.clone());
        let g = b.alloc_cursor();
        b.emit(Op::OpenEphemeral { cursor: g, columns: 1, key: k, unordered: false });
        b.emit(Op::Integer { value: 0, out: r });
        b.emit(Op::Integer { value: 1_000_000, out: r.plus(1) });
        b.emit(Op::Integer { value: 0x5851_f42d, out: r.plus(2) });
        b.emit(Op::Integer { value: 0xfffffff, out: r.plus(4) });
        let top = b.emit(Op::AddImm { value: r, amount: 1 });
        b.emit(Op::Multiply { left: r, right: r.plus(2), out: r.plus(3) });
        b.emit(Op::BitAnd { left: r.plus(3), right: r.plus(4), out: r.plus(3) });
        b.emit(Op::MakeRecord { first: r.plus(3), count: 1, out: r.plus(5), affinities: AffinityId(0) });
        b.emit(Op::IdxInsert {
            cursor: g,
            record: r.plus(5),
            first: r.plus(3),
            count: 1,
            flags: WriteFlags::default(),
        });
        b.emit(Op::Lt { left: r, right: r.plus(1), to: top, flags: P, collation: CollationId(0) });
    });
}
