//! The loop: fetches an instruction, does it, goes on.
//!
//! The `match` has one arm an instruction. What is hot stands in the arm; all else is one call to its family. `pc` is a local that is
//! written back when the loop is left; an instruction that yields leaves it where it is.
//!
//! Jumps that close loops look at the interrupt flag and at the progress handler's count; nothing else does.
//!
//! Never: user code, the end of the statement.

use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use kernite_btree::Error as StorageError;

use crate::host::{Host, HostCall, SchemaOp, Storage};
use crate::op::{Addr, HaltCode, OnConflict, Op, Reg};
use crate::program::Program;
use crate::register::{Flags, Tag};
use crate::value::{Arithmetic, Bitwise};
use crate::{Error, Step};

use super::call::{Where, purity};
use super::compare::Outcome;
use super::frame::{Caller, Frame};
use super::seek::{Scan, Side};
use super::transaction::TransactionEnd;
use super::write::Written;
use super::{
    Context, Counter, Hook, Run, aggregate, at, call, column, compare, cursor, end, flow, groups, schema,
    seek, set, sorting, transaction, value, virtual_table, write,
};

/// Why the loop was left.
pub(super) enum Exit {
    Row,
    Call,
    Busy,
    Progress,
    Hook(Hook),
    /// Enter a subprogram.
    Enter {
        sub: Arc<Program>,
        ignore: Addr,
        args: Reg,
        recursive_ok: bool,
    },
    /// Back to the calling frame.
    Leave {
        ignore: bool,
    },
    /// The statement is over.
    End {
        error: Option<Error>,
        on_conflict: OnConflict,
    },
    EndTransaction(TransactionEnd),
}

