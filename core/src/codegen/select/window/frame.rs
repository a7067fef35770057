//! The scan of a window: rows come from the co-routine into the buffer, three cursors walk over it.
//!
//! ```text
//!   buffer   1 2 3 4 5 6 7 8      one partition, in order
//!              │   │     │
//!          start   │     end      a row passes `end`: it is added to the functions
//!               current           a row passes `current`: it is delivered
//!                                 a row passes `start`: it is taken away again
//! ```
//! After each new row the cursors go as far as the frame allows; when a partition is over, to its end. In what order, and how far, is
//! the difference between the kinds of frame. In RANGE and GROUPS frames a cursor moves over all peers of its row at once.
//!
//! Rows that no cursor needs again are deleted.

use kernite_parser::ast::{FrameExclude, FrameUnit};
use kernite_vdbe::op::{
    AffinityId, CollationId, CompareFlags, ConstId, Cursor, IntsId, Op, TableId, WriteFlags,
};
use kernite_vdbe::{Addr, Reg};

use super::step::{Wanted, check, plain};
use super::{Treatment, Windowed};
use crate::bound::{ExprId, ExprKind, FrameEdge, SelectId};
use crate::codegen::column;
use crate::codegen::expr::code;
use crate::codegen::key_info::big_null;
use crate::compile::{CompileResult, Compiler};
use crate::plan::where_loop::WhereLoop;

/// What happens when a cursor passes a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    Return,
    Inverse,
    Step,
}

/// A comparison of two rows' values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Ge,
    Gt,
    Le,
    Lt,
}

/// Opens the buffer and what single functions need.
pub fn open(c: &mut Compiler<'_>, select: SelectId) -> CompileResult<()> {
    let Some(mut w) = c.codegen.windowed.remove(&select) else { return Ok(()) };
    let buffer = w.buffer;
    c.emit(Op::OpenEphemeral { cursor: buffer, columns: w.width, key: Default::default(), unordered: false });
    for offset in 1..4 {
        c.emit(Op::OpenDup { cursor: w.cursor(offset), original: buffer });
    }
    let partitions = w.spec.partition_by.len() as u32;
    if partitions > 0 {
        w.partition = c.builder.alloc_regs(partitions);
        c.nulls(w.partition, partitions);
    }
    w.one = c.reg();
    c.integer(1, w.one);
    if w.spec.exclude != FrameExclude::None {
        let (first, last) = (c.reg(), c.reg());
        let cursor = c.cursor();
        c.integer(1, first);
        c.integer(0, last);
        c.emit(Op::OpenDup { cursor, original: buffer });
        w.excluding = Some((cursor, first, last));
    }
    for at in 0..w.calls.len() {
        let treatment = w.calls[at].treatment;
        if treatment == Treatment::Aggregate {
            continue;
        }
        let cursor = c.cursor();
        w.calls[at].cursor = cursor;
        match treatment {
            Treatment::Extreme => {
                w.calls[at].own = c.builder.alloc_regs(3);
                let argument: Vec<ExprId> = w.calls[at].first_argument.into_iter().collect();
                let mut key = c.exprs_key(&argument, 1)?;
                key.key_column_count = 2;
                if let Some(column) = key.columns.first_mut() {
                    // The last entry is the answer.
                    column.descending = w.calls[at].function.name.starts_with("mi");
                }
                let key = c.link_key(key);
                c.emit(Op::OpenEphemeral { cursor, columns: 2, key, unordered: false });
                c.integer(0, w.calls[at].own.plus(1));
            }
            Treatment::Lookup { .. } => {
                w.calls[at].own = c.builder.alloc_regs(2);
                c.emit(Op::OpenDup { cursor, original: buffer });
            }
            _ => {
                c.emit(Op::OpenDup { cursor, original: buffer });
            }
        }
    }
    c.codegen.windowed.insert(select, w);
    Ok(())
}

