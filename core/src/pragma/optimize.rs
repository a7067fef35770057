//! `optimize`: ANALYZE for tables that have grown or shrunk much, or have indexes without statistics.
//!
//! Spec: "PRAGMA optimize".

use kernite_vdbe::op::{Addr, Db, Op};

use super::{Request, load_text, value};
use crate::catalog::TableKind;
use crate::codegen::column;
use crate::compile::{CompileResult, Compiler};

/// Bits of the mask: only say what would be done; analyse; limit the work; look at all tables.
const DEBUG: u32 = 0x1;
const ANALYZE: u32 = 0x2;
const ALL_TABLES: u32 = 0x10000;
const DEFAULT_MASK: u32 = 0xfffe;
/// Ten times larger or smaller, as logarithm.
const RANGE: i16 = 33;

/// Codes the pragma.
pub(super) fn code(c: &mut Compiler<'_>, request: &Request<'_>) -> CompileResult<()> {
    let mask = match request.value {
        Some(value) => value::int32_or_zero(value) as u32,
        None => DEFAULT_MASK,
    };
    if mask & ANALYZE == 0 {
        return Ok(());
    }
    let cursor = c.cursor();
    let out = c.reg();
    let last = if request.qualified { usize::from(request.db.0) } else { c.catalog.databases.len() - 1 };
    let mut checked = 0;
    for number in usize::from(request.db.0)..=last {
        let Some(schema) = c.catalog.databases.get(number).cloned().flatten() else { continue };
        let Some(db) = u8::try_from(number).ok().map(Db).filter(|&db| db != Db(1)) else { continue };
        c.verify_schema(db);
        for table in schema.listed() {
            let is_system = table.name.get(..7).is_some_and(|head| head.eq_ignore_ascii_case(b"sqlite_"));
            if !matches!(table.kind, TableKind::Ordinary) || is_system {
                continue;
            }
            let unanalyzed = table.indexes.iter().any(|index| !index.has_statistics);
            if mask & ALL_TABLES == 0 && !unanalyzed {
                continue;
            }
            checked += 1;
            if checked == 2 {
                c.begin_write(false, db);
            }
            column::open_read(c, cursor, table, None)?;
            let skip = if unanalyzed {
                c.emit(Op::Rewind { cursor, empty: Addr(0) })
            } else {
                let estimate = table.row_estimate;
                let low = if estimate >= RANGE { estimate - RANGE } else { -1 };
                let high = estimate + RANGE;
                c.emit(Op::IfSizeBetween { cursor, low, high, to: Addr(0) })
            };
            let quoted = |name: &[u8]| String::from_utf8_lossy(name).replace('"', "\"\"");
            let sql = format!("ANALYZE \"{}\".\"{}\"", quoted(&schema.name), quoted(&table.name));
            if mask & DEBUG != 0 {
                load_text(c, Some(sql.as_bytes()), out);
                c.emit(Op::ResultRow { first: out, count: 1 });
            } else {
                let sql = c.builder.name(sql.as_bytes());
                c.emit(Op::SqlExec { sql });
            }
            c.jump_here(skip);
        }
    }
    c.emit(Op::Expire { others_only: false });
    Ok(())
}
