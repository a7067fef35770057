//! The table of instructions: for each one its operands, and its row in SQLite's terms.
//!
//! One line an instruction. From it come [`visit`], which shows every operand to a [`Visitor`] (labels, checks), and [`row`],
//! which EXPLAIN prints. A field that is forgotten here does not compile.
//!
//! Never: what an instruction does.

use super::listing::{P4, Row};
use super::*;
use crate::program::{Constant, Program};

/// Sees the operands of an instruction, each by its kind.
#[allow(unused_variables)]
pub(crate) trait Visitor {
    fn reg(&mut self, reg: &mut Reg) {}
    /// `count` registers from `first` on.
    fn span(&mut self, first: Reg, count: u32) {}
    fn addr(&mut self, addr: &mut Addr) {}
    fn cursor(&mut self, cursor: &mut Cursor) {}
    fn constant(&mut self, id: &mut ConstId) {}
    fn key_info(&mut self, id: &mut KeyInfoId) {}
    fn collation(&mut self, id: &mut CollationId) {}
    fn function(&mut self, id: &mut FunctionId) {}
    fn ints(&mut self, id: &mut IntsId) {}
    fn affinities(&mut self, id: &mut AffinityId) {}
    fn tree(&mut self, id: &mut TreeId) {}
    fn table(&mut self, id: &mut TableId) {}
    fn vtab(&mut self, id: &mut VtabId) {}
    fn subprogram(&mut self, id: &mut SubprogramId) {}
}

/// An operand shows itself to a visitor by its type.
trait Operand {
    fn show(&mut self, visitor: &mut impl Visitor);
}

macro_rules! operands {
    ($($kind:ty => $method:ident;)*) => {
        $(impl Operand for $kind {
            fn show(&mut self, visitor: &mut impl Visitor) {
                visitor.$method(self);
            }
        })*
    };
}

operands! {
    Reg => reg;
    Addr => addr;
    Cursor => cursor;
    ConstId => constant;
    KeyInfoId => key_info;
    CollationId => collation;
    FunctionId => function;
    IntsId => ints;
    AffinityId => affinities;
    TreeId => tree;
    TableId => table;
    VtabId => vtab;
    SubprogramId => subprogram;
}

macro_rules! plain_operands {
    ($($kind:ty),*) => {
        $(impl Operand for $kind {
            fn show(&mut self, _: &mut impl Visitor) {}
        })*
    };
}

plain_operands!(
    u8,
    u16,
    u32,
    i16,
    i32,
    bool,
    Db,
    CompareFlags,
    OnConflict,
    HaltCode,
    WriteFlags,
    TransactionMode,
    SavepointAction
);

/// An operand as the number that EXPLAIN prints.
pub(super) trait Word {
    fn word(self) -> i32;
}

macro_rules! words {
    ($($kind:ty => |$value:ident| $word:expr;)*) => {
        $(impl Word for $kind {
            fn word(self) -> i32 {
                let $value = self;
                $word
            }
        })*
    };
}

words! {
    Reg => |v| v.0 as i32;
    Addr => |v| v.0 as i32;
    Cursor => |v| i32::from(v.0);
    Db => |v| i32::from(v.0);
    u8 => |v| i32::from(v);
    u16 => |v| i32::from(v);
    u32 => |v| v as i32;
    i16 => |v| i32::from(v);
    i32 => |v| v;
    bool => |v| i32::from(v);
    usize => |v| v as i32;
    HaltCode => |v| v.result_code();
    // SQLite's OE_* numbers.
    OnConflict => |v| match v {
        OnConflict::Rollback => 1,
        OnConflict::Abort => 2,
        OnConflict::Fail => 3,
        OnConflict::Ignore => 4,
        OnConflict::Replace => 5,
    };
    TransactionMode => |v| match v {
        TransactionMode::Read => 0,
        TransactionMode::Write => 1,
        TransactionMode::Exclusive => 2,
    };
    SavepointAction => |v| match v {
        SavepointAction::Begin => 0,
        SavepointAction::Release => 1,
        SavepointAction::Rollback => 2,
    };
}

