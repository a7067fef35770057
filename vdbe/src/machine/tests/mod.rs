//! Hand-built programs on a world in memory.
//!
//! `flow` and `value` need no storage; `storage` runs on b-trees in memory, `restart` on ones whose I/O comes late.

mod flow;
mod restart;
mod sets;
mod storage;
mod value;

use std::sync::Arc;

use kernite_btree::{Collation, Encoding, KeyColumn, KeyInfo, TransactionKind, ValueRef};
use kernite_io::{Instant, MemoryIo, SharedIo, WallTime};

use super::{Event, Hook, Machine};
use crate::function::registry::{FunctionLookup, FunctionRegistry};
use crate::host::{ConnectionState, Host, HostCall, SchemaOp, Storage};
use crate::op::{CompareFlags, Db, FunctionId, HaltCode, OnConflict, Op, Reg, SavepointAction};
use crate::program::Builder;
use crate::register::Register;
use crate::vtab::Sql;
use crate::{Error, Step, vtab};

/// A connection with nothing above it.
pub(super) struct TestHost {
    pub(super) state: ConnectionState,
    io: SharedIo,
    random: u64,
    pub(super) sort_memory_bytes: usize,
    pub(super) trigger_depth_max: i32,
    pub(super) hooks_seen: Vec<Hook>,
    pub(super) waits: u32,
}

impl TestHost {
    pub(super) fn new() -> TestHost {
        TestHost::on(Arc::new(MemoryIo::new()))
    }

    pub(super) fn on(io: SharedIo) -> TestHost {
        TestHost {
            state: ConnectionState::default(),
            io,
            random: 1,
            sort_memory_bytes: 1 << 26,
            trigger_depth_max: 1000,
            hooks_seen: Vec::new(),
            waits: 0,
        }
    }
}

impl Host for TestHost {
    fn now(&mut self) -> WallTime {
        WallTime(0)
    }
    fn monotonic(&self) -> Instant {
        Instant(0)
    }
    fn fill_random(&mut self, out: &mut [u8]) {
        for byte in out {
            self.random = self.random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            *byte = (self.random >> 56) as u8;
        }
    }
    fn local_offset(&self, _: WallTime) -> Option<i64> {
        Some(0)
    }
    fn io(&self) -> &SharedIo {
        &self.io
    }
    fn sort_memory_bytes(&self) -> usize {
        self.sort_memory_bytes
    }
    fn limit(&self, limit: u8) -> i32 {
        if limit == 10 { self.trigger_depth_max } else { 1_000_000_000 }
    }
    fn state(&self) -> &ConnectionState {
        &self.state
    }
    fn state_mut(&mut self) -> &mut ConnectionState {
        &mut self.state
    }
    fn commit(&mut self, storage: &mut Storage) -> Step<()> {
        for btree in storage.databases.iter_mut().flatten() {
            match btree.transaction() {
                None => {}
                Some(TransactionKind::Read) => kernite_io::ready!(btree.end_read()),
                Some(_) => {
                    kernite_io::ready!(btree.commit_prepare(None));
                    kernite_io::ready!(btree.commit_finish());
                }
            }
        }
        Ok(Some(()))
    }
    fn rollback(&mut self, storage: &mut Storage) -> Step<()> {
        for btree in storage.databases.iter_mut().flatten() {
            if btree.transaction().is_some() {
                kernite_io::ready!(btree.rollback(true));
            }
        }
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
        Err(Error::message("no calls here"))
    }
    fn vtab(&mut self, _: Db, name: &str) -> Result<Arc<dyn vtab::Table>, Error> {
        Err(Error::message(format!("no such module: {name}")))
    }
}

/// No connection.
pub(super) struct NoSql;
impl Sql for NoSql {
    fn prepare(&mut self, _: &str) -> Step<u32> {
        Err(Error::message("no connection"))
    }
    fn bind(&mut self, _: u32, _: u32, _: ValueRef<'_>) -> Result<(), Error> {
        Err(Error::message("no connection"))
    }
    fn step(&mut self, _: u32) -> Step<bool> {
        Err(Error::message("no connection"))
    }
    fn column(&self, _: u32, _: u16) -> &Register {
        unreachable!("nothing was prepared")
    }
    fn reset(&mut self, _: u32) -> Step<()> {
        Ok(Some(()))
    }
    fn finish(&mut self, _: u32) {}
    fn encoding(&self) -> Encoding {
        Encoding::Utf8
    }
    fn last_insert_rowid(&self) -> i64 {
        0
    }
    fn set_last_insert_rowid(&mut self, _: i64) {}
}

