//! The builder: collects instructions, labels, pools and registers, and finishes them into a [`Program`].
//!
//! A label is an [`Addr`] with the high bit set. It may be used before and after it is bound; `finish` replaces it by the address
//! and refuses a program in which a used label was never bound.
//!
//! Never: optimisation. What is emitted is what runs.

use std::sync::Arc;

use kernite_btree::{Collation, Encoding, KeyInfo, ValueRef};
use kernite_io::HashMap;

use super::check;
use super::links::{CollationLink, Links, TableLink, Tree, VtabLink, same_collation};
use super::registers::Registers;
use super::{Constant, Program, ProgramFlags};
use crate::Error;
use crate::function::FunctionDef;
use crate::op::{
    Addr, AffinityId, CollationId, ConstId, Cursor, Db, FunctionId, IntsId, KeyInfoId, Op, Reg, SubprogramId,
    TableId, TreeId, VtabId,
};

/// The bit that makes an [`Addr`] a label.
const LABEL: u32 = 1 << 31;

/// Marks a label that is not bound yet.
const UNBOUND: u32 = u32::MAX;

/// Collects a program. All counts are checked at [`Builder::finish`], not while emitting.
#[derive(Default)]
pub struct Builder {
    ops: Vec<Op>,
    encoding: Encoding,
    labels: Vec<u32>,
    constants: Vec<Constant>,
    texts: HashMap<Box<[u8]>, ConstId>,
    integers: HashMap<i64, ConstId>,
    ints: Vec<Box<[u32]>>,
    affinities: Vec<Box<[u8]>>,
    trees: Vec<Tree>,
    key_infos: Vec<Arc<KeyInfo>>,
    functions: Vec<Arc<FunctionDef>>,
    collations: Vec<CollationLink>,
    tables: Vec<TableLink>,
    vtabs: Vec<VtabLink>,
    subprograms: Vec<Arc<Program>>,
    registers: Registers,
    cursor_count: u32,
    parameter_count: u32,
    result_column_count: u16,
    flags: ProgramFlags,
    /// A pool grew past what its id can name.
    overflow: Option<&'static str>,
}

impl Builder {
    /// An empty program for a database with this text encoding.
    pub fn new(encoding: Encoding) -> Builder {
        let binary = CollationLink { name: "BINARY".into(), collation: Collation::Binary };
        Builder { encoding, collations: vec![binary], ..Builder::default() }
    }

    // ---- instructions ---------------------------------------------------------------------------------------------

    /// Appends an instruction; its address.
    pub fn emit(&mut self, op: Op) -> Addr {
        let at = self.here();
        self.ops.push(op);
        at
    }

    /// The address of the next instruction.
    pub fn here(&self) -> Addr {
        Addr(self.ops.len() as u32)
    }

    /// The instructions so far.
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// The instruction at an address handed out by `emit`.
    pub fn op(&self, at: Addr) -> &Op {
        &self.ops[at.0 as usize]
    }

    /// The same, to be changed.
    pub fn op_mut(&mut self, at: Addr) -> &mut Op {
        &mut self.ops[at.0 as usize]
    }

    /// Replaces the instruction at `at` by a no-op.
    pub fn change_to_noop(&mut self, at: Addr) {
        *self.op_mut(at) = Op::Noop;
    }

    /// Takes the last instruction away if it is the one at `at`, and says whether it was.
    pub fn remove_last(&mut self, at: Addr) -> bool {
        let is_last = at.0 + 1 == self.here().0;
        if is_last {
            self.ops.pop();
        }
        is_last
    }

    // ---- labels ---------------------------------------------------------------------------------------------------

    /// A new label, to be used as a jump target and bound later.
    pub fn label(&mut self) -> Addr {
        self.labels.push(UNBOUND);
        Addr(LABEL | (self.labels.len() as u32 - 1))
    }

    /// Whether an address is a label.
    pub fn is_label(at: Addr) -> bool {
        at.0 & LABEL != 0
    }

    /// Makes `label` stand for the address of the next instruction.
    pub fn bind(&mut self, label: Addr) {
        let here = self.here();
        self.bind_to(label, here);
    }

    /// Makes `label` stand for an address (or for another label).
    pub fn bind_to(&mut self, label: Addr, at: Addr) {
        debug_assert!(Builder::is_label(label), "only a label can be bound");
        debug_assert_ne!(label, at, "a label cannot stand for itself");
        if let Some(slot) = self.labels.get_mut((label.0 & !LABEL) as usize) {
            *slot = at.0;
        }
    }

    /// Sets the jump operand `P2` of the instruction at `at` to `to`.
    pub fn set_jump(&mut self, at: Addr, to: Addr) {
        check::set_main_jump(self.op_mut(at), to);
    }