macro_rules! table {
    ($program:ident; $($op:ident { $($field:ident),* } $([$first:expr, $count:expr])* => $row:expr;)*) => {
        /// Shows every operand of `op` to `visitor`.
        pub(crate) fn visit(op: &mut Op, visitor: &mut impl Visitor) {
            match op {
                $(#[allow(unused_variables)]
                Op::$op { $($field),* } => {
                    $($field.show(visitor);)*
                    $(let $field = *$field;)*
                    $(visitor.span($first, $count);)*
                })*
            }
        }

        /// SQLite's row for `op`.
        #[allow(unused_variables)]
        pub(super) fn row(op: &Op, $program: &Program) -> Row {
            match *op {
                $(Op::$op { $($field),* } => $row,)*
            }
        }
    };
}

fn named(name: &'static str) -> Row {
    Row::named(name)
}

table! { program;
    Init { to } => named("Init").p2(to);
    Goto { to } => named("Goto").p2(to);
    Gosub { ret, to } => named("Gosub").p1(ret).p2(to);
    Return { ret, or_fall_through } => named("Return").p1(ret).p3(or_fall_through);
    InitCoroutine { co, after, start } => named("InitCoroutine").p1(co).p2(after).p3(start);
    EndCoroutine { co } => named("EndCoroutine").p1(co);
    Yield { co, done } => named("Yield").p1(co).p2(done);
    Halt { code, on_conflict, message } => halt("Halt", code, on_conflict, message);
    HaltIfNull { value, code, on_conflict, message } =>
        halt("HaltIfNull", code, on_conflict, message).p3(value);
    HaltWithRegister { code, on_conflict, message } =>
        halt("Halt", code, on_conflict, ConstId(0)).p3(message);
    Once { to } => named("Once").p2(to);
    If { value, to, jump_if_null } => named("If").p1(value).p2(to).p3(jump_if_null);
    IfNot { value, to, jump_if_null } => named("IfNot").p1(value).p2(to).p3(jump_if_null);
    IsNull { value, to } => named("IsNull").p1(value).p2(to);
    NotNull { value, to } => named("NotNull").p1(value).p2(to);
    IsType { cursor, column, mask, to } =>
        named("IsType").p1(cursor).p2(to).p3(column).p4(P4::Int(0)).p5(u16::from(mask));
    IsTypeReg { value, mask, to } =>
        named("IsType").p1(-1).p2(to).p3(value).p4(P4::Int(0)).p5(u16::from(mask));
    IfPos { counter, to, decrement } => named("IfPos").p1(counter).p2(to).p3(decrement);
    IfNotZero { counter, to } => named("IfNotZero").p1(counter).p2(to);
    DecrJumpZero { counter, to } => named("DecrJumpZero").p1(counter).p2(to);
    OffsetLimit { limit, offset, out } => named("OffsetLimit").p1(limit).p2(out).p3(offset);
    Jump { less, equal, greater } => named("Jump").p1(less).p2(equal).p3(greater);
    MustBeInt { value, to } => named("MustBeInt").p1(value).p2(to);
    Program { args, ignore, sub, recursive_ok } =>
        named("Program").p1(args).p2(ignore).p4(P4::Subprogram).p5(u16::from(!recursive_ok));
    Param { offset, out } => named("Param").p1(offset).p2(out);
    Noop {} => named("Noop");
    Transaction { db, mode, cookie, check } =>
        named("Transaction").p1(db).p2(mode).p3(cookie).p4(P4::Int(0)).p5(u16::from(check));
    AutoCommit { on, rollback } => named("AutoCommit").p1(on).p2(rollback);
    Savepoint { action, name } => named("Savepoint").p1(action).p4(P4::Constant(name));
    ReadCookie { db, out, field } => named("ReadCookie").p1(db).p2(out).p3(field);
    SetCookie { db, field, value } => named("SetCookie").p1(db).p2(field).p3(value);
    Checkpoint { db, mode, out } => named("Checkpoint").p1(db).p2(mode).p3(out);
    JournalMode { db, mode, out } =>
        named("JournalMode").p1(db).p2(out).p3(if mode == 255 { -1 } else { i32::from(mode) });
    Vacuum { db, into } => named("Vacuum").p1(db).p2(into);
    IncrVacuum { db, to } => named("IncrVacuum").p1(db).p2(to);
    Expire { others_only } => named("Expire").p1(others_only);
    TableLock { db, tree, write } =>
        named("TableLock").p1(db).p2(tree_root(program, tree)).p3(write);
    Count { cursor, out, estimate } => named("Count").p1(cursor).p2(out).p3(estimate);

    Integer { value, out } => named("Integer").p1(value).p2(out);
    Const { value, out } => constant(program, value).p2(out);
    Null { first, last, cleared } =>
        named("Null").p1(cleared).p2(first).p3(if first == last { Reg(0) } else { last });
    SoftNull { out } => named("SoftNull").p1(out);
    Variable { number, out } => named("Variable").p1(number).p2(out);
    Move { from, to, count } [from, count] [to, count] => named("Move").p1(from).p2(to).p3(count);
    Copy { from, to, count } [from, count] [to, count] =>
        named("Copy").p1(from).p2(to).p3(count.saturating_sub(1));
    SCopy { from, to } => named("SCopy").p1(from).p2(to);
    IntCopy { from, to } => named("IntCopy").p1(from).p2(to);
    ResultRow { first, count } [first, count] => named("ResultRow").p1(first).p2(count);
    Concat { left, right, out } => binary("Concat", left, right, out);
    Add { left, right, out } => binary("Add", left, right, out);
    Subtract { left, right, out } => binary("Subtract", left, right, out);
    Multiply { left, right, out } => binary("Multiply", left, right, out);
    Divide { left, right, out } => binary("Divide", left, right, out);
    Remainder { left, right, out } => binary("Remainder", left, right, out);
    BitAnd { left, right, out } => binary("BitAnd", left, right, out);
    BitOr { left, right, out } => binary("BitOr", left, right, out);
    ShiftLeft { left, right, out } => binary("ShiftLeft", left, right, out);
    ShiftRight { left, right, out } => binary("ShiftRight", left, right, out);
    BitNot { value, out } => named("BitNot").p1(value).p2(out);
    Not { value, out } => named("Not").p1(value).p2(out);
    And { left, right, out } => binary("And", left, right, out);
    Or { left, right, out } => binary("Or", left, right, out);
    IsTrue { value, out, null_gives, negate } =>
        named("IsTrue").p1(value).p2(out).p3(null_gives).p4(P4::Int(i64::from(negate)));
    AddImm { value, amount } => named("AddImm").p1(value).p2(amount);
    RealAffinity { value } => named("RealAffinity").p1(value);
    Cast { value, affinity } => named("Cast").p1(value).p2(affinity);
    Affinity { first, count, affinities } [first, count] =>
        named("Affinity").p1(first).p2(count).p4(P4::Affinity(affinities));
    TypeCheck { first, count, table, check_generated, only } [first, count] =>
        named("TypeCheck").p1(first).p2(count).p3(if only > 0 { u32::from(only) + 1 } else { u32::from(!check_generated) })
            .p4(P4::Table(table));
    Eq { left, right, to, flags, collation } => comparison("Eq", left, right, to, flags, collation);
    Ne { left, right, to, flags, collation } => comparison("Ne", left, right, to, flags, collation);
    Lt { left, right, to, flags, collation } => comparison("Lt", left, right, to, flags, collation);
    Le { left, right, to, flags, collation } => comparison("Le", left, right, to, flags, collation);
    Gt { left, right, to, flags, collation } => comparison("Gt", left, right, to, flags, collation);
    Ge { left, right, to, flags, collation } => comparison("Ge", left, right, to, flags, collation);
    ElseEq { to } => named("ElseEq").p2(to);
    ZeroOrNull { left, right, out } => named("ZeroOrNull").p1(left).p2(out).p3(right);
    Compare { left, right, count, key, permutation }
        [left, if permutation.0 == 0 { count } else { 1 }]
        [right, if permutation.0 == 0 { count } else { 1 }] =>
        named("Compare").p1(left).p2(right).p3(count).p4(P4::Key(key)).p5(u16::from(permutation.0 != 0));
    CollSeq { collation, flag } => named("CollSeq").p1(flag).p4(P4::Collation(collation));
    MakeRecord { first, count, out, affinities } [first, count] =>
        named("MakeRecord").p1(first).p2(count).p3(out).p4(P4::Affinity(affinities));
    Function { function, first, count, out, constant_mask } [first, u32::from(count)] =>
        named("Function").p1(constant_mask).p2(first).p3(out).p4(P4::Function(function));
    PureFunc { function, first, count, out, constant_mask, place } [first, u32::from(count)] =>
        named("PureFunc").p1(constant_mask).p2(first).p3(out).p4(P4::Function(function)).p5(purity(place));
    ClrSubtype { value } => named("ClrSubtype").p1(value);
    GetSubtype { value, out } => named("GetSubtype").p1(value).p2(out);
    SetSubtype { value, subtype } => named("SetSubtype").p1(subtype).p2(value);
    ReleaseReg { first, count } [first, count] => named("ReleaseReg").p1(first).p2(count);

    OpenRead { cursor, tree, columns, seek_equal } =>
        open(program, "OpenRead", cursor, tree, columns).p5(if seek_equal { SEEK_EQUAL } else { 0 });
    OpenWrite { cursor, tree, columns, for_delete } =>
        open(program, "OpenWrite", cursor, tree, columns).p5(if for_delete { FOR_DELETE } else { 0 });
    OpenWriteReg { cursor, db, root, key, columns } =>
        named("OpenWrite").p1(cursor).p2(root).p3(db).p4(key_or_columns(key, columns)).p5(ROOT_IN_REGISTER);
    ReopenIdx { cursor, tree, columns, seek_equal } =>
        open(program, "ReopenIdx", cursor, tree, columns).p5(if seek_equal { SEEK_EQUAL } else { 0 });
    OpenDup { cursor, original } => named("OpenDup").p1(cursor).p2(original);
    OpenEphemeral { cursor, columns, key, unordered } =>
        named("OpenEphemeral").p1(cursor).p2(columns).p4(key_only(key)).p5(if unordered { UNORDERED } else { 0 });
    OpenAutoindex { cursor, columns, key } =>
        named("OpenAutoindex").p1(cursor).p2(columns).p4(key_only(key));
    SorterOpen { cursor, columns, key, limit } =>
        named("SorterOpen").p1(cursor).p2(columns).p4(key_only(key));
    OpenPseudo { cursor, content, columns } => named("OpenPseudo").p1(cursor).p2(content).p3(columns);
    Close { cursor } => named("Close").p1(cursor);
    Column { cursor, column, out, default, hint } =>
        named("Column").p1(cursor).p2(column).p3(out).p4(P4::Constant(default)).p5(column_hint(hint));
    Rowid { cursor, out } => named("Rowid").p1(cursor).p2(out);
    RowData { cursor, out } => named("RowData").p1(cursor).p2(out);
    Offset { cursor, column, out } => named("Offset").p1(cursor).p2(column).p3(out);
    NullRow { cursor } => named("NullRow").p1(cursor);
    IfNullRow { cursor, to, out } => named("IfNullRow").p1(cursor).p2(to).p3(out);
    IfNotOpen { cursor, to } => named("IfNotOpen").p1(cursor).p2(to);
    IfEmpty { cursor, to } => named("IfEmpty").p1(cursor).p2(to);
    Rewind { cursor, empty } => named("Rewind").p1(cursor).p2(empty);
    Last { cursor, empty } => named("Last").p1(cursor).p2(empty);
    IfSizeBetween { cursor, to, low, high } =>
        named("IfSizeBetween").p1(cursor).p2(to).p3(low).p4(P4::Int(i64::from(high)));
    Next { cursor, to, counter } => named("Next").p1(cursor).p2(to).p5(u16::from(counter));
    Prev { cursor, to, counter } => named("Prev").p1(cursor).p2(to).p5(u16::from(counter));
    SeekGE { cursor, key, count, miss, equal_only } [key, u32::from(count)] =>
        keyed("SeekGE", cursor, key, count, miss);
    SeekGT { cursor, key, count, miss } [key, u32::from(count)] => keyed("SeekGT", cursor, key, count, miss);
    SeekLE { cursor, key, count, miss, equal_only } [key, u32::from(count)] =>
        keyed("SeekLE", cursor, key, count, miss);
    SeekLT { cursor, key, count, miss } [key, u32::from(count)] => keyed("SeekLT", cursor, key, count, miss);
    SeekRowid { cursor, key, miss } => named("SeekRowid").p1(cursor).p2(miss).p3(key);
    NotExists { cursor, key, miss } => named("NotExists").p1(cursor).p2(miss).p3(key);
    SeekScan { cursor, steps, to, range } => named("SeekScan").p1(steps).p2(to).p5(u16::from(range));
    SeekHit { cursor, low, high } => named("SeekHit").p1(cursor).p2(low).p3(high);
    IfNoHope { cursor, to, key, count } [key, u32::from(count)] => keyed("IfNoHope", cursor, key, count, to);
    DeferredSeek { index, table, columns } =>
        named("DeferredSeek").p1(index).p3(table).p4(P4::Ints(columns));
    FinishSeek { cursor } => named("FinishSeek").p1(cursor);
    IdxRowid { cursor, out } => named("IdxRowid").p1(cursor).p2(out);
    IdxGE { cursor, key, count, to } [key, u32::from(count)] => keyed("IdxGE", cursor, key, count, to);
    IdxGT { cursor, key, count, to } [key, u32::from(count)] => keyed("IdxGT", cursor, key, count, to);
    IdxLE { cursor, key, count, to } [key, u32::from(count)] => keyed("IdxLE", cursor, key, count, to);
    IdxLT { cursor, key, count, to } [key, u32::from(count)] => keyed("IdxLT", cursor, key, count, to);
    Found { cursor, key, count, to } [key, u32::from(count)] => keyed("Found", cursor, key, count, to);
    NotFound { cursor, key, count, to } [key, u32::from(count)] => keyed("NotFound", cursor, key, count, to);
    NoConflict { cursor, key, count, to } [key, u32::from(count)] =>
        keyed("NoConflict", cursor, key, count, to);
    NewRowid { cursor, out, previous } => named("NewRowid").p1(cursor).p2(out).p3(previous);
    Insert { cursor, record, rowid, table, flags } =>
        named("Insert").p1(cursor).p2(record).p3(rowid).p4(P4::Table(table)).p5(write_flags(flags));
    RowCell { cursor, from, rowid } => named("RowCell").p1(cursor).p2(from).p3(rowid);
    Delete { cursor, table, flags } => named("Delete")
        .p1(cursor)
        .p2(u32::from(write_flags(WriteFlags { save_position: false, auxiliary: false, ..flags })))
        .p4(P4::Table(table))
        .p5(write_flags(WriteFlags {
            save_position: flags.save_position,
            auxiliary: flags.auxiliary,
            ..WriteFlags::default()
        }));
    ResetCount {} => named("ResetCount");
    IdxInsert { cursor, record, first, count, flags } [first, u32::from(count)] =>
        named("IdxInsert").p1(cursor).p2(record).p3(first).p4(P4::Int(i64::from(count))).p5(write_flags(flags));
    IdxDelete { cursor, key, count, raise } [key, u32::from(count)] => {
        // A missing entry is damage, but for ephemeral indexes.
        let _ = raise;
        named("IdxDelete").p1(cursor).p2(key).p5(count)
    };
    SorterInsert { cursor, record, first, count } [first, u32::from(count)] =>
        named("SorterInsert").p1(cursor).p2(record).p3(first).p4(P4::Int(i64::from(count)));
    SorterSort { cursor, empty } => named("SorterSort").p1(cursor).p2(empty);
    Sort { cursor, empty } => named("Sort").p1(cursor).p2(empty);
    SorterNext { cursor, to } => named("SorterNext").p1(cursor).p2(to);
    SorterData { cursor, out, pseudo } => named("SorterData").p1(cursor).p2(out).p3(pseudo);
    SorterCompare { cursor, record, count, to } =>
        named("SorterCompare").p1(cursor).p2(to).p3(record).p4(P4::Int(i64::from(count)));
    ResetSorter { cursor } => named("ResetSorter").p1(cursor);
    Sequence { cursor, out } => named("Sequence").p1(cursor).p2(out);
    SequenceTest { cursor, to } => named("SequenceTest").p1(cursor).p2(to);
    CreateBtree { db, out, table } => named("CreateBtree").p1(db).p2(out).p3(if table { 1 } else { 2 });
    Clear { tree, count, count_change } =>
        named("Clear").p1(tree_root(program, tree)).p2(tree_db(program, tree)).p3(count);
    Destroy { db, tree, moved } => named("Destroy").p1(tree_root(program, tree)).p2(moved).p3(db);
    ClearEphemeral { cursor } => named("ResetSorter").p1(cursor);
    RowSetAdd { set, value } => named("RowSetAdd").p1(set).p2(value);
    RowSetRead { set, empty, out } => named("RowSetRead").p1(set).p2(empty).p3(out);
    RowSetTest { set, found, value, batch } =>
        named("RowSetTest").p1(set).p2(found).p3(value).p4(P4::Int(i64::from(batch)));
    FilterAdd { filter, first, count } [first, count] =>
        named("FilterAdd").p1(filter).p3(first).p4(P4::Int(i64::from(count)));
    Filter { filter, first, count, to } [first, count] =>
        named("Filter").p1(filter).p2(to).p3(first).p4(P4::Int(i64::from(count)));
    Blob0 { size, out } => named("Blob").p1(size).p2(out);

    AggStep { function, first, count, acc, inverse } [first, u32::from(count)] =>
        named(if inverse { "AggInverse" } else { "AggStep" })
            .p1(inverse).p2(first).p3(acc).p4(P4::Function(function)).p5(count);
    AggFinal { function, acc, count } => named("AggFinal").p1(acc).p2(count).p4(P4::Function(function));
    AggValue { function, acc, out, count } =>
        named("AggValue").p1(acc).p2(count).p3(out).p4(P4::Function(function));
    HashAggOpen { cursor, key, accs, saved } => named("SorterOpen").p1(cursor).p2(saved).p4(key_only(key));
    HashAggFind { cursor, keys, existing } => named("Found").p1(cursor).p2(existing).p3(keys);
    HashAggSave { cursor, first } => named("SorterInsert").p1(cursor).p2(first);
    HashAggStep { cursor, acc, function, first, count } [first, u32::from(count)] =>
        named("AggStep").p2(first).p3(acc).p4(P4::Function(function)).p5(count);
    HashAggSort { cursor, empty } => named("SorterSort").p1(cursor).p2(empty);
    HashAggRow { cursor, keys, saved } => named("SorterData").p1(cursor).p2(keys).p3(saved);
    HashAggFinal { cursor, acc, function, out } =>
        named("AggFinal").p1(acc).p2(out).p4(P4::Function(function));
    HashAggNext { cursor, to } => named("SorterNext").p1(cursor).p2(to);

    ParseSchema { db, filter } => named("ParseSchema").p1(db).p4(P4::Constant(filter));
    LoadAnalysis { db } => named("LoadAnalysis").p1(db);
    DropTable { db, name } => named("DropTable").p1(db).p4(P4::Constant(name));
    DropIndex { db, name } => named("DropIndex").p1(db).p4(P4::Constant(name));
    DropTrigger { db, name } => named("DropTrigger").p1(db).p4(P4::Constant(name));
    SqlExec { sql } => named("SqlExec").p4(P4::Constant(sql));
    Attach { path, name, key } => named("Function").p2(path).p4(P4::Text("sqlite_attach(3)"));
    Detach { name } => named("Function").p2(name).p4(P4::Text("sqlite_detach(1)"));
    IntegrityCk { db, roots, errors_left, out, counts }
        [counts, program_free_count(counts)] => named("IntegrityCk")
        .p1(errors_left).p2(program.ints(roots).len()).p3(counts).p4(P4::Ints(roots)).p5(u16::from(db.0));
    FkCounter { deferred, amount } => named("FkCounter").p1(deferred).p2(amount);
    FkCheck {} => named("FkCheck");
    FkIfZero { deferred, to } => named("FkIfZero").p1(deferred).p2(to);
    // The register belongs to the outermost program; the machine checks it there.
    MemMax { reg, value } => named("MemMax").p1(reg).p2(value);
    Explain { text, id, parent } => named("Explain").p1(id).p2(parent).p4(P4::Constant(text));
    HostCall { call, db, first, count, out } [first, u32::from(count)] =>
        named("Pragma").p1(db).p2(first).p3(out).p5(call);

    VBegin { vtab } => named("VBegin").p4(P4::Vtab(vtab));
    VCreate { db, name } => named("VCreate").p1(db).p2(name);
    VDestroy { db, name } => named("VDestroy").p1(db).p4(P4::Constant(name));
    VOpen { cursor, vtab } => named("VOpen").p1(cursor).p4(P4::Vtab(vtab));
    VFilter { cursor, empty, first, idx_str } =>
        named("VFilter").p1(cursor).p2(empty).p3(first).p4(P4::Constant(idx_str));
    VColumn { cursor, column, out, no_change } =>
        named("VColumn").p1(cursor).p2(column).p3(out).p5(u16::from(no_change));
    VNext { cursor, to } => named("VNext").p1(cursor).p2(to);
    VRename { vtab, name } => named("VRename").p1(name).p4(P4::Vtab(vtab));
    VUpdate { vtab, first, count, on_conflict, set_last_rowid } [first, count] =>
        named("VUpdate").p1(set_last_rowid).p2(count).p3(first).p4(P4::Vtab(vtab)).p5(on_conflict.word() as u16);
    VCheck { db, table, out, quick } => named("VCheck").p1(db).p2(out).p3(quick).p4(P4::Table(table));
    VInitIn { cursor, key, out } => named("VInitIn").p1(cursor).p2(out).p3(key);
}