/// A value as text: `NULL`, `1`, `1.5`, `'text'`, `x'00ff'`.
pub(super) fn show(register: &Register) -> String {
    match register.value() {
        ValueRef::Null => "NULL".into(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Text(text) => format!("'{}'", String::from_utf8_lossy(text)),
        ValueRef::Blob(blob) => {
            format!("x'{}'", blob.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        }
    }
}

/// A program, begun with `Init` and closed with `Halt`.
pub(super) fn build(body: impl FnOnce(&mut Builder)) -> Builder {
    let mut builder = Builder::new(Encoding::Utf8);
    builder.emit(Op::Init { to: crate::Addr(1) });
    body(&mut builder);
    builder.emit(HALT);
    builder
}

pub(super) const HALT: Op =
    Op::Halt { code: HaltCode::Ok, on_conflict: OnConflict::Abort, message: crate::op::ConstId(0) };

/// Comparison without affinity.
pub(super) const PLAIN: CompareFlags = CompareFlags { affinity: b'A', jump_if_null: false, null_eq: false };

/// Waits until something that a step waits for is over.
pub(super) fn wait(storage: &mut Storage, host: &mut TestHost) {
    host.waits += 1;
    let mut outstanding = storage.outstanding.clone();
    for btree in storage.databases.iter().flatten() {
        outstanding.extend(btree.outstanding());
    }
    outstanding.prune();
    host.io.flush();
    host.io.wait(&outstanding, None).unwrap();
}

/// Runs to the end, calling user code and waiting as it comes; the rows, values joined by `|`.
pub(super) fn drive(
    machine: &mut Machine,
    storage: &mut Storage,
    host: &mut TestHost,
) -> Result<Vec<String>, Error> {
    let mut rows = Vec::new();
    loop {
        match machine.step(storage, host)? {
            None => wait(storage, host),
            Some(Event::Row) => rows.push(machine.row().iter().map(show).collect::<Vec<_>>().join("|")),
            Some(Event::Done) => return Ok(rows),
            Some(Event::Call) => assert!(machine.call(&mut NoSql)?.is_some()),
            Some(Event::Hook(hook)) => host.hooks_seen.push(hook),
            Some(event) => panic!("{event:?}"),
        }
    }
}

/// Ends a run, waiting as it comes.
pub(super) fn reset(machine: &mut Machine, storage: &mut Storage, host: &mut TestHost) -> Result<(), Error> {
    while machine.reset(storage, host)?.is_none() {
        wait(storage, host);
    }
    Ok(())
}

/// Builds, runs on nothing, and gives the rows.
pub(super) fn run(body: impl FnOnce(&mut Builder)) -> Result<Vec<String>, Error> {
    let mut builder = build(body);
    builder.flags().read_only = true;
    let mut machine = Machine::new(Arc::new(builder.finish()?));
    drive(&mut machine, &mut Storage::default(), &mut TestHost::new())
}

/// The rows, or a panic.
pub(super) fn rows(body: impl FnOnce(&mut Builder)) -> Vec<String> {
    run(body).unwrap()
}

/// A built-in function.
pub(super) fn function(builder: &mut Builder, name: &str, arguments: usize) -> FunctionId {
    match FunctionRegistry::new(Encoding::Utf8).find(name.as_bytes(), arguments) {
        FunctionLookup::Found(function) => builder.function(function),
        _ => panic!("no function {name}"),
    }
}

/// A key of so many columns, BINARY and ascending.
pub(super) fn key(columns: usize) -> Arc<KeyInfo> {
    let column = KeyColumn { collation: Collation::Binary, descending: false, big_null: false };
    Arc::new(KeyInfo { encoding: Encoding::Utf8, columns: vec![column; columns], key_column_count: columns })
}

/// Loads integers into consecutive new registers; the first.
pub(super) fn integers(builder: &mut Builder, values: &[i32]) -> Reg {
    let first = builder.alloc_regs(values.len() as u32);
    for (step, &value) in values.iter().enumerate() {
        builder.emit(Op::Integer { value, out: first.plus(step as u32) });
    }
    first
}

/// Loads a text into a new register.
pub(super) fn text(builder: &mut Builder, text: &str) -> Reg {
    let (value, out) = (builder.text(text), builder.alloc_reg());
    builder.emit(Op::Const { value, out });
    out
}
