//! The look at every operand before a program may run.
//!
//! What the machine indexes with comes from here checked: registers and ranges of them, cursors, pools, links, jump targets. A bad
//! operand is [`Error::Program`], with the address of its instruction and the kind of operand.
//!
//! Never: meaning. A program that computes nonsense passes.

use super::Program;
use crate::Error;
use crate::op::table::{Visitor, visit};
use crate::op::{
    Addr, AffinityId, CollationId, ConstId, Cursor, FunctionId, IntsId, KeyInfoId, Op, Reg, SubprogramId,
    TableId, TreeId, VtabId,
};

/// Replaces every label among the jump operands.
pub(super) fn resolve_labels(ops: &mut [Op], resolve: impl Fn(Addr) -> Option<Addr>) -> Result<(), Error> {
    struct Labels<F> {
        resolve: F,
        unbound: bool,
    }
    impl<F: Fn(Addr) -> Option<Addr>> Visitor for Labels<F> {
        fn addr(&mut self, addr: &mut Addr) {
            match (self.resolve)(*addr) {
                Some(at) => *addr = at,
                None => self.unbound = true,
            }
        }
    }
    let mut labels = Labels { resolve, unbound: false };
    for (at, op) in ops.iter_mut().enumerate() {
        visit(op, &mut labels);
        if labels.unbound {
            return Err(Error::Program { at: at as u32, what: "unbound label" });
        }
    }
    Ok(())
}

/// Sets the jump operand that SQLite keeps in P2: the first one, but the second of the coroutine and comparison jumps that have several.
pub(super) fn set_main_jump(op: &mut Op, to: Addr) {
    struct First {
        to: Addr,
        done: bool,
    }
    impl Visitor for First {
        fn addr(&mut self, addr: &mut Addr) {
            if !self.done {
                *addr = self.to;
                self.done = true;
            }
        }
    }
    if let Op::Jump { equal, .. } = op {
        *equal = to;
        return;
    }
    let mut first = First { to, done: false };
    visit(op, &mut first);
    debug_assert!(first.done, "{op:?} has no jump");
}

/// Checks every operand of a program whose labels are resolved.
pub(super) fn check(program: &mut Program) -> Result<(), Error> {
    let mut ops = std::mem::take(&mut program.ops);
    let mut checker = Checker { program, op_count: ops.len(), bad: None, parameter_max: 0 };
    let mut verdict = Ok(());
    let program_is_trigger = checker.program.flags.trigger != 0;
    for (at, op) in ops.iter_mut().enumerate() {
        if let Op::Variable { number, .. } = op {
            checker.parameter_max = checker.parameter_max.max(*number);
        }
        if program_is_trigger {
            visit(&mut without_outer_registers(*op), &mut checker);
        } else {
            visit(op, &mut checker);
        }
        if let Some(what) = checker.bad {
            verdict = Err(Error::Program { at: at as u32, what });
            break;
        }
    }
    let parameter_max = checker.parameter_max;
    program.parameter_count = program.parameter_count.max(parameter_max);
    program.ops = ops;
    verdict
}

/// An AUTOINCREMENT counter is a register of the outermost program, also where a trigger's program names it; the machine looks.
fn without_outer_registers(op: Op) -> Op {
    match op {
        Op::NewRowid { cursor, out, .. } => Op::NewRowid { cursor, out, previous: Reg(0) },
        Op::MemMax { value, .. } => Op::MemMax { reg: Reg(0), value },
        other => other,
    }
}

struct Checker<'a> {
    program: &'a Program,
    op_count: usize,
    bad: Option<&'static str>,
    parameter_max: u32,
}

impl Checker<'_> {
    fn need(&mut self, fits: bool, what: &'static str) {
        if !fits && self.bad.is_none() {
            self.bad = Some(what);
        }
    }

    /// Ids that count from 1, 0 being "none".
    fn from_one(&mut self, id: usize, len: usize, what: &'static str) {
        self.need(id <= len, what);
    }
}

impl Visitor for Checker<'_> {
    fn reg(&mut self, reg: &mut Reg) {
        self.need(reg.0 <= self.program.register_count, "register");
    }
    fn span(&mut self, first: Reg, count: u32) {
        let end = u64::from(first.0) + u64::from(count);
        self.need(count == 0 || end <= u64::from(self.program.register_count) + 1, "register");
    }
    fn addr(&mut self, addr: &mut Addr) {
        self.need((addr.0 as usize) < self.op_count, "jump");
    }
    fn cursor(&mut self, cursor: &mut Cursor) {
        self.need(cursor.0 < self.program.cursor_count, "cursor");
    }
    fn constant(&mut self, id: &mut ConstId) {
        self.from_one(id.0 as usize, self.program.constants.len(), "constant");
    }
    fn key_info(&mut self, id: &mut KeyInfoId) {
        self.from_one(usize::from(id.0), self.program.links.key_infos.len(), "key");
    }
    fn collation(&mut self, id: &mut CollationId) {
        self.need(usize::from(id.0) < self.program.links.collations.len(), "collation");
    }
    fn function(&mut self, id: &mut FunctionId) {
        self.need(usize::from(id.0) < self.program.links.functions.len(), "function");
    }
    fn ints(&mut self, id: &mut IntsId) {
        self.from_one(usize::from(id.0), self.program.ints.len(), "integers");
    }
    fn affinities(&mut self, id: &mut AffinityId) {
        self.from_one(usize::from(id.0), self.program.affinities.len(), "affinities");
    }
    fn tree(&mut self, id: &mut TreeId) {
        self.need(usize::from(id.0) < self.program.links.trees.len(), "tree");
    }
    fn table(&mut self, id: &mut TableId) {
        self.from_one(usize::from(id.0), self.program.links.tables.len(), "table");
    }
    fn vtab(&mut self, id: &mut VtabId) {
        self.need(usize::from(id.0) < self.program.links.vtabs.len(), "virtual table");
    }
    fn subprogram(&mut self, id: &mut SubprogramId) {
        // A trigger's program names those of the outermost one; the machine looks.
        let is_trigger = self.program.flags.trigger != 0;
        self.need(is_trigger || usize::from(id.0) < self.program.subprograms.len(), "subprogram");
    }
}
