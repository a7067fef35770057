//! The instructions that are not hot: one arm each, mostly one call.
//!
//! They stand apart from the loop so that the loop stays small enough for its locals to live in machine registers.
//!
//! Never: what an instruction does beyond a line or two; the families have that.

use kernite_io::ready;

use crate::host::{HostCall, SchemaOp};
use crate::op::{Addr, Db, HaltCode, OnConflict, Op, Reg};
use crate::register::{Flags, Tag};
use crate::value::Bitwise;
use crate::{Error, Step};

use super::call::{Where, purity};
use super::run::Exit;
use super::seek::{Scan, Side};
use super::write::Written;
use super::{
    Context, Counter, aggregate, at, call, column, cursor, end, flow, groups, schema, seek, set, sorting,
    transaction, value, virtual_table, write,
};

/// Where the loop goes on.
pub(super) enum After {
    Next,
    To(Addr),
    At(usize),
    /// Back to the start of a loop: the interrupt flag is looked at.
    Loop(Addr),
    /// The instruction is not done, or nothing comes after it.
    Leave(Exit),
    /// The instruction is done.
    NextThenLeave(Exit),
}

fn jump_if(condition: bool, to: Addr) -> After {
    if condition { After::To(to) } else { After::Next }
}

fn loop_if(condition: bool, to: Addr) -> After {
    if condition { After::Loop(to) } else { After::Next }
}

fn placed(place: Where) -> After {
    match place {
        Where::Here => After::Next,
        Where::Outside => After::Leave(Exit::Call),
    }
}

fn written(outcome: Written) -> After {
    match outcome {
        Written::Done => After::Next,
        Written::DoneThen(hook) => After::NextThenLeave(Exit::Hook(hook)),
        Written::First(hook) => After::Leave(Exit::Hook(hook)),
    }
}