    /// Makes the instruction at `at` jump to the next instruction.
    pub fn jump_here(&mut self, at: Addr) {
        let here = self.here();
        self.set_jump(at, here);
    }

    // ---- pools ----------------------------------------------------------------------------------------------------

    /// A constant; text and integers that are there already are found again. Text has to be in the database's encoding.
    pub fn constant(&mut self, value: ValueRef<'_>) -> ConstId {
        match value {
            ValueRef::Null => self.push_constant(Constant::Null),
            ValueRef::Integer(number) => {
                if let Some(&id) = self.integers.get(&number) {
                    return id;
                }
                let id = self.push_constant(Constant::Integer(number));
                self.integers.insert(number, id);
                id
            }
            ValueRef::Real(number) => self.push_constant(Constant::Real(number)),
            ValueRef::Text(text) => self.name(text),
            ValueRef::Blob(blob) => self.push_constant(Constant::Blob(blob.into())),
        }
    }

    /// A text value from UTF-8, converted to the database's encoding.
    pub fn text(&mut self, text: &str) -> ConstId {
        match self.encoding {
            Encoding::Utf8 => self.name(text.as_bytes()),
            Encoding::Utf16Le => {
                let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
                self.name(&bytes)
            }
            Encoding::Utf16Be => {
                let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
                self.name(&bytes)
            }
        }
    }

    /// Text exactly as given: names, messages and SQL that the machine itself reads, in UTF-8.
    pub fn name(&mut self, text: &[u8]) -> ConstId {
        if let Some(&id) = self.texts.get(text) {
            return id;
        }
        let id = self.push_constant(Constant::Text(text.into()));
        self.texts.insert(text.into(), id);
        id
    }

    /// A list of integers.
    pub fn ints(&mut self, ints: &[u32]) -> IntsId {
        self.ints.push(ints.into());
        IntsId(self.small(self.ints.len(), "too many integer lists"))
    }

    /// A string of affinity letters.
    pub fn affinity(&mut self, letters: &[u8]) -> AffinityId {
        let at = self.affinities.iter().position(|known| **known == *letters).unwrap_or_else(|| {
            self.affinities.push(letters.into());
            self.affinities.len() - 1
        });
        AffinityId(self.small(at + 1, "too many affinity strings"))
    }

    /// A table (no key) or index of a database.
    pub fn tree(&mut self, db: Db, root: u32, key: Option<Arc<KeyInfo>>) -> TreeId {
        let known = self.trees.iter().position(|tree| {
            tree.db == db
                && tree.root == root
                && match (&tree.key, &key) {
                    (None, None) => true,
                    (Some(left), Some(right)) => Arc::ptr_eq(left, right),
                    _ => false,
                }
        });
        let at = known.unwrap_or_else(|| {
            self.trees.push(Tree { db, root, key });
            self.trees.len() - 1
        });
        TreeId(self.small(at, "too many trees"))
    }

    /// The tree behind an id.
    pub fn tree_at(&self, id: TreeId) -> Option<&Tree> {
        self.trees.get(usize::from(id.0))
    }

    /// The virtual table behind an id.
    pub fn vtab_at(&self, id: VtabId) -> Option<&VtabLink> {
        self.vtabs.get(usize::from(id.0))
    }

    /// How the keys of an index, a sorter or an ephemeral index compare.
    pub fn key_info(&mut self, key: Arc<KeyInfo>) -> KeyInfoId {
        let known = self.key_infos.iter().position(|known| Arc::ptr_eq(known, &key));
        let at = known.unwrap_or_else(|| {
            self.key_infos.push(key);
            self.key_infos.len() - 1
        });
        KeyInfoId(self.small(at + 1, "too many keys"))
    }

    /// The key description behind an id, so that generators may read it again.
    pub fn key_info_at(&self, id: KeyInfoId) -> Option<&Arc<KeyInfo>> {
        usize::from(id.0).checked_sub(1).and_then(|at| self.key_infos.get(at))
    }

    /// A function.
    pub fn function(&mut self, function: Arc<FunctionDef>) -> FunctionId {
        let known = self.functions.iter().position(|known| Arc::ptr_eq(known, &function));
        let at = known.unwrap_or_else(|| {
            self.functions.push(function);
            self.functions.len() - 1
        });
        FunctionId(self.small(at, "too many functions"))
    }

    /// A collation; `name` is what EXPLAIN shows. BINARY is always 0.
    pub fn collation(&mut self, name: &str, collation: Collation) -> CollationId {
        let known = self.collations.iter().position(|known| same_collation(&known.collation, &collation));
        let at = known.unwrap_or_else(|| {
            self.collations.push(CollationLink { name: name.into(), collation });
            self.collations.len() - 1
        });
        CollationId(self.small(at, "too many collations"))
    }