/// Runs the frame until there is a reason to leave.
pub(super) fn run(
    frame: &mut Frame,
    callers: &mut [Caller],
    run: &mut Run,
    interrupt: &AtomicBool,
    storage: &mut Storage,
    host: &mut dyn Host,
) -> Step<Exit> {
    let is_outermost = callers.is_empty();
    let Frame { program, pc: saved_pc, registers, cursors, stores, once, auxdata } = frame;
    let program: &Program = program;
    let ops = &program.ops[..];
    let mut pc = *saved_pc;
    let mut steps = run.steps;
    let mut progress_at = run.progress_at;
    let mut cx = Context {
        program,
        registers: &mut registers[..],
        cursors: &mut cursors[..],
        stores,
        auxdata,
        callers,
        run,
        storage,
        host,
    };

    // Writes back what the loop keeps in locals, and leaves.
    macro_rules! leave {
        ($result:expr) => {{
            *saved_pc = pc;
            cx.run.counters.add(Counter::VmStep, steps - cx.run.steps);
            cx.run.steps = steps;
            cx.run.progress_at = progress_at;
            return $result;
        }};
    }
    // The value of a step; leaves where it yields or fails.
    macro_rules! wait {
        ($step:expr) => {
            match $step {
                Ok(Some(value)) => value,
                Ok(None) => leave!(Ok(None)),
                Err(error) => leave!(Err(located(error, pc))),
            }
        };
    }
    // The value of something that does not yield; leaves where it fails.
    macro_rules! attempt {
        ($result:expr) => {
            match $result {
                Ok(value) => value,
                Err(error) => leave!(Err(located(error, pc))),
            }
        };
    }
    // Goes back to the start of a loop.
    macro_rules! jump_back {
        ($to:expr) => {{
            pc = $to.0 as usize;
            if interrupt.load(Relaxed) {
                leave!(Err(Error::Storage(StorageError::Interrupted)));
            }
            if steps >= progress_at {
                progress_at = steps + u64::from(cx.host.state().progress_interval.max(1));
                leave!(Ok(Some(Exit::Progress)));
            }
        }};
    }
    macro_rules! jump_if {
        ($condition:expr, $to:expr) => {
            pc = if $condition { $to.0 as usize } else { pc + 1 }
        };
    }
    macro_rules! step_loop {
        ($found:expr, $to:expr) => {
            if $found { jump_back!($to) } else { pc += 1 }
        };
    }
    // An instruction that may have to run with the connection released.
    macro_rules! here_or_outside {
        ($step:expr) => {
            match wait!($step) {
                Where::Here => pc += 1,
                Where::Outside => leave!(Ok(Some(Exit::Call))),
            }
        };
    }
    macro_rules! written {
        ($step:expr) => {
            match wait!($step) {
                Written::Done => pc += 1,
                Written::DoneThen(hook) => {
                    pc += 1;
                    leave!(Ok(Some(Exit::Hook(hook))));
                }
                Written::First(hook) => leave!(Ok(Some(Exit::Hook(hook)))),
            }
        };
    }
    // Compares and jumps; `$test` is a test of the order.
    macro_rules! compare_jump {
        ($left:expr, $right:expr, $to:expr, $flags:expr, $collation:expr, $test:ident) => {{
            let (left, right) = (&cx.registers[at($left)], &cx.registers[at($right)]);
            if left.tag == Tag::Integer && right.tag == Tag::Integer {
                let order = left.number.cmp(&right.number);
                cx.run.compared = order;
                jump_if!(order.$test(), $to);
            } else {
                match attempt!(compare::compare(&cx, $left, $right, $flags, $collation)) {
                    Outcome::Order(order) => {
                        cx.run.compared = order;
                        jump_if!(order.$test(), $to);
                    }
                    Outcome::Null => {
                        cx.run.compared = Ordering::Greater;
                        jump_if!($flags.jump_if_null, $to);
                    }
                }
            }
        }};
    }

    loop {
        let Some(op) = ops.get(pc) else {
            leave!(Err(Error::Program { at: pc as u32, what: "ran past its end" }))
        };
        steps += 1;
        match *op {
            // ---- flow
            Op::Goto { to } => jump_back!(to),
            Op::Init { to } => pc = to.0 as usize,
            Op::Gosub { ret, to } => {
                cx.registers[at(ret)].set_integer(pc as i64 + 1);
                pc = to.0 as usize;
            }
            Op::Return { ret, or_fall_through } => {
                let register = &cx.registers[at(ret)];
                if register.tag == Tag::Integer {
                    pc = register.number as usize;
                } else if or_fall_through {
                    pc += 1;
                } else {
                    leave!(Err(Error::Program { at: pc as u32, what: "return without an address" }));
                }
            }
            Op::InitCoroutine { co, after, start } => {
                cx.registers[at(co)].set_integer(i64::from(start.0));
                jump_if!(after.0 != 0, after);
            }
            Op::Yield { co, .. } => {
                let register = &mut cx.registers[at(co)];
                let to = register.number as usize;
                register.set_integer(pc as i64 + 1);
                pc = to;
            }
            Op::EndCoroutine { co } => {
                let register = &mut cx.registers[at(co)];
                let caller = (register.number as usize).wrapping_sub(1);
                // Asked once more, the coroutine ends once more.
                register.set_integer(pc as i64);
                match ops.get(caller) {
                    Some(Op::Yield { done, .. }) => pc = done.0 as usize,
                    _ => leave!(Err(Error::Program { at: pc as u32, what: "coroutine without a caller" })),
                }
            }
            Op::Halt { code: HaltCode::Ok, on_conflict, .. } => {
                if !is_outermost {
                    leave!(Ok(Some(Exit::Leave { ignore: on_conflict == OnConflict::Ignore })));
                }
                leave!(Ok(Some(Exit::End { error: None, on_conflict })));
            }
            Op::Halt { code, on_conflict, message } => {
                let error = Some(end::halt_error(code, program.text(message)));
                leave!(Ok(Some(Exit::End { error, on_conflict })));
            }
            Op::HaltIfNull { value, code, on_conflict, message } => {
                if cx.registers[at(value)].is_null() {
                    let error = Some(end::halt_error(code, program.text(message)));
                    leave!(Ok(Some(Exit::End { error, on_conflict })));
                }
                pc += 1;
            }
            Op::HaltWithRegister { code, on_conflict, message } => {
                let register = &cx.registers[at(message)];
                let text = crate::function::call::text_of(register, program.encoding);
                let error = Some(end::halt_error(code, text.as_deref()));
                leave!(Ok(Some(Exit::End { error, on_conflict })));
            }
            Op::Once { to } => jump_if!(!flow::once(once, pc, ops.len()), to),
            Op::If { value, to, jump_if_null } => {
                jump_if!(value::truth(&cx, value).unwrap_or(jump_if_null), to)
            }
            Op::IfNot { value, to, jump_if_null } => {
                jump_if!(!value::truth(&cx, value).unwrap_or(!jump_if_null), to)
            }
            Op::IsNull { value, to } => jump_if!(cx.registers[at(value)].is_null(), to),
            Op::NotNull { value, to } => jump_if!(!cx.registers[at(value)].is_null(), to),
            Op::IsType { cursor, column, mask, to } => {
                jump_if!(wait!(column::is_type(&mut cx, cursor, column, mask)), to)
            }
            Op::IsTypeReg { value, mask, to } => {
                jump_if!(column::type_bit(cx.registers[at(value)].tag) & mask != 0, to)
            }
            Op::IfPos { counter, to, decrement } => {
                let register = &mut cx.registers[at(counter)];
                let positive = register.number > 0;
                if positive {
                    register.number -= i64::from(decrement);
                }
                jump_if!(positive, to);
            }
            Op::IfNotZero { counter, to } => {
                let register = &mut cx.registers[at(counter)];
                let not_zero = register.number != 0;
                if register.number > 0 {
                    register.number -= 1;
                }
                jump_if!(not_zero, to);
            }
            Op::DecrJumpZero { counter, to } => {
                let register = &mut cx.registers[at(counter)];
                register.number = register.number.saturating_sub(1);
                jump_if!(register.number == 0, to);
            }
            Op::OffsetLimit { limit, offset, out } => {
                value::offset_limit(&mut cx, limit, offset, out);
                pc += 1;
            }
            Op::Jump { less, equal, greater } => {
                pc = match cx.run.compared {
                    Ordering::Less => less.0,
                    Ordering::Equal => equal.0,
                    Ordering::Greater => greater.0,
                } as usize;
            }
            Op::MustBeInt { value, to } => {
                if value::make_integer(&mut cx, value) {
                    pc += 1;
                } else if to.0 == 0 {
                    leave!(Err(Error::with_code(HaltCode::Mismatch.result_code(), "datatype mismatch")));
                } else {
                    pc = to.0 as usize;
                }
            }
            Op::Program { args, ignore, sub, recursive_ok } => {
                let outermost = cx.callers.first().map_or(program, |caller| &*caller.frame.program);
                let Some(sub) = outermost.subprogram(sub).cloned() else {
                    leave!(Err(Error::Program { at: pc as u32, what: "subprogram" }))
                };
                leave!(Ok(Some(Exit::Enter { sub, ignore, args, recursive_ok })));
            }
            Op::Param { offset, out } => {
                attempt!(flow::param(&mut cx, offset, out));
                pc += 1;
            }
            Op::Noop | Op::Explain { .. } | Op::ReleaseReg { .. } | Op::TableLock { .. } => pc += 1,
            Op::Transaction { db, mode, cookie, check } => {
                if !wait!(transaction::begin(&mut cx, db, mode, cookie, check)) {
                    leave!(Ok(Some(Exit::Busy)));
                }
                pc += 1;
            }
            Op::AutoCommit { on, rollback } => {
                let end = wait!(transaction::auto_commit(cx.host, cx.storage, on, rollback));
                leave!(Ok(Some(Exit::EndTransaction(end))));
            }
            Op::Savepoint { action, name } => {
                if let Some(end) = wait!(transaction::savepoint(&mut cx, action, name)) {
                    leave!(Ok(Some(Exit::EndTransaction(end))));
                }
                pc += 1;
            }
            Op::ReadCookie { db, out, field } => {
                wait!(schema::read_cookie(&mut cx, db, out, field));
                pc += 1;
            }
            Op::SetCookie { db, field, value } => {
                wait!(schema::set_cookie(&mut cx, db, field, value));
                pc += 1;
            }
            Op::Checkpoint { db, mode, out } => {
                wait!(schema::checkpoint(&mut cx, db, mode, out));
                pc += 1;
            }
            Op::JournalMode { db, mode, out } => {
                wait!(schema::call(&mut cx, HostCall::JournalMode(mode), db, Reg(0), 0, out));
                pc += 1;
            }
            Op::Vacuum { db, into } => {
                let count = usize::from(into.is_some());
                wait!(schema::call(&mut cx, HostCall::Vacuum, db, into, count, Reg(0)));
                pc += 1;
            }
            Op::IncrVacuum { db, to } => jump_if!(!wait!(schema::incremental_vacuum(&mut cx, db)), to),
            Op::Expire { others_only } => {
                cx.host.expire_statements(others_only);
                pc += 1;
            }
            Op::Count { cursor, out, estimate } => {
                wait!(cursor::count(&mut cx, cursor, out, estimate));
                pc += 1;
            }

            // ---- values
            Op::Integer { value, out } => {
                cx.registers[at(out)].set_integer(i64::from(value));
                pc += 1;
            }
            Op::Const { value, out } => {
                value::constant(&mut cx, value, out);
                pc += 1;
            }
            Op::Null { first, last, cleared } => {
                let end = at(last).max(at(first));
                for register in &mut cx.registers[at(first)..=end] {
                    register.set_null();
                    if cleared {
                        register.flags = Flags(Flags::CLEARED);
                    }
                }
                pc += 1;
            }
            Op::SoftNull { out } => {
                cx.registers[at(out)].set_null();
                pc += 1;
            }
            Op::Variable { number, out } => {
                attempt!(value::variable(&mut cx, number, out));
                pc += 1;
            }
            Op::Move { from, to, count } => {
                value::move_registers(&mut cx, from, to, count);
                pc += 1;
            }
            Op::Copy { from, to, count } => {
                for step in 0..count {
                    value::copy(&mut cx, from.plus(step), to.plus(step));
                }
                pc += 1;
            }
            Op::SCopy { from, to } => {
                value::copy(&mut cx, from, to);
                pc += 1;
            }
            Op::IntCopy { from, to } => {
                let number = cx.registers[at(from)].number;
                cx.registers[at(to)].set_integer(number);
                pc += 1;
            }
            Op::ResultRow { first, count } => {
                cx.run.row = (first, count);
                pc += 1;
                leave!(Ok(Some(Exit::Row)));
            }
            Op::Concat { left, right, out } => {
                attempt!(value::concat(&mut cx, left, right, out));
                pc += 1;
            }
            Op::Add { left, right, out } => {
                value::arithmetic(&mut cx, Arithmetic::Add, left, right, out);
                pc += 1;
            }
            Op::Subtract { left, right, out } => {
                value::arithmetic(&mut cx, Arithmetic::Subtract, left, right, out);
                pc += 1;
            }
            Op::Multiply { left, right, out } => {
                value::arithmetic(&mut cx, Arithmetic::Multiply, left, right, out);
                pc += 1;
            }
            Op::Divide { left, right, out } => {
                value::arithmetic(&mut cx, Arithmetic::Divide, left, right, out);
                pc += 1;
            }
            Op::Remainder { left, right, out } => {
                value::arithmetic(&mut cx, Arithmetic::Remainder, left, right, out);
                pc += 1;
            }
            Op::BitAnd { left, right, out } => {
                value::bitwise(&mut cx, Bitwise::And, left, right, out);
                pc += 1;
            }
            Op::BitOr { left, right, out } => {
                value::bitwise(&mut cx, Bitwise::Or, left, right, out);
                pc += 1;
            }
            Op::ShiftLeft { left, right, out } => {
                value::bitwise(&mut cx, Bitwise::ShiftLeft, left, right, out);
                pc += 1;
            }
            Op::ShiftRight { left, right, out } => {
                value::bitwise(&mut cx, Bitwise::ShiftRight, left, right, out);
                pc += 1;
            }
            Op::BitNot { value, out } => {
                value::bit_not(&mut cx, value, out);
                pc += 1;
            }
            Op::Not { value, out } => {
                let truth = value::truth(&cx, value).map(|truth| !truth);
                value::set_truth(&mut cx.registers[at(out)], truth);
                pc += 1;
            }
            Op::And { left, right, out } => {
                let truth = value::and(value::truth(&cx, left), value::truth(&cx, right));
                value::set_truth(&mut cx.registers[at(out)], truth);
                pc += 1;
            }
            Op::Or { left, right, out } => {
                let truth = value::or(value::truth(&cx, left), value::truth(&cx, right));
                value::set_truth(&mut cx.registers[at(out)], truth);
                pc += 1;
            }
            Op::IsTrue { value, out, null_gives, negate } => {
                let truth = value::truth(&cx, value).unwrap_or(null_gives) != negate;
                cx.registers[at(out)].set_integer(i64::from(truth));
                pc += 1;
            }
            Op::AddImm { value, amount } => {
                let encoding = program.encoding;
                let register = &mut cx.registers[at(value)];
                let sum = match register.tag {
                    Tag::Integer => register.number,
                    _ => crate::value::number::to_integer(register.value(), encoding),
                };
                register.set_integer(sum.wrapping_add(i64::from(amount)));
                pc += 1;
            }
            Op::RealAffinity { value } => {
                value::real_affinity(&mut cx, value);
                pc += 1;
            }
            Op::Cast { value, affinity } => {
                attempt!(value::cast(&mut cx, value, affinity));
                pc += 1;
            }
            Op::Affinity { first, count, affinities } => {
                value::affinities(&mut cx, first, count, affinities);
                pc += 1;
            }
            Op::TypeCheck { first, count, table, check_generated } => {
                attempt!(value::type_check(&mut cx, first, count, table, check_generated));
                pc += 1;
            }
            Op::Eq { left, right, to, flags, collation } => {
                compare_jump!(left, right, to, flags, collation, is_eq)
            }
            Op::Ne { left, right, to, flags, collation } => {
                compare_jump!(left, right, to, flags, collation, is_ne)
            }
            Op::Lt { left, right, to, flags, collation } => {
                compare_jump!(left, right, to, flags, collation, is_lt)
            }
            Op::Le { left, right, to, flags, collation } => {
                compare_jump!(left, right, to, flags, collation, is_le)
            }
            Op::Gt { left, right, to, flags, collation } => {
                compare_jump!(left, right, to, flags, collation, is_gt)
            }
            Op::Ge { left, right, to, flags, collation } => {
                compare_jump!(left, right, to, flags, collation, is_ge)
            }
            Op::ElseEq { to } => jump_if!(cx.run.compared.is_eq(), to),
            Op::ZeroOrNull { left, right, out } => {
                let null = cx.registers[at(left)].is_null() || cx.registers[at(right)].is_null();
                value::set_truth(&mut cx.registers[at(out)], (!null).then_some(false));
                pc += 1;
            }
            Op::Compare { left, right, count, key, permutation } => {
                cx.run.compared =
                    attempt!(compare::compare_vectors(&cx, left, right, count, key, permutation));
                pc += 1;
            }
            Op::CollSeq { collation, flag } => {
                cx.run.collation = collation;
                cx.run.extreme_flag = flag;
                if flag.is_some() {
                    cx.registers[at(flag)].set_integer(0);
                }
                pc += 1;
            }
            Op::MakeRecord { first, count, out, affinities } => {
                attempt!(value::make_record(&mut cx, first, count, out, affinities));
                pc += 1;
            }
            Op::Function { function, first, count, out, constant_mask } => {
                let place = purity(0);
                here_or_outside!(call::function(
                    &mut cx,
                    function,
                    first,
                    count,
                    out,
                    constant_mask,
                    pc,
                    place
                ))
            }
            Op::PureFunc { function, first, count, out, constant_mask, place } => {
                let place = purity(place);
                here_or_outside!(call::function(
                    &mut cx,
                    function,
                    first,
                    count,
                    out,
                    constant_mask,
                    pc,
                    place
                ))
            }
            Op::ClrSubtype { value } => {
                let register = &mut cx.registers[at(value)];
                register.flags.0 &= !Flags::SUBTYPE;
                register.subtype = 0;
                pc += 1;
            }
            Op::GetSubtype { value, out } => {
                let register = &cx.registers[at(value)];
                let subtype = register.flags.has(Flags::SUBTYPE).then_some(i64::from(register.subtype));
                match subtype {
                    Some(subtype) => cx.registers[at(out)].set_integer(subtype),
                    None => cx.registers[at(out)].set_null(),
                }
                pc += 1;
            }
            Op::SetSubtype { value, subtype } => {
                let source = &cx.registers[at(subtype)];
                let subtype = (source.tag == Tag::Integer).then_some(source.number as u8);
                let register = &mut cx.registers[at(value)];
                match subtype {
                    Some(subtype) => register.set_subtype(subtype),
                    None => register.flags.0 &= !Flags::SUBTYPE,
                }
                pc += 1;
            }

            // ---- cursors
            Op::Column { cursor, column, out, default, hint } => {
                wait!(column::column(&mut cx, cursor, column, out, default, hint));
                pc += 1;
            }
            Op::Next { cursor, to, counter } => {
                let found = wait!(cursor::next(&mut cx, cursor));
                if found {
                    cx.run.counters.charge(counter);
                }
                step_loop!(found, to);
            }
            Op::Prev { cursor, to, counter } => {
                let found = wait!(cursor::previous(&mut cx, cursor));
                if found {
                    cx.run.counters.charge(counter);
                }
                step_loop!(found, to);
            }
            Op::Rowid { cursor, out } => {
                if virtual_table::is_outside(&cx, cursor) {
                    here_or_outside!(virtual_table::run_here(&mut cx, op, &mut pc));
                } else {
                    wait!(column::rowid(&mut cx, cursor, out));
                    pc += 1;
                }
            }
            Op::OpenRead { cursor, tree, seek_equal, .. } => {
                wait!(cursor::open(&mut cx, cursor, tree, false, seek_equal));
                pc += 1;
            }
            Op::OpenWrite { cursor, tree, .. } => {
                wait!(cursor::open(&mut cx, cursor, tree, true, false));
                pc += 1;
            }
            Op::OpenWriteReg { cursor, db, root, key, .. } => {
                wait!(cursor::open_register(&mut cx, cursor, db, root, key));
                pc += 1;
            }
            Op::ReopenIdx { cursor, tree, seek_equal, .. } => {
                wait!(cursor::reopen(&mut cx, cursor, tree, seek_equal));
                pc += 1;
            }
            Op::OpenDup { cursor, original } => {
                attempt!(cursor::open_dup(&mut cx, cursor, original));
                pc += 1;
            }
            Op::OpenEphemeral { cursor, key, .. } | Op::OpenAutoindex { cursor, key, .. } => {
                cursor::open_ephemeral(&mut cx, cursor, key);
                pc += 1;
            }
            Op::OpenPseudo { cursor, content, .. } => {
                cursor::open_pseudo(&mut cx, cursor, content);
                pc += 1;
            }
            Op::Close { cursor } => {
                cursor::close(&mut cx, cursor);
                pc += 1;
            }
            Op::RowData { cursor, out } => {
                wait!(column::row_data(&mut cx, cursor, out));
                pc += 1;
            }
            Op::Offset { cursor, out, .. } => {
                wait!(column::offset(&mut cx, cursor, out));
                pc += 1;
            }
            Op::NullRow { cursor } => {
                cursor::null_row(&mut cx, cursor);
                pc += 1;
            }
            Op::IfNullRow { cursor, to, out } => {
                let null = cursor::is_null_row(&cx, cursor);
                if null && out.is_some() {
                    cx.registers[at(out)].set_null();
                }
                jump_if!(null, to);
            }
            Op::IfNotOpen { cursor, to } => jump_if!(cursor::is_not_open(&cx, cursor), to),
            Op::IfEmpty { cursor, to } => jump_if!(wait!(cursor::is_empty(&mut cx, cursor)), to),
            Op::Rewind { cursor, empty } => jump_if!(!wait!(cursor::rewind(&mut cx, cursor)), empty),
            Op::Last { cursor, empty } => jump_if!(!wait!(cursor::last(&mut cx, cursor)), empty),
            Op::IfSizeBetween { cursor, to, low, high } => {
                jump_if!(wait!(cursor::size_is_between(&mut cx, cursor, low, high)), to)
            }
            Op::SeekGE { cursor, key, count, miss, equal_only } => {
                if equal_only || seek::is_seek_equal(&cx, cursor) {
                    let next = ops.get(pc + 1);
                    let (found, skip) =
                        wait!(seek::seek_equal(&mut cx, cursor, key, count, Side::GreaterEqual, next));
                    pc = if found { pc + 1 + usize::from(skip) } else { miss.0 as usize };
                } else {
                    jump_if!(!wait!(seek::seek(&mut cx, cursor, key, count, Side::GreaterEqual)), miss);
                }
            }
            Op::SeekGT { cursor, key, count, miss } => {
                jump_if!(!wait!(seek::seek(&mut cx, cursor, key, count, Side::Greater)), miss)
            }
            Op::SeekLE { cursor, key, count, miss, equal_only } => {
                if equal_only || seek::is_seek_equal(&cx, cursor) {
                    let next = ops.get(pc + 1);
                    let (found, skip) =
                        wait!(seek::seek_equal(&mut cx, cursor, key, count, Side::LessEqual, next));
                    pc = if found { pc + 1 + usize::from(skip) } else { miss.0 as usize };
                } else {
                    jump_if!(!wait!(seek::seek(&mut cx, cursor, key, count, Side::LessEqual)), miss);
                }
            }
            Op::SeekLT { cursor, key, count, miss } => {
                jump_if!(!wait!(seek::seek(&mut cx, cursor, key, count, Side::Less)), miss)
            }
            Op::SeekRowid { cursor, key, miss } => {
                jump_if!(!wait!(seek::seek_converted(&mut cx, cursor, key)), miss)
            }
            Op::NotExists { cursor, key, miss } => {
                let found = wait!(seek::exists(&mut cx, cursor, key));
                if !found && miss.0 == 0 {
                    leave!(Err(seek::missing_row()));
                }
                jump_if!(!found, miss);
            }
            Op::SeekScan { cursor, steps: tries, to, range } => {
                let Some(&Op::SeekGE { key, count, miss, .. }) = ops.get(pc + 1) else {
                    leave!(Err(Error::Program { at: pc as u32, what: "SeekScan without SeekGE" }))
                };
                pc = match wait!(seek::seek_scan(&mut cx, cursor, key, count, tries)) {
                    Scan::There => to.0 as usize,
                    Scan::Beyond if range => to.0 as usize,
                    Scan::Beyond | Scan::End => miss.0 as usize,
                    Scan::GiveUp => pc + 1,
                };
            }
            Op::SeekHit { cursor, low, high } => {
                seek::seek_hit(&mut cx, cursor, low, high);
                pc += 1;
            }
            Op::IfNoHope { cursor, to, key, count } => {
                jump_if!(wait!(seek::no_hope(&mut cx, cursor, key, count)), to)
            }
            Op::DeferredSeek { index, table, columns } => {
                wait!(seek::deferred_seek(&mut cx, index, table, columns));
                pc += 1;
            }
            Op::FinishSeek { cursor } => {
                wait!(seek::finish_seek(&mut cx, cursor));
                pc += 1;
            }
            Op::IdxRowid { cursor, out } => {
                wait!(column::idx_rowid(&mut cx, cursor, out));
                pc += 1;
            }
            Op::IdxGE { cursor, key, count, to } => {
                let order = wait!(seek::compare_entry(&mut cx, cursor, key, count, Ordering::Greater));
                jump_if!(order.is_ge(), to);
            }
            Op::IdxGT { cursor, key, count, to } => {
                let order = wait!(seek::compare_entry(&mut cx, cursor, key, count, Ordering::Less));
                jump_if!(order.is_gt(), to);
            }
            Op::IdxLE { cursor, key, count, to } => {
                let order = wait!(seek::compare_entry(&mut cx, cursor, key, count, Ordering::Less));
                jump_if!(order.is_le(), to);
            }
            Op::IdxLT { cursor, key, count, to } => {
                let order = wait!(seek::compare_entry(&mut cx, cursor, key, count, Ordering::Greater));
                jump_if!(order.is_lt(), to);
            }
            Op::Found { cursor, key, count, to } => {
                jump_if!(wait!(seek::found(&mut cx, cursor, key, count)), to)
            }
            Op::NotFound { cursor, key, count, to } => {
                jump_if!(!wait!(seek::found(&mut cx, cursor, key, count)), to)
            }
            Op::NoConflict { cursor, key, count, to } => {
                let free = seek::has_null(&cx, key, count);
                // The cursor is put in its place all the same, for the insert that follows.
                let found = wait!(seek::found(&mut cx, cursor, key, count));
                jump_if!(free || !found, to);
            }
            Op::NewRowid { cursor, out, previous } => {
                wait!(write::new_rowid(&mut cx, cursor, out, previous));
                pc += 1;
            }
            Op::Insert { cursor, record, rowid, table, flags } => {
                written!(write::insert(&mut cx, cursor, record, rowid, table, flags))
            }
            Op::RowCell { cursor, from, rowid } => {
                wait!(write::row_cell(&mut cx, cursor, from, rowid));
                pc += 1;
            }
            Op::Delete { cursor, table, flags } => written!(write::delete(&mut cx, cursor, table, flags)),
            Op::ResetCount => {
                let changes = std::mem::take(&mut cx.run.changes);
                cx.host.state_mut().set_changes(changes);
                pc += 1;
            }
            Op::IdxInsert { cursor, record, first, count, flags } => {
                wait!(write::idx_insert(&mut cx, cursor, record, first, count, flags));
                pc += 1;
            }
            Op::IdxDelete { cursor, key, count, raise } => {
                wait!(write::idx_delete(&mut cx, cursor, key, count, raise));
                pc += 1;
            }
            Op::SorterOpen { cursor, key, limit, .. } => {
                attempt!(sorting::open(&mut cx, cursor, key, limit));
                pc += 1;
            }
            Op::SorterInsert { cursor, record, first, count } => {
                wait!(sorting::insert(&mut cx, cursor, record, first, count));
                pc += 1;
            }
            Op::SorterSort { cursor, empty } => {
                jump_if!(!wait!(sorting::counted_sort(&mut cx, cursor)), empty)
            }
            Op::Sort { cursor, empty } => {
                let found = wait!(cursor::rewind(&mut cx, cursor));
                cx.run.counters.add(Counter::Sort, 1);
                jump_if!(!found, empty);
            }
            Op::SorterNext { cursor, to } => step_loop!(wait!(sorting::next(&mut cx, cursor)), to),
            Op::SorterData { cursor, out, pseudo } => {
                attempt!(sorting::data(&mut cx, cursor, out, pseudo));
                pc += 1;
            }
            Op::SorterCompare { cursor, record, count, to } => {
                jump_if!(!attempt!(sorting::same_key(&mut cx, cursor, record, count)), to)
            }
            Op::ResetSorter { cursor } | Op::ClearEphemeral { cursor } => {
                attempt!(cursor::clear(&mut cx, cursor));
                pc += 1;
            }
            Op::Sequence { cursor, out } => {
                let next = attempt!(cursor::sequence(&mut cx, cursor));
                cx.registers[at(out)].set_integer(next);
                pc += 1;
            }
            Op::SequenceTest { cursor, to } => {
                jump_if!(attempt!(cursor::sequence(&mut cx, cursor)) == 0, to)
            }
            Op::RowSetAdd { set, value } => {
                attempt!(set::add(&mut cx, set, value));
                pc += 1;
            }
            Op::RowSetRead { set, empty, out } => {
                if attempt!(set::read(&mut cx, set, out)) {
                    pc += 1;
                } else {
                    jump_back!(empty);
                }
            }
            Op::RowSetTest { set, found, value, batch } => {
                jump_if!(attempt!(set::test(&mut cx, set, value, batch)), found)
            }
            Op::FilterAdd { filter, first, count } => {
                attempt!(set::filter_add(&mut cx, filter, first, count));
                pc += 1;
            }
            Op::Filter { filter, first, count, to } => {
                let may_have = attempt!(set::filter_test(&cx, filter, first, count));
                cx.run.counters.add(if may_have { Counter::FilterMiss } else { Counter::FilterHit }, 1);
                jump_if!(!may_have, to);
            }
            Op::Blob0 { size, out } => {
                set::new_filter(&mut cx, size, out);
                pc += 1;
            }

            // ---- aggregates
            Op::AggStep { function, first, count, acc, inverse } => {
                here_or_outside!(aggregate::step(&mut cx, function, first, count, acc, inverse))
            }
            Op::AggFinal { function, acc, .. } => {
                here_or_outside!(aggregate::finish(&mut cx, function, acc))
            }
            Op::AggValue { function, acc, out, .. } => {
                here_or_outside!(aggregate::value(&mut cx, function, acc, out))
            }
            Op::HashAggOpen { cursor, key, accs, saved } => {
                attempt!(groups::open(&mut cx, cursor, key, accs, saved));
                pc += 1;
            }
            Op::HashAggFind { cursor, keys, existing } => {
                jump_if!(attempt!(groups::find(&mut cx, cursor, keys)), existing)
            }
            Op::HashAggSave { cursor, first } => {
                attempt!(groups::save(&mut cx, cursor, first));
                pc += 1;
            }
            Op::HashAggStep { cursor, acc, function, first, count } => {
                attempt!(groups::step(&mut cx, cursor, acc, function, first, count));
                pc += 1;
            }
            Op::HashAggSort { cursor, empty } => {
                let found = attempt!(groups::sort(&mut cx, cursor));
                cx.run.counters.add(Counter::Sort, 1);
                jump_if!(!found, empty);
            }
            Op::HashAggRow { cursor, keys, saved } => {
                attempt!(groups::row(&mut cx, cursor, keys, saved));
                pc += 1;
            }
            Op::HashAggFinal { cursor, acc, function, out } => {
                attempt!(groups::finish(&mut cx, cursor, acc, function, out));
                pc += 1;
            }
            Op::HashAggNext { cursor, to } => step_loop!(attempt!(groups::next(&mut cx, cursor)), to),

            // ---- schema
            Op::CreateBtree { db, out, table } => {
                wait!(schema::create_btree(&mut cx, db, out, table));
                pc += 1;
            }
            Op::Clear { tree, count, count_change } => {
                wait!(schema::clear(&mut cx, tree, count, count_change));
                pc += 1;
            }
            Op::Destroy { db, tree, moved } => {
                wait!(schema::destroy(&mut cx, db, tree, moved));
                pc += 1;
            }
            Op::ParseSchema { db, filter } => {
                wait!(schema::schema_op(&mut cx, SchemaOp::Parse { db, filter: program.text(filter) }));
                pc += 1;
            }
            Op::LoadAnalysis { db } => {
                wait!(schema::schema_op(&mut cx, SchemaOp::LoadAnalysis { db }));
                pc += 1;
            }
            Op::DropTable { db, name } => {
                let name = attempt!(schema::text(&cx, name));
                wait!(schema::schema_op(&mut cx, SchemaOp::DropTable { db, name }));
                pc += 1;
            }
            Op::DropIndex { db, name } => {
                let name = attempt!(schema::text(&cx, name));
                wait!(schema::schema_op(&mut cx, SchemaOp::DropIndex { db, name }));
                pc += 1;
            }
            Op::DropTrigger { db, name } => {
                let name = attempt!(schema::text(&cx, name));
                wait!(schema::schema_op(&mut cx, SchemaOp::DropTrigger { db, name }));
                pc += 1;
            }
            Op::SqlExec { sql } => {
                let sql = attempt!(schema::text(&cx, sql));
                wait!(schema::call(&mut cx, HostCall::Sql(sql), crate::Db(0), Reg(0), 0, Reg(0)));
                pc += 1;
            }
            Op::Attach { path, name, key } => {
                wait!(schema::attach(&mut cx, path, name, key));
                pc += 1;
            }
            Op::Detach { name } => {
                wait!(schema::call(&mut cx, HostCall::Detach, crate::Db(0), name, 1, Reg(0)));
                pc += 1;
            }
            Op::IntegrityCk { db, roots, errors_left, out, counts } => {
                wait!(schema::integrity_check(&mut cx, db, roots, errors_left, out, counts));
                pc += 1;
            }
            Op::FkCounter { deferred, amount } => {
                flow::fk_counter(&mut cx, deferred, amount);
                pc += 1;
            }
            Op::FkCheck => {
                if cx.run.foreign_key_violations > 0 {
                    let error = Some(end::foreign_key_error());
                    leave!(Ok(Some(Exit::End { error, on_conflict: OnConflict::Abort })));
                }
                pc += 1;
            }
            Op::FkIfZero { deferred, to } => jump_if!(flow::fk_is_zero(&cx, deferred), to),
            Op::MemMax { reg, value } => {
                attempt!(flow::mem_max(&mut cx, reg, value));
                pc += 1;
            }
            Op::HostCall { call, db, first, count, out } => {
                wait!(schema::call(&mut cx, HostCall::Pragma(call), db, first, usize::from(count), out));
                pc += 1;
            }

            // ---- virtual tables
            Op::VOpen { .. }
            | Op::VFilter { .. }
            | Op::VNext { .. }
            | Op::VBegin { .. }
            | Op::VRename { .. }
            | Op::VUpdate { .. }
            | Op::VCheck { .. } => match wait!(virtual_table::run_here(&mut cx, op, &mut pc)) {
                Where::Here => {}
                Where::Outside => leave!(Ok(Some(Exit::Call))),
            },
            Op::VColumn { cursor, column, out, no_change } => {
                if virtual_table::is_outside(&cx, cursor) {
                    match wait!(virtual_table::run_here(&mut cx, op, &mut pc)) {
                        Where::Here => {}
                        Where::Outside => leave!(Ok(Some(Exit::Call))),
                    }
                } else {
                    wait!(virtual_table::column(&mut cx, cursor, column, out, no_change));
                    pc += 1;
                }
            }
            Op::VCreate { db, name } => {
                wait!(schema::call(&mut cx, HostCall::VtabCreate, db, name, 1, Reg(0)));
                pc += 1;
            }
            Op::VDestroy { db, name } => {
                let name = attempt!(schema::text(&cx, name));
                wait!(schema::call(&mut cx, HostCall::VtabDestroy(name), db, Reg(0), 0, Reg(0)));
                pc += 1;
            }
            Op::VInitIn { .. } => leave!(Err(Error::Storage(StorageError::Unsupported("sqlite3_vtab_in")))),
        }
    }
}

/// A bug of the program gets the address at which it showed.
#[cold]
fn located(error: Error, pc: usize) -> Error {
    match error {
        Error::Program { at: 0, what } => Error::Program { at: pc as u32, what },
        other => other,
    }
}
