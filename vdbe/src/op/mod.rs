//! Opcodes: what a program is made of.
//!
//! One typed variant per instruction, named as SQLite names its opcode, because programs do what SQLite's do and EXPLAIN shows
//! them in SQLite's columns. Operands carry their kind ([`Reg`], [`Addr`], cursor number) instead of p1 to p5; wide operands live in
//! the program's pools and are named by a small id. `listing` maps every variant back to SQLite's row.
//!
//! Registers count from 1 as in SQLite; register 0 means "none" where an operand is optional.
//! A jump operand holds a label until [`crate::program::Builder::finish`] replaces it by an address.
//!
//! Never: state of a run. A program is shared by all statements with the same text and schema.

mod ids;
pub mod listing;
pub(crate) mod table;

pub use ids::{
    Addr, AffinityId, CollationId, ConstId, Cursor, Db, FunctionId, IntsId, KeyInfoId, Reg, SubprogramId,
    TableId, TreeId, VtabId,
};

/// How a comparison treats NULL and what it compares with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompareFlags {
    /// Affinity applied to both sides first: `b'A'` (none/blob) to `b'E'` (real) as SQLite's letters; 0 = none.
    pub affinity: u8,
    /// Jump when either side is NULL (`SQLITE_JUMPIFNULL`).
    pub jump_if_null: bool,
    /// NULL equals NULL (`IS`, `SQLITE_NULLEQ`); Eq and Ne only.
    pub null_eq: bool,
}

/// How a constraint is resolved: SQLite's conflict algorithms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnConflict {
    Rollback,
    #[default]
    Abort,
    Fail,
    Ignore,
    Replace,
}

/// Which constraint a `Halt` or `HaltIfNull` reports: decides the extended result code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HaltCode {
    /// Normal end (`SQLITE_OK`).
    Ok,
    Check,
    NotNull,
    Unique,
    PrimaryKey,
    RowId,
    ForeignKey,
    Trigger,
    Datatype,
    /// `SQLITE_CONSTRAINT` without a finer code (RAISE in a view's trigger and the like use Trigger).
    Constraint,
    /// `SQLITE_ERROR` with the message.
    Error,
    /// `SQLITE_MISMATCH`.
    Mismatch,
    /// `SQLITE_CORRUPT_INDEX` ("database disk image is malformed").
    CorruptIndex,
    /// `SQLITE_READONLY`.
    ReadOnly,
    /// `SQLITE_AUTH`.
    Auth,
}

/// Counter of `Statement::status` and kinds of change a write accounts for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteFlags {
    /// Count the row in `changes()` (OPFLAG_NCHANGE).
    pub count_change: bool,
    /// Set `last_insert_rowid()` (OPFLAG_LASTROWID).
    pub last_rowid: bool,
    /// This insert is one half of an UPDATE (OPFLAG_ISUPDATE).
    pub is_update: bool,
    /// Likely an append (OPFLAG_APPEND).
    pub append: bool,
    /// The cursor was just sought to the place by the constraint check (OPFLAG_USESEEKRESULT). Together with `append`, in an index
    /// insert: the key comes after all that are there.
    pub use_seek_result: bool,
    /// Keep the cursor's position (OPFLAG_SAVEPOSITION).
    pub save_position: bool,
    /// Nothing is written: the instruction is there for the preupdate hook alone (OPFLAG_ISNOOP).
    pub no_op: bool,
    /// This delete is auxiliary to another on the same row (OPFLAG_AUXDELETE).
    pub auxiliary: bool,
}

/// How [`Op::Transaction`] begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionMode {
    Read,
    Write,
    Exclusive,
}

/// What [`Op::Savepoint`] does with the savepoint named by its constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavepointAction {
    Begin,
    Release,
    Rollback,
}

/// Type test of [`Op::IsType`]: bits of [`ValueRef`](kernite_btree::ValueRef) kinds.
pub type TypeMask = u8;