    /// A table, for hooks and messages.
    pub fn table(&mut self, db: Db, name: &str) -> TableId {
        let known = self.tables.iter().position(|table| table.db == db && *table.name == *name);
        match known {
            Some(at) => TableId(self.small(at + 1, "too many tables")),
            None => self.table_with_columns(TableLink { db, name: name.into(), columns: Box::default() }),
        }
    }

    /// A table with its columns, for the type check of STRICT tables.
    pub fn table_with_columns(&mut self, table: TableLink) -> TableId {
        self.tables.push(table);
        TableId(self.small(self.tables.len(), "too many tables"))
    }

    /// A virtual table.
    pub fn vtab(&mut self, db: Db, name: &str) -> VtabId {
        let link = VtabLink { db, name: name.into() };
        let at = self.vtabs.iter().position(|known| *known == link).unwrap_or_else(|| {
            self.vtabs.push(link);
            self.vtabs.len() - 1
        });
        VtabId(self.small(at, "too many virtual tables"))
    }

    /// A trigger or foreign-key program.
    pub fn subprogram(&mut self, program: Arc<Program>) -> SubprogramId {
        let known = self.subprograms.iter().position(|known| Arc::ptr_eq(known, &program));
        let at = known.unwrap_or_else(|| {
            self.subprograms.push(program);
            self.subprograms.len() - 1
        });
        SubprogramId(self.small(at, "too many subprograms"))
    }

    // ---- registers and cursors ------------------------------------------------------------------------------------

    /// A permanent register.
    pub fn alloc_reg(&mut self) -> Reg {
        self.registers.alloc(1)
    }

    /// `count` consecutive permanent registers; the first.
    pub fn alloc_regs(&mut self, count: u32) -> Reg {
        self.registers.alloc(count)
    }

    /// How many registers are handed out; also the number of the last one (`Parse.nMem`).
    pub fn register_count(&self) -> u32 {
        self.registers.count()
    }

    /// A temporary register, to be given back by [`Builder::release_temp`].
    pub fn temp_reg(&mut self) -> Reg {
        self.registers.temp()
    }

    /// Gives a temporary register back. "None" is ignored.
    pub fn release_temp(&mut self, reg: Reg) {
        self.registers.release(reg);
    }

    /// `count` consecutive temporary registers; the first.
    pub fn temp_range(&mut self, count: u32) -> Reg {
        self.registers.temp_range(count)
    }

    /// Gives a range back.
    pub fn release_temp_range(&mut self, first: Reg, count: u32) {
        self.registers.release_range(first, count);
    }

    /// Forgets all released temporary registers, so that none handed out so far is used again.
    pub fn clear_temps(&mut self) {
        self.registers.clear_temps();
    }

    /// A cursor number.
    pub fn alloc_cursor(&mut self) -> Cursor {
        self.alloc_cursors(1)
    }

    /// `count` consecutive cursor numbers; the first.
    pub fn alloc_cursors(&mut self, count: u16) -> Cursor {
        let first = self.cursor_count;
        self.cursor_count += u32::from(count);
        Cursor(self.small(first as usize, "too many cursors"))
    }

    /// How many cursors are handed out (`Parse.nTab`).
    pub fn cursor_count(&self) -> u32 {
        self.cursor_count
    }

    // ---- the whole ------------------------------------------------------------------------------------------------

    /// The database's text encoding.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Properties of the program, to be read and set.
    pub fn flags(&mut self) -> &mut ProgramFlags {
        &mut self.flags
    }

    /// Sets the number of result columns.
    pub fn set_result_columns(&mut self, count: u16) {
        self.result_column_count = count;
    }

    /// Says that parameter `number` exists, used or not.
    pub fn note_parameter(&mut self, number: u32) {
        self.parameter_count = self.parameter_count.max(number);
    }