/// Codes what happens to each row of the co-routine, and ends the loop over it. Rows are delivered by the subroutine at `deliver`.
pub fn code_rows(
    c: &mut Compiler<'_>,
    select: SelectId,
    w: WhereLoop,
    return_reg: Reg,
    deliver: Addr,
) -> CompileResult<()> {
    let Some(windowed) = c.codegen.windowed.remove(&select) else { return w.end(c) };
    let mut scan = Scan::new(c, &windowed, return_reg, deliver);
    scan.code(c, w)
}

/// Registers with the peer values of a cursor's row.
#[derive(Clone, Copy, Debug, Default)]
struct Peers {
    new: Reg,
    start: Reg,
    current: Reg,
    end: Reg,
}

struct Scan<'w> {
    w: &'w Windowed,
    return_reg: Reg,
    deliver: Addr,
    /// When rows are deleted from the buffer.
    delete: Option<Pass>,
    /// First register of the row that came.
    row: Reg,
    record: Reg,
    /// Its rowid in the buffer; 0 = no more rows come.
    rowid: Reg,
    /// Offsets of the frame's ends.
    start: Reg,
    end: Reg,
    peers: Peers,
    arguments: Reg,
}

/// Whether an offset is surely positive.
fn is_positive(c: &Compiler<'_>, expr: Option<ExprId>) -> bool {
    match expr.map(|expr| &c.bound[expr].kind) {
        Some(ExprKind::Integer(value)) => *value > 0,
        Some(ExprKind::Real(value)) => *value >= 1.0,
        _ => false,
    }
}