/// An instruction. See each family's file under `machine/` for the code that runs it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Op {
    // ---- flow -----------------------------------------------------------------------------------------------------
    /// Starts the program: jumps to `to`. Always at address 0.
    Init {
        to: Addr,
    },
    Goto {
        to: Addr,
    },
    /// Stores the next address in `ret` and jumps.
    Gosub {
        ret: Reg,
        to: Addr,
    },
    /// Jumps to the address in `ret`. With `or_fall_through`, goes on when `ret` is not an integer.
    Return {
        ret: Reg,
        or_fall_through: bool,
    },
    /// `co` gets the coroutine's entry `start - 1`; jumps to `after` unless it is 0.
    InitCoroutine {
        co: Reg,
        after: Addr,
        start: Addr,
    },
    /// Ends a coroutine: jumps to the caller's Yield's `done` address.
    EndCoroutine {
        co: Reg,
    },
    /// Swaps the program counter with `co`; where the coroutine has ended, jumps to `done`.
    Yield {
        co: Reg,
        done: Addr,
    },
    /// Ends the program. With an error: `message` (0 = none) is the finished text or the constraint's column list; `on_conflict` says what becomes of the transaction.
    Halt {
        code: HaltCode,
        on_conflict: OnConflict,
        message: ConstId,
    },
    /// Halt when `value` is NULL.
    HaltIfNull {
        value: Reg,
        code: HaltCode,
        on_conflict: OnConflict,
        message: ConstId,
    },
    /// Halt with the text in `message` (RAISE with an expression).
    HaltWithRegister {
        code: HaltCode,
        on_conflict: OnConflict,
        message: Reg,
    },
    /// The first time in this run it falls through, later it jumps.
    Once {
        to: Addr,
    },
    /// Jumps when the register is true; NULL jumps when `jump_if_null`.
    If {
        value: Reg,
        to: Addr,
        jump_if_null: bool,
    },
    IfNot {
        value: Reg,
        to: Addr,
        jump_if_null: bool,
    },
    IsNull {
        value: Reg,
        to: Addr,
    },
    NotNull {
        value: Reg,
        to: Addr,
    },
    /// Jumps when column `column` of the cursor's row (or register `value` when the cursor is absent: use `IsTypeReg`) has a type in `mask`.
    IsType {
        cursor: Cursor,
        column: u16,
        mask: TypeMask,
        to: Addr,
    },
    IsTypeReg {
        value: Reg,
        mask: TypeMask,
        to: Addr,
    },
    /// `if counter > 0 { counter -= decrement; jump }`.
    IfPos {
        counter: Reg,
        to: Addr,
        decrement: u32,
    },
    /// `if counter != 0 { if counter > 0 { counter -= 1 }; jump }`.
    IfNotZero {
        counter: Reg,
        to: Addr,
    },
    /// `counter -= 1; if counter == 0 jump`.
    DecrJumpZero {
        counter: Reg,
        to: Addr,
    },
    /// `out = limit < 0 ? -1 : limit + max(offset, 0)`, overflow gives -1.
    OffsetLimit {
        limit: Reg,
        offset: Reg,
        out: Reg,
    },
    /// Jumps by the result of the last Compare.
    Jump {
        less: Addr,
        equal: Addr,
        greater: Addr,
    },
    MustBeInt {
        value: Reg,
        to: Addr,
    },
    /// Runs a trigger program in a heap frame: `sub` names a subprogram of the outermost program, also in a trigger's program. `ignore`: where RAISE(IGNORE) in it goes. `token`: recursion guard.
    Program {
        args: Reg,
        ignore: Addr,
        sub: SubprogramId,
        recursive_ok: bool,
    },
    /// In a subprogram: copies the caller's register `args + offset`.
    Param {
        offset: u32,
        out: Reg,
    },
    Noop,
    /// Aborts the transaction unless the schema cookie and generation fit; begins the transaction. `cookie` checked when `check`.
    Transaction {
        db: Db,
        mode: TransactionMode,
        cookie: u32,
        check: bool,
    },
    /// COMMIT or ROLLBACK or BEGIN: sets the autocommit flag.
    AutoCommit {
        on: bool,
        rollback: bool,
    },
    Savepoint {
        action: SavepointAction,
        name: ConstId,
    },
    /// `out = ` a header field (`Meta` number).
    ReadCookie {
        db: Db,
        out: Reg,
        field: u8,
    },
    /// Sets a header field to `value`; field 1 is the schema cookie.
    SetCookie {
        db: Db,
        field: u8,
        value: u32,
    },
    Checkpoint {
        db: Db,
        mode: u8,
        out: Reg,
    },
    /// `journal_mode`: `mode` as `JournalMode` number, 255 = query. `out` gets the mode's name.
    JournalMode {
        db: Db,
        mode: u8,
        out: Reg,
    },
    /// VACUUM; `into` is a register with a file name or none.
    Vacuum {
        db: Db,
        into: Reg,
    },
    IncrVacuum {
        db: Db,
        to: Addr,
    },
    /// Expires this connection's prepared statements (all but this one with `others_only`).
    Expire {
        others_only: bool,
    },
    /// Reads the shared-cache lock: nothing to do here, kept for EXPLAIN.
    TableLock {
        db: Db,
        tree: TreeId,
        write: bool,
    },
    /// `count` of a cursor's tree; estimate when `estimate`.
    Count {
        cursor: Cursor,
        out: Reg,
        estimate: bool,
    },

    // ---- values ---------------------------------------------------------------------------------------------------
    Integer {
        value: i32,
        out: Reg,
    },
    /// Any constant: text, blob, real, 64-bit integer.
    Const {
        value: ConstId,
        out: Reg,
    },
    /// Sets `first ..= last` to NULL; with `cleared` marks them so that IS DISTINCT comparisons never match (SorterCompare/Found).
    Null {
        first: Reg,
        last: Reg,
        cleared: bool,
    },
    /// Sets a register to NULL without releasing its buffer (co-routine output).
    SoftNull {
        out: Reg,
    },
    /// Copies bound parameter `number` (from 1).
    Variable {
        number: u32,
        out: Reg,
    },
    /// Moves `count` registers.
    Move {
        from: Reg,
        to: Reg,
        count: u32,
    },
    /// Deep copies `count + 1`… exactly `count` registers here.
    Copy {
        from: Reg,
        to: Reg,
        count: u32,
    },
    /// Shallow copy (SQLite: aliases the bytes). The source must not change while the copy lives.
    SCopy {
        from: Reg,
        to: Reg,
    },
    IntCopy {
        from: Reg,
        to: Reg,
    },
    ResultRow {
        first: Reg,
        count: u32,
    },
    Concat {
        left: Reg,
        right: Reg,
        out: Reg,
    },
    /// `out = left OP right`. SQLite computes `r[P2] OP r[P1]`; the listing swaps.
    Add {
        left: Reg,
        right: Reg,
        out: Reg,
    },
    Subtract {
        left: Reg,
        right: Reg,
        out: Reg,
    },
    Multiply {
        left: Reg,
        right: Reg,
        out: Reg,
    },
    Divide {
        left: Reg,
        right: Reg,
        out: Reg,
    },
    Remainder {
        left: Reg,
        right: Reg,
        out: Reg,
    },
    BitAnd {
        left: Reg,
        right: Reg,
        out: Reg,
    },
    BitOr {
        left: Reg,
        right: Reg,
        out: Reg,
    },
    ShiftLeft {
        left: Reg,
        right: Reg,
        out: Reg,
    },
    ShiftRight {
        left: Reg,
        right: Reg,
        out: Reg,
    },
    BitNot {
        value: Reg,
        out: Reg,
    },
    Not {
        value: Reg,
        out: Reg,
    },
    And {
        left: Reg,
        right: Reg,
        out: Reg,
    },
    Or {
        left: Reg,
        right: Reg,
        out: Reg,
    },
    /// The `value IS TRUE` family: the truth of `value`, `null_gives` for NULL (SQLite's P3), inverted by `negate` (P4).
    IsTrue {
        value: Reg,
        out: Reg,
        null_gives: bool,
        negate: bool,
    },
    AddImm {
        value: Reg,
        amount: i32,
    },
    /// Integer stored where the column has REAL affinity becomes real.
    RealAffinity {
        value: Reg,
    },
    Cast {
        value: Reg,
        affinity: u8,
    },
    /// Applies an affinity string to `count` registers.
    Affinity {
        first: Reg,
        count: u32,
        affinities: AffinityId,
    },
    /// STRICT type check of `count` registers of a table's row. Stored generated columns are passed over unless `check_generated`; virtual ones have no register.
    /// `only`: the number of one column, counted from 1, whose value alone is checked; 0: the row.
    TypeCheck {
        first: Reg,
        count: u32,
        table: TableId,
        check_generated: bool,
        only: u16,
    },
    /// Compares and jumps. `left OP right`.
    Eq {
        left: Reg,
        right: Reg,
        to: Addr,
        flags: CompareFlags,
        collation: CollationId,
    },
    Ne {
        left: Reg,
        right: Reg,
        to: Addr,
        flags: CompareFlags,
        collation: CollationId,
    },
    Lt {
        left: Reg,
        right: Reg,
        to: Addr,
        flags: CompareFlags,
        collation: CollationId,
    },
    Le {
        left: Reg,
        right: Reg,
        to: Addr,
        flags: CompareFlags,
        collation: CollationId,
    },
    Gt {
        left: Reg,
        right: Reg,
        to: Addr,
        flags: CompareFlags,
        collation: CollationId,
    },
    Ge {
        left: Reg,
        right: Reg,
        to: Addr,
        flags: CompareFlags,
        collation: CollationId,
    },
    /// After Lt or Gt: jumps when that comparison found equality.
    ElseEq {
        to: Addr,
    },
    /// After Eq with null_eq… stores 0/1 results instead of jumping: `out = left OP right` for SELECT lists is coded with jumps, as SQLite does.
    ZeroOrNull {
        left: Reg,
        right: Reg,
        out: Reg,
    },
    /// Compares two vectors of registers; result kept for `Jump`. `permutation` (0 = none) reorders.
    Compare {
        left: Reg,
        right: Reg,
        count: u32,
        key: KeyInfoId,
        permutation: IntsId,
    },
    /// Sets the collation that a min()/max()/nullif()… function call after it sees; `flag` register (0 = none) is set to 0.
    CollSeq {
        collation: CollationId,
        flag: Reg,
    },
    MakeRecord {
        first: Reg,
        count: u32,
        out: Reg,
        affinities: AffinityId,
    },
    /// Calls a scalar function. `constant_mask`: bit i = argument i is constant (auxdata). Result in `out`.
    Function {
        function: FunctionId,
        first: Reg,
        count: u16,
        out: Reg,
        constant_mask: u32,
    },
    /// The same where the result has to stay the same, so that the clock may not be asked. `place`: 1 a CHECK constraint, 2 a generated
    /// column, 3 an index.
    PureFunc {
        function: FunctionId,
        first: Reg,
        count: u16,
        out: Reg,
        constant_mask: u32,
        place: u8,
    },
    ClrSubtype {
        value: Reg,
    },
    GetSubtype {
        value: Reg,
        out: Reg,
    },
    SetSubtype {
        value: Reg,
        subtype: Reg,
    },
    /// Clears the buffer cache flag that result columns may come from; kept for EXPLAIN.
    ReleaseReg {
        first: Reg,
        count: u32,
    },

    // ---- cursors --------------------------------------------------------------------------------------------------
    /// Opens a cursor on a tree. `columns`: how many columns rows have (0 = unknown). `seek_only` (P5 OPFLAG_SEEKEQ) / `bulk`.
    OpenRead {
        cursor: Cursor,
        tree: TreeId,
        columns: u16,
        seek_equal: bool,
    },
    OpenWrite {
        cursor: Cursor,
        tree: TreeId,
        columns: u16,
        for_delete: bool,
    },
    /// Root page number is in a register (CREATE INDEX, tables just created).
    OpenWriteReg {
        cursor: Cursor,
        db: Db,
        root: Reg,
        key: KeyInfoId,
        columns: u16,
    },
    ReopenIdx {
        cursor: Cursor,
        tree: TreeId,
        columns: u16,
        seek_equal: bool,
    },
    /// A second cursor on the same ephemeral table.
    OpenDup {
        cursor: Cursor,
        original: Cursor,
    },
    /// A private table (no key info: by rowid) or index. `unordered` allows a hash set behind it.
    OpenEphemeral {
        cursor: Cursor,
        columns: u16,
        key: KeyInfoId,
        unordered: bool,
    },
    OpenAutoindex {
        cursor: Cursor,
        columns: u16,
        key: KeyInfoId,
    },
    SorterOpen {
        cursor: Cursor,
        columns: u16,
        key: KeyInfoId,
        limit: Reg,
    },
    /// A cursor with one row, the record in `content`.
    OpenPseudo {
        cursor: Cursor,
        content: Reg,
        columns: u16,
    },
    Close {
        cursor: Cursor,
    },
    /// `out` = column of the cursor's row. `default` (0 = NULL) when the record is too short. `hint`: 0 none, 1 length only (OPFLAG_LENGTHARG), 2 typeof only (OPFLAG_TYPEOFARG).
    Column {
        cursor: Cursor,
        column: u16,
        out: Reg,
        default: ConstId,
        hint: u8,
    },
    Rowid {
        cursor: Cursor,
        out: Reg,
    },
    /// Whole record of the row.
    RowData {
        cursor: Cursor,
        out: Reg,
    },
    /// Offset of the row's payload in the file (sqlite_offset).
    Offset {
        cursor: Cursor,
        column: u16,
        out: Reg,
    },
    NullRow {
        cursor: Cursor,
    },
    /// Jumps when the cursor is on a null row, setting `out` (if any) to NULL.
    IfNullRow {
        cursor: Cursor,
        to: Addr,
        out: Reg,
    },
    /// Jumps when the cursor has not been opened or sits nowhere (used with LEFT JOIN + automatic indexes).
    IfNotOpen {
        cursor: Cursor,
        to: Addr,
    },
    IfEmpty {
        cursor: Cursor,
        to: Addr,
    },
    Rewind {
        cursor: Cursor,
        empty: Addr,
    },
    Last {
        cursor: Cursor,
        empty: Addr,
    },
    /// Estimates whether the table is small (size bound LogEst) and jumps if the row count is in the range.
    IfSizeBetween {
        cursor: Cursor,
        to: Addr,
        low: i16,
        high: i16,
    },
    /// `counter`: the statement counter that this step adds to (SQLite's P5): 0 none, 1 full-scan step, 3 automatic index.
    Next {
        cursor: Cursor,
        to: Addr,
        counter: u8,
    },
    Prev {
        cursor: Cursor,
        to: Addr,
        counter: u8,
    },
    /// Seeks by `count` key registers (a rowid table: 1, converted). Jumps to `miss` when nothing fits.
    SeekGE {
        cursor: Cursor,
        key: Reg,
        count: u16,
        miss: Addr,
        equal_only: bool,
    },
    SeekGT {
        cursor: Cursor,
        key: Reg,
        count: u16,
        miss: Addr,
    },
    SeekLE {
        cursor: Cursor,
        key: Reg,
        count: u16,
        miss: Addr,
        equal_only: bool,
    },
    SeekLT {
        cursor: Cursor,
        key: Reg,
        count: u16,
        miss: Addr,
    },
    /// Jumps to `miss` unless a row with this rowid exists. `SeekRowid` converts the register first and jumps when it cannot be an integer.
    SeekRowid {
        cursor: Cursor,
        key: Reg,
        miss: Addr,
    },
    /// The register is an integer.
    NotExists {
        cursor: Cursor,
        key: Reg,
        miss: Addr,
    },
    /// Stands before a SeekGE and tries at most `steps` nexts in its place: found, it jumps to `to`, past the SeekGE; beyond the key, to
    /// the SeekGE's `miss`, or with `range` (SQLite's P5) to `to` as well.
    SeekScan {
        cursor: Cursor,
        steps: u32,
        to: Addr,
        range: bool,
    },
    SeekHit {
        cursor: Cursor,
        low: u16,
        high: u16,
    },
    IfNoHope {
        cursor: Cursor,
        to: Addr,
        key: Reg,
        count: u16,
    },
    /// Puts off the seek of table cursor `table` until a column is really read: `index`'s rowid is the target. `columns`: which index columns answer table columns (pool).
    DeferredSeek {
        index: Cursor,
        table: Cursor,
        columns: IntsId,
    },
    FinishSeek {
        cursor: Cursor,
    },
    /// Rowid at the end of an index entry.
    IdxRowid {
        cursor: Cursor,
        out: Reg,
    },
    /// Compares the first `count` columns of the entry with the key registers; jumps when entry >= (>, <=, <) key.
    IdxGE {
        cursor: Cursor,
        key: Reg,
        count: u16,
        to: Addr,
    },
    IdxGT {
        cursor: Cursor,
        key: Reg,
        count: u16,
        to: Addr,
    },
    IdxLE {
        cursor: Cursor,
        key: Reg,
        count: u16,
        to: Addr,
    },
    IdxLT {
        cursor: Cursor,
        key: Reg,
        count: u16,
        to: Addr,
    },
    /// Index membership; `count` 0: `key` holds a record. Found: jump if there; NotFound: if not; NoConflict: also when a key column is NULL.
    Found {
        cursor: Cursor,
        key: Reg,
        count: u16,
        to: Addr,
    },
    NotFound {
        cursor: Cursor,
        key: Reg,
        count: u16,
        to: Addr,
    },
    NoConflict {
        cursor: Cursor,
        key: Reg,
        count: u16,
        to: Addr,
    },
    /// A rowid that no row has; `previous` (0 = none): AUTOINCREMENT's largest so far, updated.
    NewRowid {
        cursor: Cursor,
        out: Reg,
        previous: Reg,
    },
    /// Writes a row: `record` under the integer in `rowid`. `table` (0 = none) names it for hooks.
    Insert {
        cursor: Cursor,
        record: Reg,
        rowid: Reg,
        table: TableId,
        flags: WriteFlags,
    },
    /// Moves the row under `from` (same record format) to `cursor` (INSERT … SELECT transfer).
    RowCell {
        cursor: Cursor,
        from: Cursor,
        rowid: Reg,
    },
    Delete {
        cursor: Cursor,
        table: TableId,
        flags: WriteFlags,
    },
    ResetCount,
    /// Inserts an index key; `first`/`count` are the unpacked key, when known, so that it need not be decoded.
    IdxInsert {
        cursor: Cursor,
        record: Reg,
        first: Reg,
        count: u16,
        flags: WriteFlags,
    },
    /// Deletes the entry equal to the key; `raise`: SQLITE_CORRUPT_INDEX when it is not there.
    IdxDelete {
        cursor: Cursor,
        key: Reg,
        count: u16,
        raise: bool,
    },
    SorterInsert {
        cursor: Cursor,
        record: Reg,
        first: Reg,
        count: u16,
    },
    SorterSort {
        cursor: Cursor,
        empty: Addr,
    },
    /// Sort (of an ephemeral index): counts a sort, then as Rewind.
    Sort {
        cursor: Cursor,
        empty: Addr,
    },
    SorterNext {
        cursor: Cursor,
        to: Addr,
    },
    /// The sorted record into `out`; `pseudo` is the pseudo cursor on it, whose row cache ends.
    SorterData {
        cursor: Cursor,
        out: Reg,
        pseudo: Cursor,
    },
    /// Jumps unless the first `count` columns of the sorter's row equal those of `record`.
    SorterCompare {
        cursor: Cursor,
        record: Reg,
        count: u16,
        to: Addr,
    },
    ResetSorter {
        cursor: Cursor,
    },
    /// `out` = next value of a sequence belonging to the cursor.
    Sequence {
        cursor: Cursor,
        out: Reg,
    },
    SequenceTest {
        cursor: Cursor,
        to: Addr,
    },
    CreateBtree {
        db: Db,
        out: Reg,
        table: bool,
    },
    Clear {
        tree: TreeId,
        count: Reg,
        count_change: bool,
    },
    /// Frees a tree; `moved` gets the old number of the root that took its place (0: none). `root` is in a register when `root_reg` is not 0.
    Destroy {
        db: Db,
        tree: TreeId,
        moved: Reg,
    },
    /// Sets an ephemeral cursor's content aside for reuse/clears it.
    ClearEphemeral {
        cursor: Cursor,
    },
    /// Insert a rowid in a rowset register; read the smallest; test membership.
    RowSetAdd {
        set: Reg,
        value: Reg,
    },
    RowSetRead {
        set: Reg,
        empty: Addr,
        out: Reg,
    },
    RowSetTest {
        set: Reg,
        found: Addr,
        value: Reg,
        batch: i32,
    },
    /// Bloom filters of joins.
    FilterAdd {
        filter: Reg,
        first: Reg,
        count: u32,
    },
    Filter {
        filter: Reg,
        first: Reg,
        count: u32,
        to: Addr,
    },
    Blob0 {
        size: u32,
        out: Reg,
    },

    // ---- aggregates -----------------------------------------------------------------------------------------------
    /// Adds a row to the accumulator in `acc`. `inverse` takes it away (window frames).
    AggStep {
        function: FunctionId,
        first: Reg,
        count: u16,
        acc: Reg,
        inverse: bool,
    },
    AggFinal {
        function: FunctionId,
        acc: Reg,
        count: u16,
    },
    /// The present value without ending the aggregation.
    AggValue {
        function: FunctionId,
        acc: Reg,
        out: Reg,
        count: u16,
    },
    /// Hash aggregation. Opens a table of groups: `keys` columns by `key`; each group has `accs` accumulators and keeps `saved` registers of its first row.
    HashAggOpen {
        cursor: Cursor,
        key: KeyInfoId,
        accs: u16,
        saved: u16,
    },
    /// Finds or makes the group of the key registers; jumps to `existing` unless it is new.
    HashAggFind {
        cursor: Cursor,
        keys: Reg,
        existing: Addr,
    },
    /// Keeps `saved` registers (bare columns) with the present group.
    HashAggSave {
        cursor: Cursor,
        first: Reg,
    },
    /// AggStep on accumulator `acc` of the present group.
    HashAggStep {
        cursor: Cursor,
        acc: u16,
        function: FunctionId,
        first: Reg,
        count: u16,
    },
    /// Puts the groups in key order and goes to the first; jumps when there are none.
    HashAggSort {
        cursor: Cursor,
        empty: Addr,
    },
    /// Loads keys into `keys…`, saved registers into `saved…`.
    HashAggRow {
        cursor: Cursor,
        keys: Reg,
        saved: Reg,
    },
    /// Finalises accumulator `acc` into `out`.
    HashAggFinal {
        cursor: Cursor,
        acc: u16,
        function: FunctionId,
        out: Reg,
    },
    HashAggNext {
        cursor: Cursor,
        to: Addr,
    },

    // ---- schema (executed by the host) ----------------------------------------------------------------------------
    /// Re-reads schema rows of a database that satisfy a condition (`filter` 0: all). As SQLite's ParseSchema.
    ParseSchema {
        db: Db,
        filter: ConstId,
    },
    LoadAnalysis {
        db: Db,
    },
    DropTable {
        db: Db,
        name: ConstId,
    },
    DropIndex {
        db: Db,
        name: ConstId,
    },
    DropTrigger {
        db: Db,
        name: ConstId,
    },
    /// Executes SQL text on this connection (used by DDL helpers).
    SqlExec {
        sql: ConstId,
    },
    Attach {
        path: Reg,
        name: Reg,
        key: Reg,
    },
    Detach {
        name: Reg,
    },
    /// Integrity check of the trees whose roots are in the pool; `errors_left` counts down; messages joined by newlines in `out`, NULL when fine. Row counts into registers from `counts`.
    IntegrityCk {
        db: Db,
        roots: IntsId,
        errors_left: Reg,
        out: Reg,
        counts: Reg,
    },
    /// Counters for foreign keys: `deferred` or immediate.
    FkCounter {
        deferred: bool,
        amount: i32,
    },
    FkIfZero {
        deferred: bool,
        to: Addr,
    },
    /// Ends the statement when it has violated immediate foreign keys: rows are about to be returned.
    FkCheck,
    /// AUTOINCREMENT: `memory[reg] = max(memory[reg], value)` in the outermost frame.
    MemMax {
        reg: Reg,
        value: Reg,
    },
    /// Asks the cursor hint machinery; kept for EXPLAIN.
    Explain {
        text: ConstId,
        id: i32,
        parent: i32,
    },
    /// Any pragma whose work is done by the host at run time: `pragma` indexes the host's table, args from `first`.
    HostCall {
        call: u16,
        db: Db,
        first: Reg,
        count: u16,
        out: Reg,
    },

    // ---- virtual tables -------------------------------------------------------------------------------------------
    VBegin {
        vtab: VtabId,
    },
    VCreate {
        db: Db,
        name: Reg,
    },
    VDestroy {
        db: Db,
        name: ConstId,
    },
    VOpen {
        cursor: Cursor,
        vtab: VtabId,
    },
    /// `first` holds idxNum, `first + 1` argc, then the arguments; `idx_str` 0 = none. Jumps when there is no row.
    VFilter {
        cursor: Cursor,
        empty: Addr,
        first: Reg,
        idx_str: ConstId,
    },
    VColumn {
        cursor: Cursor,
        column: u16,
        out: Reg,
        no_change: bool,
    },
    VNext {
        cursor: Cursor,
        to: Addr,
    },
    VRename {
        vtab: VtabId,
        name: Reg,
    },
    VUpdate {
        vtab: VtabId,
        first: Reg,
        count: u32,
        on_conflict: OnConflict,
        set_last_rowid: bool,
    },
    VCheck {
        db: Db,
        table: TableId,
        out: Reg,
        quick: bool,
    },
    /// `out` = all values in the first column of `cursor`, as one list (`sqlite3_vtab_in`). `key` is SQLite's cache register.
    VInitIn {
        cursor: Cursor,
        key: Reg,
        out: Reg,
    },
}

// The machine fetches one per step; three fit two cache lines with room to spare.
const _: () = assert!(size_of::<Op>() <= 24);

impl HaltCode {
    /// SQLite's extended result code.
    pub const fn result_code(self) -> i32 {
        const CONSTRAINT: i32 = 19;
        match self {
            HaltCode::Ok => 0,
            HaltCode::Check => CONSTRAINT | 1 << 8,
            HaltCode::ForeignKey => CONSTRAINT | 3 << 8,
            HaltCode::NotNull => CONSTRAINT | 5 << 8,
            HaltCode::PrimaryKey => CONSTRAINT | 6 << 8,
            HaltCode::Trigger => CONSTRAINT | 7 << 8,
            HaltCode::Unique => CONSTRAINT | 8 << 8,
            HaltCode::RowId => CONSTRAINT | 10 << 8,
            HaltCode::Datatype => CONSTRAINT | 12 << 8,
            HaltCode::Constraint => CONSTRAINT,
            HaltCode::Error => 1,
            HaltCode::Mismatch => 20,
            HaltCode::CorruptIndex => 11 | 3 << 8,
            HaltCode::ReadOnly => 8,
            HaltCode::Auth => 23,
        }
    }
}