/// P5 of the opcodes that open a cursor.
const SEEK_EQUAL: u16 = 0x02;
const FOR_DELETE: u16 = 0x08;
const ROOT_IN_REGISTER: u16 = 0x10;
const UNORDERED: u16 = 0x08;

/// `counts` is "none" or a range whose length only the pool knows; the machine checks it.
fn program_free_count(counts: Reg) -> u32 {
    u32::from(counts.is_some())
}

fn binary(name: &'static str, left: Reg, right: Reg, out: Reg) -> Row {
    named(name).p1(right).p2(left).p3(out)
}

fn comparison(
    name: &'static str,
    left: Reg,
    right: Reg,
    to: Addr,
    flags: CompareFlags,
    collation: CollationId,
) -> Row {
    let p5 = u16::from(flags.affinity)
        | if flags.jump_if_null { 0x10 } else { 0 }
        | if flags.null_eq { 0x80 } else { 0 };
    named(name).p1(right).p2(to).p3(left).p4(P4::Collation(collation)).p5(p5)
}

fn keyed(name: &'static str, cursor: Cursor, key: Reg, count: u16, to: Addr) -> Row {
    named(name).p1(cursor).p2(to).p3(key).p4(P4::Int(i64::from(count)))
}

/// The NC_* bit of the place that a pure function stands in.
fn purity(place: u8) -> u16 {
    match place {
        1 => 0x04,
        2 => 0x08,
        3 => 0x20,
        _ => 0,
    }
}