impl<'w> Scan<'w> {
    fn new(c: &mut Compiler<'_>, w: &'w Windowed, return_reg: Reg, deliver: Addr) -> Scan<'w> {
        let spec = &w.spec;
        let row = c.builder.alloc_regs(u32::from(w.width));
        let (record, rowid) = (c.reg(), c.reg());
        let offset = |c: &mut Compiler<'_>, edge| match edge {
            FrameEdge::Preceding | FrameEdge::Following => c.reg(),
            _ => Reg(0),
        };
        let start = offset(c, spec.start);
        let end = offset(c, spec.end);
        let count = spec.order_by.len() as u32;
        let mut peers = Peers::default();
        if spec.unit != FrameUnit::Rows && count > 0 {
            for reg in [&mut peers.new, &mut peers.start, &mut peers.current, &mut peers.end] {
                *reg = c.builder.alloc_regs(count);
            }
        }
        let delete = deletes(c, w);
        Scan { w, return_reg, deliver, delete, row, record, rowid, start, end, peers, arguments: Reg(0) }
    }

    fn current(&self) -> Cursor {
        self.w.cursor(0)
    }

    fn is_range(&self) -> bool {
        self.w.spec.unit == FrameUnit::Range
    }

    fn in_groups(&self) -> bool {
        self.w.spec.unit != FrameUnit::Rows
    }

    /// Both ends are on the same side, by so much.
    fn both_ends(&self) -> bool {
        self.w.spec.start == self.w.spec.end && self.start.is_some()
    }

    fn code(&mut self, c: &mut Compiler<'_>, w: WhereLoop) -> CompileResult<()> {
        let spec = &self.w.spec;
        let next = c.label();
        let write = self.w.cursor(1);
        for at in 0..self.w.width {
            let out = self.row.plus(u32::from(at));
            self.read(c, self.w.input, at, out);
        }
        let (first, count) = (self.row, u32::from(self.w.width));
        c.emit(Op::MakeRecord { first, count, out: self.record, affinities: AffinityId(0) });
        let (flush, flush_return) = (c.label(), c.reg());
        if !spec.partition_by.is_empty() {
            self.code_partition_change(c, flush, flush_return)?;
        }
        c.emit(Op::NewRowid { cursor: write, out: self.rowid, previous: Reg(0) });
        let (record, rowid, flags) = (self.record, self.rowid, WriteFlags::default());
        c.emit(Op::Insert { cursor: write, record, rowid, table: TableId(0), flags });
        let later = c.label();
        let (right, collation) = (self.w.one, CollationId(0));
        c.emit(Op::Ne { left: self.rowid, right, to: later, flags: plain(), collation });
        self.code_first_row(c, next)?;
        c.bind(later);
        self.code_later_row(c, next)?;
        c.bind(next);
        w.end(c)?;
        let done = c.label();
        if !spec.partition_by.is_empty() {
            c.emit(Op::Gosub { ret: flush_return, to: flush });
            c.goto(done);
            c.bind(flush);
        }
        self.rowid = Reg(0);
        self.code_flush(c)?;
        c.emit(Op::ResetSorter { cursor: self.current() });
        if !spec.partition_by.is_empty() {
            if let Some((_, first, last)) = self.w.excluding {
                c.integer(1, first);
                c.integer(0, last);
            }
            c.emit(Op::Return { ret: flush_return, or_fall_through: false });
        }
        c.bind(done);
        Ok(())
    }

    /// A row of another partition: the one in the buffer is over.
    fn code_partition_change(&self, c: &mut Compiler<'_>, flush: Addr, ret: Reg) -> CompileResult<()> {
        let count = self.w.spec.partition_by.len() as u32;
        let new = self.row.plus(u32::from(self.w.partition_column()));
        let key = c.exprs_key(&self.w.spec.partition_by, 0)?;
        let key = c.link_key(key);
        let right = self.w.partition;
        c.emit(Op::Compare { left: new, right, count, key, permutation: IntsId(0) });
        let (other, same) = (c.label(), c.label());
        c.emit(Op::Jump { less: other, equal: same, greater: other });
        c.bind(other);
        c.emit(Op::Gosub { ret, to: flush });
        c.emit(Op::Copy { from: new, to: right, count });
        c.bind(same);
        Ok(())
    }

    /// The first row of a partition.
    fn code_first_row(&mut self, c: &mut Compiler<'_>, next: Addr) -> CompileResult<()> {
        let spec = &self.w.spec;
        self.arguments = self.w.start(c);
        let offsets = [(self.start, spec.start_expr, false), (self.end, spec.end_expr, true)];
        for (reg, expr, end) in offsets {
            if let Some(expr) = expr.filter(|_| reg.is_some()) {
                code(c, expr, reg)?;
                check(c, reg, if self.is_range() { Wanted::Distance { end } } else { Wanted::Count { end } });
            }
        }
        let collation = CollationId(0);
        if !self.is_range() && self.both_ends() {
            let fits = c.label();
            let (left, right, flags) = (self.end, self.start, plain());
            match spec.start {
                FrameEdge::Following => c.emit(Op::Ge { left, right, to: fits, flags, collation }),
                _ => c.emit(Op::Le { left, right, to: fits, flags, collation }),
            };
            // The frame ends before it starts: it never has a row.
            self.w.values(c, false);
            c.emit(Op::Rewind { cursor: self.current(), empty: next });
            self.return_row(c)?;
            c.emit(Op::ResetSorter { cursor: self.current() });
            c.goto(next);
            c.bind(fits);
        }
        if spec.start == FrameEdge::Following && !self.is_range() && self.end.is_some() {
            c.emit(Op::Subtract { left: self.end, right: self.start, out: self.start });
        }
        if spec.start != FrameEdge::UnboundedPreceding {
            c.emit(Op::Rewind { cursor: self.w.cursor(2), empty: next });
        }
        c.emit(Op::Rewind { cursor: self.current(), empty: next });
        c.emit(Op::Rewind { cursor: self.w.cursor(3), empty: next });
        if self.peers.new.is_some() {
            let count = spec.order_by.len() as u32;
            let from = self.row.plus(u32::from(self.w.order_column()));
            c.emit(Op::Copy { from, to: self.peers.new, count });
            for to in [self.peers.start, self.peers.current, self.peers.end] {
                c.emit(Op::Copy { from: self.peers.new, to, count });
            }
        }
        c.goto(next);
        Ok(())
    }

    /// Any other row: the cursors move on as far as it allows.
    fn code_later_row(&self, c: &mut Compiler<'_>, next: Addr) -> CompileResult<()> {
        let spec = &self.w.spec;
        let (start, end, none) = (self.start, self.end, Reg(0));
        if self.in_groups() {
            let new = self.row.plus(u32::from(self.w.order_column()));
            self.if_same_peers(c, new, self.peers.new, next)?;
        }
        if spec.start == FrameEdge::Following {
            self.pass(c, Pass::Step, none, None)?;
            if spec.end == FrameEdge::UnboundedFollowing {
                return Ok(());
            }
            if self.is_range() {
                let (again, out) = (c.here(), c.label());
                self.range_test(c, Test::Ge, self.current(), end, self.w.cursor(3), out)?;
                self.pass(c, Pass::Inverse, start, None)?;
                self.pass(c, Pass::Return, none, None)?;
                c.goto(again);
                c.bind(out);
            } else {
                self.pass(c, Pass::Return, end, None)?;
                self.pass(c, Pass::Inverse, start, None)?;
            }
        } else if spec.end == FrameEdge::Preceding {
            let early = spec.start == FrameEdge::Preceding && self.is_range();
            self.pass(c, Pass::Step, end, None)?;
            if early {
                self.pass(c, Pass::Inverse, start, None)?;
            }
            self.pass(c, Pass::Return, none, None)?;
            if !early {
                self.pass(c, Pass::Inverse, start, None)?;
            }
        } else {
            self.pass(c, Pass::Step, none, None)?;
            if spec.end == FrameEdge::UnboundedFollowing {
                return Ok(());
            }
            let (again, out) = (c.here(), c.label());
            if end.is_some() && self.is_range() {
                self.range_test(c, Test::Ge, self.current(), end, self.w.cursor(3), out)?;
            } else if end.is_some() {
                c.emit(Op::IfPos { counter: end, to: out, decrement: 1 });
            }
            self.pass(c, Pass::Return, none, None)?;
            self.pass(c, Pass::Inverse, start, None)?;
            if end.is_some() && self.is_range() {
                c.goto(again);
            }
            c.bind(out);
        }
        Ok(())
    }

    /// The partition is over: all rows left are delivered.
    fn code_flush(&self, c: &mut Compiler<'_>) -> CompileResult<()> {
        let spec = &self.w.spec;
        let (start, end, none) = (self.start, self.end, Reg(0));
        let empty = c.label();
        c.emit(Op::Rewind { cursor: self.w.cursor(1), empty });
        if spec.end == FrameEdge::Preceding {
            let early = spec.start == FrameEdge::Preceding && self.is_range();
            self.pass(c, Pass::Step, end, None)?;
            if early {
                self.pass(c, Pass::Inverse, start, None)?;
            }
            self.pass(c, Pass::Return, none, None)?;
        } else if spec.start == FrameEdge::Following {
            let (returned, inversed) = (c.label(), c.label());
            self.pass(c, Pass::Step, none, None)?;
            let again = c.here();
            if self.is_range() {
                self.pass(c, Pass::Inverse, start, Some(inversed))?;
                self.pass(c, Pass::Return, none, Some(returned))?;
            } else if spec.end == FrameEdge::UnboundedFollowing {
                self.pass(c, Pass::Return, start, Some(returned))?;
                self.pass(c, Pass::Inverse, none, Some(inversed))?;
            } else {
                self.pass(c, Pass::Return, end, Some(returned))?;
                self.pass(c, Pass::Inverse, start, Some(inversed))?;
            }
            c.goto(again);
            c.bind(inversed);
            let again = c.here();
            self.pass(c, Pass::Return, none, Some(returned))?;
            c.goto(again);
            c.bind(returned);
        } else {
            let returned = c.label();
            self.pass(c, Pass::Step, none, None)?;
            let again = c.here();
            self.pass(c, Pass::Return, none, Some(returned))?;
            self.pass(c, Pass::Inverse, start, None)?;
            c.goto(again);
            c.bind(returned);
        }
        c.bind(empty);
        Ok(())
    }

    /// Lets a cursor pass a row, or a group of peers. `wait`: the offset that has to be gone through first (0 = none). `at_end`: where to
    /// go when the cursor has no further row.
    fn pass(&self, c: &mut Compiler<'_>, pass: Pass, wait: Reg, at_end: Option<Addr>) -> CompileResult<()> {
        let spec = &self.w.spec;
        if pass == Pass::Inverse && spec.start == FrameEdge::UnboundedPreceding {
            return Ok(());
        }
        let done = c.label();
        let (current, start, end) = (self.current(), self.w.cursor(2), self.w.cursor(3));
        let mut next_range = None;
        if wait.is_some() && self.is_range() {
            next_range = Some(c.here());
            match pass {
                Pass::Inverse if spec.start == FrameEdge::Following => {
                    self.range_test(c, Test::Le, current, wait, start, done)?;
                }
                Pass::Inverse => self.range_test(c, Test::Ge, start, wait, current, done)?,
                _ => self.range_test(c, Test::Gt, end, wait, current, done)?,
            }
        } else if wait.is_some() {
            c.emit(Op::IfPos { counter: wait, to: done, decrement: 1 });
        }
        if pass == Pass::Return && self.w.excluding.is_none() {
            self.w.values(c, false);
        }
        let again = c.here();
        if spec.start == spec.end && wait.is_some() && self.is_range() {
            self.keep_in_order(c, pass, done);
        }
        let (cursor, peers) = match pass {
            Pass::Return => (current, self.peers.current),
            Pass::Inverse => (start, self.peers.start),
            Pass::Step => (end, self.peers.end),
        };
        match (pass, self.w.excluding) {
            (Pass::Return, _) => self.return_row(c)?,
            (Pass::Inverse, Some((_, first, _))) => {
                c.emit(Op::AddImm { value: first, amount: 1 });
            }
            (Pass::Step, Some((_, _, last))) => {
                c.emit(Op::AddImm { value: last, amount: 1 });
            }
            (_, None) => self.w.step(c, cursor, pass == Pass::Inverse, self.arguments)?,
        }
        if self.delete == Some(pass) {
            let flags = WriteFlags { save_position: true, ..WriteFlags::default() };
            c.emit(Op::Delete { cursor, table: TableId(0), flags });
        }
        let more = c.label();
        c.emit(Op::Next { cursor, to: more, counter: 0 });
        match at_end {
            Some(end) => {
                c.goto(end);
            }
            None if self.in_groups() => {
                c.goto(done);
            }
            None => {}
        }
        c.bind(more);
        if self.in_groups() {
            let count = spec.order_by.len() as u32;
            let values = if count > 0 { c.builder.temp_range(count) } else { Reg(0) };
            self.read_peers(c, cursor, values);
            self.if_same_peers(c, values, peers, again)?;
            if count > 0 {
                c.builder.release_temp_range(values, count);
            }
        }
        if let Some(again) = next_range {
            c.goto(again);
        }
        c.bind(done);
        Ok(())
    }

    /// Both ends of a RANGE frame are on one side: the start must not pass the end, nor the end the last row that came.
    fn keep_in_order(&self, c: &mut Compiler<'_>, pass: Pass, done: Addr) {
        let (first, second) = (c.builder.temp_reg(), c.builder.temp_reg());
        let (flags, collation) = (plain(), CollationId(0));
        if pass == Pass::Inverse {
            c.emit(Op::Rowid { cursor: self.w.cursor(2), out: first });
            c.emit(Op::Rowid { cursor: self.w.cursor(3), out: second });
            c.emit(Op::Ge { left: first, right: second, to: done, flags, collation });
        } else if self.rowid.is_some() {
            c.emit(Op::Rowid { cursor: self.w.cursor(3), out: first });
            c.emit(Op::Ge { left: first, right: self.rowid, to: done, flags, collation });
        }
        c.builder.release_temp(second);
        c.builder.release_temp(first);
    }

    /// Delivers the row under the current cursor.
    fn return_row(&self, c: &mut Compiler<'_>) -> CompileResult<()> {
        match self.w.excluding {
            Some(excluding) => self.scan_frame(c, excluding)?,
            None => self.w.look_up(c),
        }
        c.emit(Op::Gosub { ret: self.return_reg, to: self.deliver });
        Ok(())
    }

    /// EXCLUDE: all rows of the frame anew, but for those that are left out.
    fn scan_frame(
        &self,
        c: &mut Compiler<'_>,
        (cursor, first, last): (Cursor, Reg, Reg),
    ) -> CompileResult<()> {
        let count = self.w.spec.order_by.len() as u32;
        let (own, rowid) = (c.builder.temp_reg(), c.builder.temp_reg());
        let peers = (count > 0).then(|| (c.builder.temp_range(count), c.builder.temp_range(count)));
        let (skip, done) = (c.label(), c.label());
        let (flags, collation) = (plain(), CollationId(0));
        c.emit(Op::Rowid { cursor: self.current(), out: own });
        if let Some((own_peers, _)) = peers {
            self.read_peers(c, self.current(), own_peers);
        }
        for call in &self.w.calls {
            c.nulls(call.accumulator, 1);
        }
        c.emit(Op::SeekGE { cursor, key: first, count: 0, miss: done, equal_only: false });
        let again = c.here();
        c.emit(Op::Rowid { cursor, out: rowid });
        c.emit(Op::Gt { left: rowid, right: last, to: done, flags, collation });
        let exclude = self.w.spec.exclude;
        let keep = c.label();
        match exclude {
            FrameExclude::None | FrameExclude::NoOthers => {}
            FrameExclude::CurrentRow => {
                c.emit(Op::Eq { left: rowid, right: own, to: skip, flags, collation });
            }
            FrameExclude::Ties | FrameExclude::Group => {
                if exclude == FrameExclude::Ties {
                    c.emit(Op::Eq { left: rowid, right: own, to: keep, flags, collation });
                }
                if let Some((own_peers, other)) = peers {
                    self.read_peers(c, cursor, other);
                    let key = c.order_key(&self.w.spec.order_by, 0)?;
                    let key = c.link_key(key);
                    c.emit(Op::Compare { left: other, right: own_peers, count, key, permutation: IntsId(0) });
                    c.emit(Op::Jump { less: keep, equal: skip, greater: keep });
                } else {
                    c.goto(skip);
                }
            }
        }
        c.bind(keep);
        self.w.step(c, cursor, false, self.arguments)?;
        c.bind(skip);
        c.emit(Op::Next { cursor, to: again, counter: 0 });
        c.bind(done);
        self.w.values(c, true);
        if let Some((own_peers, other)) = peers {
            c.builder.release_temp_range(other, count);
            c.builder.release_temp_range(own_peers, count);
        }
        c.builder.release_temp(rowid);
        c.builder.release_temp(own);
        Ok(())
    }

    fn read(&self, c: &mut Compiler<'_>, cursor: Cursor, column: u16, out: Reg) {
        c.emit(Op::Column { cursor, column, out, default: ConstId(0), hint: column::HINT_NONE });
    }

    fn read_peers(&self, c: &mut Compiler<'_>, cursor: Cursor, first: Reg) {
        for at in 0..self.w.spec.order_by.len() {
            self.read(c, cursor, self.w.order_column() + at as u16, first.plus(at as u32));
        }
    }

    /// Jumps if `new` and `known` are peers; otherwise `known` becomes `new`.
    fn if_same_peers(&self, c: &mut Compiler<'_>, new: Reg, known: Reg, to: Addr) -> CompileResult<()> {
        let order = &self.w.spec.order_by;
        if order.is_empty() {
            // Without an order all rows are peers.
            c.goto(to);
            return Ok(());
        }
        let count = order.len() as u32;
        let key = c.order_key(order, 0)?;
        let key = c.link_key(key);
        c.emit(Op::Compare { left: known, right: new, count, key, permutation: IntsId(0) });
        let differ = c.label();
        c.emit(Op::Jump { less: differ, equal: to, greater: differ });
        c.bind(differ);
        c.emit(Op::Copy { from: new, to: known, count });
        Ok(())
    }

    /// Jumps if the value of the row under `a`, moved on by `distance` in the direction of the order, and that of the row under `b` pass
    /// the test.
    fn range_test(
        &self,
        c: &mut Compiler<'_>,
        test: Test,
        a: Cursor,
        distance: Reg,
        b: Cursor,
        to: Addr,
    ) -> CompileResult<()> {
        let Some(&term) = self.w.spec.order_by.first() else { return Ok(()) };
        let (left, right) = (c.builder.temp_reg(), c.builder.temp_reg());
        let empty = c.reg();
        let done = c.label();
        self.read_peers(c, a, left);
        self.read_peers(c, b, right);
        let test = match (term.descending, test) {
            (false, test) => test,
            (true, Test::Ge) => Test::Le,
            (true, Test::Gt) => Test::Lt,
            (true, _) => Test::Ge,
        };
        if big_null(&term) {
            let not_null = c.label();
            c.emit(Op::NotNull { value: left, to: not_null });
            match test {
                Test::Ge => {
                    c.goto(to);
                }
                Test::Gt => {
                    c.emit(Op::NotNull { value: right, to });
                }
                Test::Le => {
                    c.emit(Op::IsNull { value: right, to });
                }
                Test::Lt => {}
            }
            c.goto(done);
            c.bind(not_null);
            let when_null = if matches!(test, Test::Gt | Test::Ge) { done } else { to };
            c.emit(Op::IsNull { value: right, to: when_null });
        }
        // Texts and blobs stay what they are: only numbers are moved.
        let text = c.builder.text("");
        c.emit(Op::Const { value: text, out: empty });
        let moved = c.label();
        c.emit(Op::Ge { left, right: empty, to: moved, flags: plain(), collation: CollationId(0) });
        let away = if term.descending { Test::Le } else { Test::Ge };
        if test == away {
            // An overflow of the sum must not hide what holds already.
            compare(c, test, left, right, to, plain(), CollationId(0));
        }
        match term.descending {
            true => c.emit(Op::Subtract { left, right: distance, out: left }),
            false => c.emit(Op::Add { left, right: distance, out: left }),
        };
        c.bind(moved);
        let name = c.bound.collation(term.expr).map(<[u8]>::to_vec);
        let collation = c.link_collation(name)?;
        let flags = CompareFlags { affinity: 0, jump_if_null: false, null_eq: true };
        compare(c, test, left, right, to, flags, collation);
        c.bind(done);
        c.builder.release_temp(right);
        c.builder.release_temp(left);
        Ok(())
    }
}