/// Does the instruction `op` at `pc`.
#[inline(never)]
pub(super) fn run(cx: &mut Context<'_>, op: &Op, pc: usize) -> Step<After> {
    let program = cx.program;
    let ops = &program.ops[..];
    cx.run.epoch += 1;
    let after = match *op {
        // ---- flow
        Op::InitCoroutine { co, after, start } => {
            cx.registers[at(co)].set_integer(i64::from(start.0));
            jump_if(after.0 != 0, after)
        }
        Op::EndCoroutine { co } => {
            let register = &mut cx.registers[at(co)];
            let caller = (register.number as usize).wrapping_sub(1);
            // Asked once more, the coroutine ends once more.
            register.set_integer(pc as i64);
            match ops.get(caller) {
                Some(Op::Yield { done, .. }) => After::To(*done),
                _ => return Err(Error::Program { at: pc as u32, what: "coroutine without a caller" }),
            }
        }
        Op::Halt { code: HaltCode::Ok, on_conflict, .. } => {
            // The outermost program's end is in the loop.
            return Ok(Some(After::Leave(Exit::Leave { ignore: on_conflict == OnConflict::Ignore })));
        }
        Op::Halt { code, on_conflict, message } => {
            let error = Some(end::halt_error(code, program.text(message)));
            return Ok(Some(After::Leave(Exit::End { error, on_conflict })));
        }
        Op::HaltIfNull { value, code, on_conflict, message } => {
            if cx.registers[at(value)].is_null() {
                let error = Some(end::halt_error(code, program.text(message)));
                return Ok(Some(After::Leave(Exit::End { error, on_conflict })));
            }
            After::Next
        }
        Op::HaltWithRegister { code, on_conflict, message } => {
            let register = &cx.registers[at(message)];
            let text = crate::function::call::text_of(register, program.encoding);
            let error = Some(end::halt_error(code, text.as_deref()));
            return Ok(Some(After::Leave(Exit::End { error, on_conflict })));
        }
        Op::Once { to } => jump_if(!flow::once(cx.once, pc, ops.len()), to),
        Op::IsType { cursor, column, mask, to } => {
            jump_if(ready!(column::is_type(cx, cursor, column, mask)), to)
        }
        Op::IsTypeReg { value, mask, to } => {
            jump_if(column::type_bit(cx.registers[at(value)].tag) & mask != 0, to)
        }
        Op::OffsetLimit { limit, offset, out } => {
            value::offset_limit(cx, limit, offset, out);
            After::Next
        }
        Op::MustBeInt { value, to } => {
            if value::make_integer(cx, value) {
                After::Next
            } else if to.0 == 0 {
                return Err(Error::with_code(HaltCode::Mismatch.result_code(), "datatype mismatch"));
            } else {
                After::To(to)
            }
        }
        Op::Program { args, ignore, sub, recursive_ok } => {
            let outermost = cx.callers.first().map_or(program, |caller| &*caller.frame.program);
            let Some(sub) = outermost.subprogram(sub).cloned() else {
                return Err(Error::Program { at: pc as u32, what: "subprogram" });
            };
            return Ok(Some(After::Leave(Exit::Enter { sub, ignore, args, recursive_ok })));
        }
        Op::Param { offset, out } => {
            flow::param(cx, offset, out)?;
            After::Next
        }
        Op::AutoCommit { on, rollback } => {
            let end = ready!(transaction::auto_commit(cx.host, cx.storage, on, rollback));
            return Ok(Some(After::Leave(Exit::EndTransaction(end))));
        }
        Op::Savepoint { action, name } => {
            if let Some(end) = ready!(transaction::savepoint(cx, action, name)) {
                return Ok(Some(After::Leave(Exit::EndTransaction(end))));
            }
            After::Next
        }
        Op::ReadCookie { db, out, field } => {
            ready!(schema::read_cookie(cx, db, out, field));
            After::Next
        }
        Op::SetCookie { db, field, value } => {
            ready!(schema::set_cookie(cx, db, field, value));
            After::Next
        }
        Op::Checkpoint { db, mode, out } => {
            ready!(schema::checkpoint(cx, db, mode, out));
            After::Next
        }
        Op::JournalMode { db, mode, out } => {
            ready!(schema::call(cx, HostCall::JournalMode(mode), db, Reg(0), 0, out));
            After::Next
        }
        Op::Vacuum { db, into } => {
            let count = usize::from(into.is_some());
            ready!(schema::call(cx, HostCall::Vacuum, db, into, count, Reg(0)));
            After::Next
        }
        Op::IncrVacuum { db, to } => jump_if(!ready!(schema::incremental_vacuum(cx, db)), to),
        Op::Expire { others_only } => {
            cx.host.expire_statements(others_only);
            After::Next
        }
        Op::Count { cursor, out, estimate } => {
            ready!(cursor::count(cx, cursor, out, estimate));
            After::Next
        }
        // ---- values
        Op::SoftNull { out } => {
            cx.registers[at(out)].set_null();
            After::Next
        }
        Op::Move { from, to, count } => {
            value::move_registers(cx, from, to, count);
            After::Next
        }
        Op::Concat { left, right, out } => {
            value::concat(cx, left, right, out)?;
            After::Next
        }
        Op::BitAnd { left, right, out } => {
            value::bitwise(cx, Bitwise::And, left, right, out);
            After::Next
        }
        Op::BitOr { left, right, out } => {
            value::bitwise(cx, Bitwise::Or, left, right, out);
            After::Next
        }
        Op::ShiftLeft { left, right, out } => {
            value::bitwise(cx, Bitwise::ShiftLeft, left, right, out);
            After::Next
        }
        Op::ShiftRight { left, right, out } => {
            value::bitwise(cx, Bitwise::ShiftRight, left, right, out);
            After::Next
        }
        Op::BitNot { value, out } => {
            value::bit_not(cx, value, out);
            After::Next
        }
        Op::Not { value, out } => {
            let truth = value::truth(cx, value).map(|truth| !truth);
            value::set_truth(&mut cx.registers[at(out)], truth);
            After::Next
        }
        Op::And { left, right, out } => {
            let truth = value::and(value::truth(cx, left), value::truth(cx, right));
            value::set_truth(&mut cx.registers[at(out)], truth);
            After::Next
        }
        Op::Or { left, right, out } => {
            let truth = value::or(value::truth(cx, left), value::truth(cx, right));
            value::set_truth(&mut cx.registers[at(out)], truth);
            After::Next
        }
        Op::IsTrue { value, out, null_gives, negate } => {
            let truth = value::truth(cx, value).unwrap_or(null_gives) != negate;
            cx.registers[at(out)].set_integer(i64::from(truth));
            After::Next
        }
        Op::Cast { value, affinity } => {
            value::cast(cx, value, affinity)?;
            After::Next
        }
        Op::TypeCheck { first, count, table, check_generated, only } => {
            value::type_check(cx, first, count, table, check_generated, only)?;
            After::Next
        }
        Op::ElseEq { to } => jump_if(cx.run.compared.is_eq(), to),
        Op::ZeroOrNull { left, right, out } => {
            let null = cx.registers[at(left)].is_null() || cx.registers[at(right)].is_null();
            value::set_truth(&mut cx.registers[at(out)], (!null).then_some(false));
            After::Next
        }
        Op::CollSeq { collation, flag } => {
            cx.run.collation = collation;
            cx.run.extreme_flag = flag;
            if flag.is_some() {
                cx.registers[at(flag)].set_integer(0);
            }
            After::Next
        }
        Op::PureFunc { function, first, count, out, constant_mask, place } => {
            let place = purity(place);
            placed(ready!(call::function(cx, function, first, count, out, constant_mask, pc, place)))
        }
        Op::ClrSubtype { value } => {
            let register = &mut cx.registers[at(value)];
            register.flags.0 &= !Flags::SUBTYPE;
            register.subtype = 0;
            After::Next
        }
        Op::GetSubtype { value, out } => {
            let register = &cx.registers[at(value)];
            let subtype = register.flags.has(Flags::SUBTYPE).then_some(i64::from(register.subtype));
            match subtype {
                Some(subtype) => cx.registers[at(out)].set_integer(subtype),
                None => cx.registers[at(out)].set_null(),
            }
            After::Next
        }
        Op::SetSubtype { value, subtype } => {
            let source = &cx.registers[at(subtype)];
            let subtype = (source.tag == Tag::Integer).then_some(source.number as u8);
            let register = &mut cx.registers[at(value)];
            match subtype {
                Some(subtype) => register.set_subtype(subtype),
                None => register.flags.0 &= !Flags::SUBTYPE,
            }
            After::Next
        }
        // ---- cursors
        Op::Rowid { cursor, out } => {
            if virtual_table::is_outside(cx, cursor) {
                ready!(virtual_table::run_here(cx, op, pc))
            } else {
                ready!(column::rowid(cx, cursor, out));
                After::Next
            }
        }
        Op::Prev { cursor, to, counter } => {
            let found = ready!(cursor::previous(cx, cursor));
            if found {
                cx.run.counters.charge(counter);
            }
            loop_if(found, to)
        }
        Op::OpenWriteReg { cursor, db, root, key, .. } => {
            ready!(cursor::open_register(cx, cursor, db, root, key));
            After::Next
        }
        Op::ReopenIdx { cursor, tree, seek_equal, .. } => {
            ready!(cursor::reopen(cx, cursor, tree, seek_equal));
            After::Next
        }
        Op::OpenDup { cursor, original } => {
            cursor::open_dup(cx, cursor, original)?;
            After::Next
        }
        Op::OpenEphemeral { cursor, key, .. } | Op::OpenAutoindex { cursor, key, .. } => {
            cursor::open_ephemeral(cx, cursor, key);
            After::Next
        }
        Op::OpenPseudo { cursor, content, .. } => {
            cursor::open_pseudo(cx, cursor, content);
            After::Next
        }
        Op::Close { cursor } => {
            cursor::close(cx, cursor);
            After::Next
        }
        Op::RowData { cursor, out } => {
            ready!(column::row_data(cx, cursor, out));
            After::Next
        }
        Op::Offset { cursor, out, .. } => {
            ready!(column::offset(cx, cursor, out));
            After::Next
        }
        Op::NullRow { cursor } => {
            cursor::null_row(cx, cursor);
            After::Next
        }
        Op::IfNotOpen { cursor, to } => jump_if(cursor::is_not_open(cx, cursor), to),
        Op::IfEmpty { cursor, to } => jump_if(ready!(cursor::is_empty(cx, cursor)), to),
        Op::Last { cursor, empty } => jump_if(!ready!(cursor::last(cx, cursor)), empty),
        Op::IfSizeBetween { cursor, to, low, high } => {
            jump_if(ready!(cursor::size_is_between(cx, cursor, low, high)), to)
        }
        Op::SeekGT { cursor, key, count, miss } => {
            jump_if(!ready!(seek::seek(cx, cursor, key, count, Side::Greater)), miss)
        }
        Op::SeekLE { cursor, key, count, miss, equal_only } => {
            if equal_only || seek::is_seek_equal(cx, cursor) {
                let next = ops.get(pc + 1);
                let (found, skip) = ready!(seek::seek_equal(cx, cursor, key, count, Side::LessEqual, next));
                if found { After::At(pc + 1 + usize::from(skip)) } else { After::To(miss) }
            } else {
                jump_if(!ready!(seek::seek(cx, cursor, key, count, Side::LessEqual)), miss)
            }
        }
        Op::SeekLT { cursor, key, count, miss } => {
            jump_if(!ready!(seek::seek(cx, cursor, key, count, Side::Less)), miss)
        }
        Op::SeekScan { cursor, steps: tries, to, range } => {
            let Some(&Op::SeekGE { key, count, miss, .. }) = ops.get(pc + 1) else {
                return Err(Error::Program { at: pc as u32, what: "SeekScan without SeekGE" });
            };
            match ready!(seek::seek_scan(cx, cursor, key, count, tries)) {
                Scan::There => After::To(to),
                Scan::Beyond if range => After::To(to),
                Scan::Beyond | Scan::End => After::To(miss),
                Scan::GiveUp => After::Next,
            }
        }
        Op::SeekHit { cursor, low, high } => {
            seek::seek_hit(cx, cursor, low, high);
            After::Next
        }
        Op::IfNoHope { cursor, to, key, count } => jump_if(ready!(seek::no_hope(cx, cursor, key, count)), to),
        Op::FinishSeek { cursor } => {
            ready!(seek::finish_seek(cx, cursor));
            After::Next
        }
        Op::NoConflict { cursor, key, count, to } => {
            let free = seek::has_null(cx, key, count) && !kernite_io::planted!(NullsConflict);
            // The cursor is put in its place all the same, for the insert that follows.
            let found = ready!(seek::found(cx, cursor, key, count));
            jump_if(free || !found, to)
        }
        Op::RowCell { cursor, from, rowid } => {
            ready!(write::row_cell(cx, cursor, from, rowid));
            After::Next
        }
        Op::Delete { cursor, table, flags } => written(ready!(write::delete(cx, cursor, table, flags))),
        Op::ResetCount => {
            let changes = std::mem::take(&mut cx.run.changes);
            cx.host.state_mut().set_changes(changes);
            After::Next
        }
        Op::IdxDelete { cursor, key, count, raise } => {
            ready!(write::idx_delete(cx, cursor, key, count, raise));
            After::Next
        }
        Op::SorterOpen { cursor, key, limit, .. } => {
            sorting::open(cx, cursor, key, limit)?;
            After::Next
        }
        Op::SorterSort { cursor, empty } => jump_if(!ready!(sorting::counted_sort(cx, cursor)), empty),
        Op::Sort { cursor, empty } => {
            let found = ready!(cursor::rewind(cx, cursor));
            cx.run.counters.add(Counter::Sort, 1);
            jump_if(!found, empty)
        }
        Op::SorterCompare { cursor, record, count, to } => {
            jump_if(!sorting::same_key(cx, cursor, record, count)?, to)
        }
        Op::ResetSorter { cursor } | Op::ClearEphemeral { cursor } => {
            cursor::clear(cx, cursor)?;
            After::Next
        }
        Op::Sequence { cursor, out } => {
            let next = cursor::sequence(cx, cursor)?;
            cx.registers[at(out)].set_integer(next);
            After::Next
        }
        Op::SequenceTest { cursor, to } => jump_if(cursor::sequence(cx, cursor)? == 0, to),
        Op::RowSetAdd { set, value } => {
            set::add(cx, set, value)?;
            After::Next
        }
        Op::RowSetRead { set, empty, out } => {
            if set::read(cx, set, out)? {
                After::Next
            } else {
                After::Loop(empty)
            }
        }
        Op::RowSetTest { set, found, value, batch } => jump_if(set::test(cx, set, value, batch)?, found),
        Op::FilterAdd { filter, first, count } => {
            set::filter_add(cx, filter, first, count)?;
            After::Next
        }
        Op::Filter { filter, first, count, to } => {
            let may_have = set::filter_test(cx, filter, first, count)?;
            cx.run.counters.add(if may_have { Counter::FilterMiss } else { Counter::FilterHit }, 1);
            jump_if(!may_have, to)
        }
        Op::Blob0 { size, out } => {
            set::new_filter(cx, size, out);
            After::Next
        }
        // ---- aggregates
        Op::AggFinal { function, acc, .. } => placed(ready!(aggregate::finish(cx, function, acc))),
        Op::AggValue { function, acc, out, .. } => placed(ready!(aggregate::value(cx, function, acc, out))),
        Op::HashAggOpen { cursor, key, accs, saved } => {
            groups::open(cx, cursor, key, accs, saved)?;
            After::Next
        }
        Op::HashAggSave { cursor, first } => {
            groups::save(cx, cursor, first)?;
            After::Next
        }
        Op::HashAggSort { cursor, empty } => {
            let found = groups::sort(cx, cursor)?;
            cx.run.counters.add(Counter::Sort, 1);
            jump_if(!found, empty)
        }
        Op::HashAggRow { cursor, keys, saved } => {
            groups::row(cx, cursor, keys, saved)?;
            After::Next
        }
        Op::HashAggFinal { cursor, acc, function, out } => {
            groups::finish(cx, cursor, acc, function, out)?;
            After::Next
        }
        // ---- schema
        Op::CreateBtree { db, out, table } => {
            ready!(schema::create_btree(cx, db, out, table));
            After::Next
        }
        Op::Clear { tree, count, count_change } => {
            ready!(schema::clear(cx, tree, count, count_change));
            After::Next
        }
        Op::Destroy { db, tree, moved } => {
            ready!(schema::destroy(cx, db, tree, moved));
            After::Next
        }
        Op::ParseSchema { db, filter } => {
            ready!(schema::schema_op(cx, SchemaOp::Parse { db, filter: program.text(filter) }));
            After::Next
        }
        Op::LoadAnalysis { db } => {
            ready!(schema::schema_op(cx, SchemaOp::LoadAnalysis { db }));
            After::Next
        }
        Op::DropTable { db, name } => {
            let name = schema::text(cx, name)?;
            ready!(schema::schema_op(cx, SchemaOp::DropTable { db, name }));
            After::Next
        }
        Op::DropIndex { db, name } => {
            let name = schema::text(cx, name)?;
            ready!(schema::schema_op(cx, SchemaOp::DropIndex { db, name }));
            After::Next
        }
        Op::DropTrigger { db, name } => {
            let name = schema::text(cx, name)?;
            ready!(schema::schema_op(cx, SchemaOp::DropTrigger { db, name }));
            After::Next
        }
        Op::SqlExec { sql } => {
            let sql = schema::text(cx, sql)?;
            ready!(schema::call(cx, HostCall::Sql(sql), Db(0), Reg(0), 0, Reg(0)));
            After::Next
        }
        Op::Attach { path, name, key } => {
            ready!(schema::attach(cx, path, name, key));
            After::Next
        }
        Op::Detach { name } => {
            ready!(schema::call(cx, HostCall::Detach, Db(0), name, 1, Reg(0)));
            After::Next
        }
        Op::IntegrityCk { db, roots, errors_left, out, counts } => {
            ready!(schema::integrity_check(cx, db, roots, errors_left, out, counts));
            After::Next
        }
        Op::FkCounter { deferred, amount } => {
            flow::fk_counter(cx, deferred, amount);
            After::Next
        }
        Op::FkCheck => {
            if cx.run.foreign_key_violations > 0 {
                let error = Some(end::foreign_key_error());
                return Ok(Some(After::Leave(Exit::End { error, on_conflict: OnConflict::Abort })));
            }
            After::Next
        }
        Op::FkIfZero { deferred, to } => jump_if(flow::fk_is_zero(cx, deferred), to),
        Op::MemMax { reg, value } => {
            flow::mem_max(cx, reg, value)?;
            After::Next
        }
        Op::HostCall { call, db, first, count, out } => {
            ready!(schema::call(cx, HostCall::Pragma(call), db, first, usize::from(count), out));
            After::Next
        }
        // ---- virtual tables
        Op::VOpen { .. }
        | Op::VFilter { .. }
        | Op::VNext { .. }
        | Op::VBegin { .. }
        | Op::VRename { .. }
        | Op::VUpdate { .. }
        | Op::VCheck { .. } => ready!(virtual_table::run_here(cx, op, pc)),
        Op::VColumn { cursor, column, out, no_change } => {
            if virtual_table::is_outside(cx, cursor) {
                ready!(virtual_table::run_here(cx, op, pc))
            } else {
                ready!(virtual_table::column(cx, cursor, column, out, no_change));
                After::Next
            }
        }
        Op::VCreate { db, name } => {
            ready!(schema::call(cx, HostCall::VtabCreate, db, name, 1, Reg(0)));
            After::Next
        }
        Op::VDestroy { db, name } => {
            let name = schema::text(cx, name)?;
            ready!(schema::call(cx, HostCall::VtabDestroy(name), db, Reg(0), 0, Reg(0)));
            After::Next
        }
        Op::VInitIn { cursor, out, .. } => {
            ready!(virtual_table::value_list(cx, cursor, out));
            After::Next
        }
        _ => return Err(Error::Program { at: pc as u32, what: "unknown instruction" }),
    };
    Ok(Some(after))
}