/// P5 says which kind of constraint the message is about: 1 NOT NULL, 2 UNIQUE, 3 CHECK, 4 FOREIGN KEY; 0: finished text.
fn halt(name: &'static str, code: HaltCode, on_conflict: OnConflict, message: ConstId) -> Row {
    let kind = match code {
        HaltCode::NotNull => 1,
        HaltCode::Unique | HaltCode::PrimaryKey | HaltCode::RowId => 2,
        HaltCode::Check => 3,
        HaltCode::ForeignKey => 4,
        _ => 0,
    };
    let p2 = if code == HaltCode::Ok { 0 } else { on_conflict.word() };
    named(name).p1(code).p2(p2).p4(P4::Constant(message)).p5(kind)
}

fn constant(program: &Program, id: ConstId) -> Row {
    let at = (id.0 as usize).wrapping_sub(1);
    match program.constants.get(at) {
        Some(Constant::Text(_)) => named("String8").p4(P4::Constant(id)),
        Some(Constant::Integer(_)) => named("Int64").p4(P4::Constant(id)),
        Some(Constant::Real(_)) => named("Real").p4(P4::Constant(id)),
        Some(Constant::Blob(blob)) => named("Blob").p1(blob.len()).p4(P4::Constant(id)),
        Some(Constant::Null) | None => named("Null"),
    }
}