    /// Resolves labels and checks every operand.
    ///
    /// # Errors
    /// [`Error::Program`] with the address of the first bad instruction: a bug of the code generator.
    pub fn finish(mut self) -> Result<Program, Error> {
        if let Some(what) = self.overflow {
            return Err(Error::message(what));
        }
        if self.cursor_count > u32::from(u16::MAX) {
            return Err(Error::message("too many cursors"));
        }
        check::resolve_labels(&mut self.ops, |label| resolve(&self.labels, label))?;
        let mut program = Program {
            ops: self.ops.into_boxed_slice(),
            encoding: self.encoding,
            constants: self.constants.into_boxed_slice(),
            ints: self.ints.into_boxed_slice(),
            affinities: self.affinities.into_boxed_slice(),
            links: Links {
                trees: self.trees.into_boxed_slice(),
                key_infos: self.key_infos.into_boxed_slice(),
                functions: self.functions.into_boxed_slice(),
                collations: self.collations.into_boxed_slice(),
                tables: self.tables.into_boxed_slice(),
                vtabs: self.vtabs.into_boxed_slice(),
            },
            subprograms: self.subprograms.into_boxed_slice(),
            register_count: self.registers.count(),
            cursor_count: self.cursor_count as u16,
            parameter_count: self.parameter_count,
            result_column_count: self.result_column_count,
            flags: self.flags,
        };
        check::check(&mut program)?;
        Ok(program)
    }

    fn push_constant(&mut self, constant: Constant) -> ConstId {
        self.constants.push(constant);
        ConstId(self.constants.len() as u32)
    }

    /// Narrows a pool index, remembering that it did not fit.
    fn small(&mut self, at: usize, what: &'static str) -> u16 {
        u16::try_from(at).unwrap_or_else(|_| {
            self.overflow = Some(what);
            0
        })
    }
}

/// Follows a label, through labels bound to labels, to its address.
fn resolve(labels: &[u32], label: Addr) -> Option<Addr> {
    let mut at = label.0;
    for _ in 0..=labels.len() {
        if at & LABEL == 0 {
            return Some(Addr(at));
        }
        at = *labels.get((at & !LABEL) as usize)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(error: Error) -> (u32, &'static str) {
        match error {
            Error::Program { at, what } => (at, what),
            other => panic!("another error: {other}"),
        }
    }

    #[test]
    fn a_label_used_before_it_is_bound_becomes_the_address() {
        let mut builder = Builder::new(Encoding::Utf8);
        let end = builder.label();
        builder.emit(Op::Init { to: end });
        builder.emit(Op::Noop);
        builder.bind(end);
        builder.emit(Op::Goto { to: Addr(1) });
        let program = builder.finish().unwrap();
        assert_eq!(program.ops[0], Op::Init { to: Addr(2) });
    }

    #[test]
    fn a_label_bound_to_a_label_is_followed() {
        let mut builder = Builder::new(Encoding::Utf8);
        let (outer, inner) = (builder.label(), builder.label());
        builder.emit(Op::Goto { to: inner });
        builder.bind_to(inner, outer);
        builder.bind(outer);
        builder.emit(Op::Noop);
        assert_eq!(builder.finish().unwrap().ops[0], Op::Goto { to: Addr(1) });
    }

    #[test]
    fn a_label_never_bound_is_refused_where_it_is_used() {
        let mut builder = Builder::new(Encoding::Utf8);
        let lost = builder.label();
        builder.emit(Op::Noop);
        builder.emit(Op::Goto { to: lost });
        assert_eq!(at(builder.finish().unwrap_err()), (1, "unbound label"));
    }

    #[test]
    fn operands_outside_their_counts_are_refused() {
        let reject = |op: Op, what: &'static str| {
            let mut builder = Builder::new(Encoding::Utf8);
            builder.alloc_regs(3);
            builder.alloc_cursor();
            builder.emit(op);
            assert_eq!(at(builder.finish().unwrap_err()), (0, what), "{op:?}");
        };
        reject(Op::Integer { value: 1, out: Reg(4) }, "register");
        reject(Op::ResultRow { first: Reg(2), count: 3 }, "register");
        reject(Op::Null { first: Reg(3), last: Reg(9), cleared: false }, "register");
        reject(Op::Goto { to: Addr(1) }, "jump");
        reject(Op::Rowid { cursor: Cursor(1), out: Reg(1) }, "cursor");
        reject(Op::Const { value: ConstId(1), out: Reg(1) }, "constant");
        reject(Op::Affinity { first: Reg(1), count: 1, affinities: AffinityId(1) }, "affinities");
        reject(
            Op::Function { function: FunctionId(0), first: Reg(1), count: 1, out: Reg(1), constant_mask: 0 },
            "function",
        );
        reject(Op::OpenRead { cursor: Cursor(0), tree: TreeId(0), columns: 1, seek_equal: false }, "tree");
    }

    #[test]
    fn equal_texts_share_a_constant_and_temps_are_reused() {
        let mut builder = Builder::new(Encoding::Utf8);
        assert_eq!(builder.text("a"), builder.constant(ValueRef::Text(b"a")));
        assert_ne!(builder.text("a"), builder.text("b"));
        let first = builder.temp_reg();
        builder.release_temp(first);
        assert_eq!(builder.temp_reg(), first);
    }
}