fn compare(
    c: &mut Compiler<'_>,
    test: Test,
    left: Reg,
    right: Reg,
    to: Addr,
    flags: CompareFlags,
    collation: CollationId,
) {
    c.emit(match test {
        Test::Ge => Op::Ge { left, right, to, flags, collation },
        Test::Gt => Op::Gt { left, right, to, flags, collation },
        Test::Le => Op::Le { left, right, to, flags, collation },
        Test::Lt => Op::Lt { left, right, to, flags, collation },
    });
}

/// When a row can be deleted: with which pass nothing needs it any more.
fn deletes(c: &Compiler<'_>, w: &Windowed) -> Option<Pass> {
    let spec = &w.spec;
    let in_rows = spec.unit != FrameUnit::Range;
    let looks_back = w.excluding.is_some()
        || w.calls
            .iter()
            .any(|call| matches!(call.treatment, Treatment::Lookup { .. } | Treatment::Neighbour { .. }));
    match spec.start {
        FrameEdge::Following => (in_rows && is_positive(c, spec.start_expr)).then_some(Pass::Return),
        FrameEdge::UnboundedPreceding if looks_back => None,
        FrameEdge::UnboundedPreceding if spec.end == FrameEdge::Preceding => {
            (in_rows && is_positive(c, spec.end_expr)).then_some(Pass::Step)
        }
        FrameEdge::UnboundedPreceding => Some(Pass::Return),
        _ => Some(Pass::Inverse),
    }
}