fn tree_root(program: &Program, tree: TreeId) -> i32 {
    program.links.tree(tree).map_or(0, |tree| tree.root as i32)
}

fn tree_db(program: &Program, tree: TreeId) -> i32 {
    program.links.tree(tree).map_or(0, |tree| i32::from(tree.db.0))
}

fn open(program: &Program, name: &'static str, cursor: Cursor, tree: TreeId, columns: u16) -> Row {
    let p4 = match program.links.tree(tree) {
        Some(link) if link.key.is_some() => P4::Tree(tree),
        _ => P4::Int(i64::from(columns)),
    };
    named(name).p1(cursor).p2(tree_root(program, tree)).p3(tree_db(program, tree)).p4(p4)
}

fn key_only(key: KeyInfoId) -> P4 {
    if key.0 == 0 { P4::None } else { P4::Key(key) }
}

fn key_or_columns(key: KeyInfoId, columns: u16) -> P4 {
    if key.0 == 0 { P4::Int(i64::from(columns)) } else { P4::Key(key) }
}

/// OPFLAG_LENGTHARG and OPFLAG_TYPEOFARG.
fn column_hint(hint: u8) -> u16 {
    match hint {
        1 => 0x40,
        2 => 0x80,
        3 => 0xc0,
        _ => 0,
    }
}

/// SQLite's OPFLAG_* bits of the write opcodes.
fn write_flags(flags: WriteFlags) -> u16 {
    let bit = |on: bool, bit: u16| if on { bit } else { 0 };
    bit(flags.count_change, 0x01)
        | bit(flags.save_position, 0x02)
        | bit(flags.is_update || flags.auxiliary, 0x04)
        | bit(flags.append, 0x08)
        | bit(flags.use_seek_result, 0x10)
        | bit(flags.last_rowid, 0x20)
        | bit(flags.no_op, 0x40)
}
