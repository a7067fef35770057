//! Pragmas about what is kept in the file: header fields, journal mode, auto-vacuum, the WAL.

use kernite_vdbe::op::{Addr, ConstId, Db, HaltCode, OnConflict, Op, Reg, TransactionMode};

use super::setting::JOURNAL_MODES;
use super::table::Call;
use super::{Request, code_call, value};
use crate::compile::{CompileResult, Compiler};

/// Numbers of header fields.
const SCHEMA_VERSION: u8 = 1;
const DEFAULT_CACHE_SIZE: u8 = 3;
const LARGEST_ROOT_PAGE: u8 = 4;
const INCREMENTAL_VACUUM: u8 = 7;

/// What `default_cache_size` is where the file does not say.
const CACHE_SIZE: i32 = -2000;

/// Begins a transaction in the middle of the program, whatever the schema is.
fn begin(c: &mut Compiler<'_>, db: Db, mode: TransactionMode) {
    c.notes.open_databases |= 1 << db.0;
    c.emit(Op::Transaction { db, mode, cookie: 0, check: false });
}

/// Reads or sets a header field.
pub(super) fn header_value(c: &mut Compiler<'_>, field: u8, request: &Request<'_>) {
    let db = request.db;
    let can_be_set = matches!(field, 1 | 6 | 8);
    match request.value.filter(|_| can_be_set) {
        Some(value) => {
            if field == SCHEMA_VERSION && c.options.defensive {
                return;
            }
            begin(c, db, TransactionMode::Write);
            c.emit(Op::SetCookie { db, field, value: value::int32_or_zero(value) as u32 });
            if field == SCHEMA_VERSION {
                code_call(c, Call::ForgetSchema as u16, request);
            }
        }
        None => {
            let out = c.reg();
            begin(c, db, TransactionMode::Read);
            c.emit(Op::ReadCookie { db, out, field });
            c.emit(Op::ResultRow { first: out, count: 1 });
        }
    }
}

/// `auto_vacuum`: of a file that has it already, whether full or incremental is stored at once.
pub(super) fn auto_vacuum(c: &mut Compiler<'_>, request: &Request<'_>) {
    let out = code_call(c, Call::AutoVacuum as u16, request);
    let db = request.db;
    let Some(value) = request.value else {
        c.emit(Op::ResultRow { first: out, count: 1 });
        return;
    };
    let incremental = match super::setting::auto_vacuum(value) {
        kernite_btree::AutoVacuum::None => return,
        kernite_btree::AutoVacuum::Full => 0,
        kernite_btree::AutoVacuum::Incremental => 1,
    };
    begin(c, db, TransactionMode::Write);
    c.emit(Op::ReadCookie { db, out, field: LARGEST_ROOT_PAGE });
    let go_on = c.emit(Op::If { value: out, to: Addr(0), jump_if_null: false });
    c.emit(Op::Halt { code: HaltCode::Ok, on_conflict: OnConflict::Abort, message: ConstId(0) });
    c.jump_here(go_on);
    c.emit(Op::SetCookie { db, field: INCREMENTAL_VACUUM, value: incremental });
}

/// `default_cache_size`, the oldest of the cache's pragmas: kept in the file.
pub(super) fn default_cache_size(c: &mut Compiler<'_>, request: &Request<'_>) {
    let db = request.db;
    if let Some(value) = request.value {
        let size = value::int32_or_zero(value).unsigned_abs();
        c.begin_write(false, db);
        c.emit(Op::SetCookie { db, field: DEFAULT_CACHE_SIZE, value: size });
        code_call(c, Call::CacheSize as u16, request);
        return;
    }
    let (out, zero) = (c.reg(), c.reg());
    begin(c, db, TransactionMode::Read);
    c.emit(Op::ReadCookie { db, out, field: DEFAULT_CACHE_SIZE });
    let done = c.label();
    c.emit(Op::IfPos { counter: out, to: done, decrement: 0 });
    c.integer(0, zero);
    c.emit(Op::Subtract { left: zero, right: out, out });
    c.emit(Op::IfPos { counter: out, to: done, decrement: 0 });
    c.integer(CACHE_SIZE, out);
    c.bind(done);
    c.emit(Op::ResultRow { first: out, count: 1 });
}

