//! The loop: fetches an instruction, does it, goes on.
//!
//! The `match` has an arm for each instruction that loops over rows are made of; `rest` has all others. `pc` is a local that is
//! written back when the loop is left; an instruction that yields leaves it where it is.
//!
//! Jumps that close loops look at the interrupt flag and at the progress handler's count; nothing else does.
//!
//! Never: user code, the end of the statement.

use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use kernite_btree::Error as StorageError;

use crate::host::{Host, Storage};
use crate::op::{Addr, HaltCode, OnConflict, Op, Reg};
use crate::program::Program;
use crate::register::{Flags, Tag};
use crate::value::Arithmetic;
use crate::{Error, Step};

use super::call::{self, Where, purity};
use super::compare::Outcome;
use super::frame::{Caller, Frame};
use super::rest::{self, After};
use super::seek::Side;
use super::transaction::{self, TransactionEnd};
use super::write::Written;
use super::{
    Context, Counter, Hook, Run, aggregate, at, column, compare, cursor, groups, seek, sorting, value, write,
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
        once,
        callers,
        run,
        storage,
        host,
    };

    // Leaves the loop. What it keeps in locals is written back behind it.
    macro_rules! leave {
        ($result:expr) => {
            break $result
        };
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

    let result = loop {
        let Some(op) = ops.get(pc) else {
            leave!(Err(Error::Program { at: pc as u32, what: "ran past its end" }))
        };
        steps += 1;
        match *op {
            Op::Goto { to } => jump_back!(to),
            Op::Init { to } => pc = to.0 as usize,
            Op::Transaction { db, mode, cookie, check } => {
                cx.run.epoch += 1;
                if !wait!(transaction::begin(&mut cx, db, mode, cookie, check)) {
                    leave!(Ok(Some(Exit::Busy)));
                }
                pc += 1;
            }
            Op::OpenRead { cursor, tree, seek_equal, .. } => {
                wait!(cursor::open(&mut cx, cursor, tree, false, seek_equal));
                pc += 1;
            }
            Op::OpenWrite { cursor, tree, .. } => {
                wait!(cursor::open(&mut cx, cursor, tree, true, false));
                pc += 1;
            }
            Op::Variable { number, out } => {
                attempt!(value::variable(&mut cx, number, out));
                pc += 1;
            }
            Op::Insert { cursor, record, rowid, table, flags } => {
                cx.run.epoch += 1;
                match wait!(write::insert(&mut cx, cursor, record, rowid, table, flags)) {
                    Written::Done => pc += 1,
                    Written::DoneThen(hook) => {
                        pc += 1;
                        leave!(Ok(Some(Exit::Hook(hook))));
                    }
                    Written::First(hook) => leave!(Ok(Some(Exit::Hook(hook)))),
                }
            }
            Op::Function { function, first, count, out, constant_mask } => {
                let place = purity(0);
                let called = call::function(&mut cx, function, first, count, out, constant_mask, pc, place);
                match wait!(called) {
                    Where::Here => pc += 1,
                    Where::Outside => leave!(Ok(Some(Exit::Call))),
                }
            }
            Op::Halt { code: HaltCode::Ok, on_conflict, .. } if cx.callers.is_empty() => {
                leave!(Ok(Some(Exit::End { error: None, on_conflict })));
            }
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
            Op::Yield { co, .. } => {
                let register = &mut cx.registers[at(co)];
                let to = register.number as usize;
                register.set_integer(pc as i64 + 1);
                pc = to;
            }
            Op::If { value, to, jump_if_null } => {
                jump_if!(value::truth(&cx, value).unwrap_or(jump_if_null), to)
            }
            Op::IfNot { value, to, jump_if_null } => {
                jump_if!(!value::truth(&cx, value).unwrap_or(!jump_if_null), to)
            }
            Op::IsNull { value, to } => jump_if!(cx.registers[at(value)].is_null(), to),
            Op::NotNull { value, to } => jump_if!(!cx.registers[at(value)].is_null(), to),
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
            Op::Jump { less, equal, greater } => {
                pc = match cx.run.compared {
                    Ordering::Less => less.0,
                    Ordering::Equal => equal.0,
                    Ordering::Greater => greater.0,
                } as usize;
            }
            Op::Noop | Op::Explain { .. } | Op::ReleaseReg { .. } | Op::TableLock { .. } => pc += 1,
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
            Op::Rowid { cursor, out } if column::is_plain_row(&cx, cursor) => {
                match column::walked_rowid(&cx, cursor) {
                    Some(rowid) => cx.registers[at(out)].set_integer(rowid),
                    None => wait!(column::rowid(&mut cx, cursor, out)),
                }
                pc += 1;
            }
            Op::RealAffinity { value } => {
                value::real_affinity(&mut cx, value);
                pc += 1;
            }
            Op::Affinity { first, count, affinities } => {
                value::affinities(&mut cx, first, count, affinities);
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
            Op::Compare { left, right, count, key, permutation } => {
                cx.run.compared =
                    attempt!(compare::compare_vectors(&cx, left, right, count, key, permutation));
                pc += 1;
            }
            Op::MakeRecord { first, count, out, affinities } => {
                attempt!(value::make_record(&mut cx, first, count, out, affinities));
                pc += 1;
            }
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
            Op::IfNullRow { cursor, to, out } => {
                let null = cursor::is_null_row(&cx, cursor);
                if null && out.is_some() {
                    cx.registers[at(out)].set_null();
                }
                jump_if!(null, to);
            }
            Op::Rewind { cursor, empty } => jump_if!(!wait!(cursor::rewind(&mut cx, cursor)), empty),
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
            Op::DeferredSeek { index, table, columns } => {
                wait!(seek::deferred_seek(&mut cx, index, table, columns));
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
            Op::NewRowid { cursor, out, previous } => {
                wait!(write::new_rowid(&mut cx, cursor, out, previous));
                pc += 1;
            }
            Op::IdxInsert { cursor, record, first, count, flags } => {
                cx.run.epoch += 1;
                wait!(write::idx_insert(&mut cx, cursor, record, first, count, flags));
                pc += 1;
            }
            Op::SorterInsert { cursor, record, first, count } => {
                wait!(sorting::insert(&mut cx, cursor, record, first, count));
                pc += 1;
            }
            Op::SorterNext { cursor, to } => step_loop!(wait!(sorting::next(&mut cx, cursor)), to),
            Op::SorterData { cursor, out, pseudo } => {
                attempt!(sorting::data(&mut cx, cursor, out, pseudo));
                pc += 1;
            }
            Op::AggStep { function, first, count, acc, inverse } => {
                match wait!(aggregate::step(&mut cx, function, first, count, acc, inverse)) {
                    Where::Here => pc += 1,
                    Where::Outside => leave!(Ok(Some(Exit::Call))),
                }
            }
            Op::HashAggFind { cursor, keys, existing } => {
                jump_if!(attempt!(groups::find(&mut cx, cursor, keys)), existing)
            }
            Op::HashAggStep { cursor, acc, function, first, count } => {
                attempt!(groups::step(&mut cx, cursor, acc, function, first, count));
                pc += 1;
            }
            Op::HashAggNext { cursor, to } => step_loop!(attempt!(groups::next(&mut cx, cursor)), to),
            _ => match wait!(rest::run(&mut cx, op, pc)) {
                After::Next => pc += 1,
                After::To(to) => pc = to.0 as usize,
                After::At(to) => pc = to,
                After::Loop(to) => jump_back!(to),
                After::Leave(exit) => leave!(Ok(Some(exit))),
                After::NextThenLeave(exit) => {
                    pc += 1;
                    leave!(Ok(Some(exit)));
                }
            },
        }
    };
    *saved_pc = pc;
    cx.run.counters.add(Counter::VmStep, steps - cx.run.steps);
    cx.run.steps = steps;
    cx.run.progress_at = progress_at;
    result
}

/// A bug of the program gets the address at which it showed.
#[cold]
fn located(error: Error, pc: usize) -> Error {
    match error {
        Error::Program { at: 0, what } => Error::Program { at: pc as u32, what },
        other => other,
    }
}