/// `incremental_vacuum`: gives free pages back, one a round.
pub(super) fn incremental_vacuum(c: &mut Compiler<'_>, request: &Request<'_>) {
    let db = request.db;
    let limit = request.value.and_then(value::int32).filter(|&limit| limit > 0).unwrap_or(i32::MAX);
    c.begin_write(false, db);
    let left = c.reg();
    c.integer(limit, left);
    let end = c.label();
    let top = c.emit(Op::IncrVacuum { db, to: end });
    // Each page is a row without columns.
    c.emit(Op::ResultRow { first: left, count: 0 });
    c.emit(Op::AddImm { value: left, amount: -1 });
    c.emit(Op::IfPos { counter: left, to: top, decrement: 0 });
    c.bind(end);
}

/// `journal_mode`: of one database; a mode without a database's name is for all of them.
pub(super) fn journal_mode(c: &mut Compiler<'_>, request: &Request<'_>) {
    let known = request.value.and_then(|value| {
        JOURNAL_MODES.iter().position(|(name, _)| {
            name.as_bytes().get(..value.len()).is_some_and(|head| head.eq_ignore_ascii_case(value))
        })
    });
    let is_off = |&mode: &usize| JOURNAL_MODES[mode].0 == "off";
    let mode = known.filter(|mode| !(is_off(mode) && c.options.defensive));
    let out = c.reg();
    let all = !request.qualified && mode.is_some();
    for number in (0..c.catalog.databases.len()).rev() {
        let Ok(db) = u8::try_from(number).map(Db) else { continue };
        let is_there = c.catalog.database(db).is_some() && (db != Db(1) || c.options.temp_open);
        if db == request.db || is_there && all {
            let mode = mode.map_or(u8::MAX, |mode| mode as u8);
            c.emit(Op::JournalMode { db, mode, out });
        }
    }
    c.emit(Op::ResultRow { first: out, count: 1 });
}

/// `wal_checkpoint`: of one database, or of all; then the figures are those of the first.
pub(super) fn wal_checkpoint(c: &mut Compiler<'_>, request: &Request<'_>) -> CompileResult<()> {
    const MODES: [&str; 3] = ["full", "restart", "truncate"];
    let value = request.value.unwrap_or_default();
    if value.eq_ignore_ascii_case(b"noop") {
        return Err(c.unsupported("PRAGMA wal_checkpoint(NOOP)"));
    }
    let named = MODES.iter().position(|name| value.eq_ignore_ascii_case(name.as_bytes()));
    let mode = named.map_or(0, |at| at as u8 + 1);
    let out = c.builder.alloc_regs(3);
    if request.qualified {
        c.emit(Op::Checkpoint { db: request.db, mode, out });
    } else {
        let others = c.builder.alloc_regs(3);
        c.emit(Op::Checkpoint { db: Db(0), mode, out });
        for number in 2..c.catalog.databases.len() {
            let Ok(db) = u8::try_from(number).map(Db) else { continue };
            if c.catalog.database(db).is_some() {
                c.emit(Op::Checkpoint { db, mode, out: others });
                add_busy(c, out, others);
            }
        }
    }
    c.emit(Op::ResultRow { first: out, count: 3 });
    Ok(())
}

/// A checkpoint that was in anybody's way makes the whole busy.
fn add_busy(c: &mut Compiler<'_>, out: Reg, other: Reg) {
    let done = c.label();
    c.emit(Op::IfNot { value: other, to: done, jump_if_null: true });
    c.integer(1, out);
    c.bind(done);
}
