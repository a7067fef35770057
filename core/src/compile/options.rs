//! The switches and limits of a connection that change what is compiled.

use kernite_btree::Encoding;

/// Switches of a connection that change what is compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileOptions {
    pub encoding: Encoding,
    pub foreign_keys: bool,
    /// All foreign keys wait for the end of the transaction (`PRAGMA defer_foreign_keys`).
    pub defer_foreign_keys: bool,
    pub recursive_triggers: bool,
    pub reverse_unordered_selects: bool,
    pub short_column_names: bool,
    pub full_column_names: bool,
    pub automatic_index: bool,
    pub ignore_check_constraints: bool,
    pub writable_schema: bool,
    pub legacy_alter_table: bool,
    /// `legacy_file_format`: new databases get schema format 1.
    pub legacy_file_format: bool,
    pub count_changes: bool,
    pub trusted_schema: bool,
    pub case_sensitive_like: bool,
    /// Views and triggers may be used (`SQLITE_DBCONFIG_ENABLE_VIEW`, `_TRIGGER`); those of the temp database always may.
    pub enable_views: bool,
    pub enable_triggers: bool,
    /// `SQLITE_DBCONFIG_DEFENSIVE`: shadow tables and `sqlite_schema` cannot be written.
    pub defensive: bool,
    /// Double-quoted strings allowed in DML and DDL (`SQLITE_DBCONFIG_DQS_*`).
    pub double_quoted_dml: bool,
    pub double_quoted_ddl: bool,
    /// A schema is being read: names are not looked at too closely, so that old schemas stay readable (`db->init.busy`).
    pub loading_schema: bool,
    /// The temp database is in use.
    pub temp_open: bool,
    /// `analysis_limit`: rows of an index that ANALYZE looks at; 0 = all.
    pub analysis_limit: i32,
    /// `SQLITE_LIMIT_*` by number.
    pub limits: [i32; 15],
    /// Bits of `SQLITE_TESTCTRL_OPTIMIZATIONS`: a set bit switches that optimisation off.
    pub disabled_optimizations: u32,
}

/// The limits that a connection can change, by SQLite's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKind {
    Length = 0,
    SqlLength = 1,
    Column = 2,
    ExprDepth = 3,
    CompoundSelect = 4,
    VdbeOp = 5,
    FunctionArg = 6,
    Attached = 7,
    LikePatternLength = 8,
    VariableNumber = 9,
    TriggerDepth = 10,
    WorkerThreads = 11,
    ParserDepth = 12,
    Schema = 13,
    TriggerSteps = 14,
}

/// What the limits are in a new connection, and (worker threads apart) what they cannot exceed.
pub const LIMIT_DEFAULTS: [i32; 15] = [
    1_000_000_000,
    1_000_000_000,
    2000,
    1000,
    500,
    250_000_000,
    1000,
    10,
    50_000,
    250_000,
    1000,
    0,
    2500,
    10_000_000,
    65_000,
];

/// The least and the most that a limit can be set to.
pub(crate) fn limit_bounds(number: usize) -> (i32, i32) {
    const LENGTH_MIN: i32 = 30;
    const WORKER_THREADS_MAX: i32 = 8;
    let most = LIMIT_DEFAULTS.get(number).copied().unwrap_or(0);
    match number {
        0 => (LENGTH_MIN, most),
        11 => (0, WORKER_THREADS_MAX),
        _ => (0, most),
    }
}

impl CompileOptions {
    /// A limit, as a size.
    pub fn limit(&self, kind: LimitKind) -> usize {
        self.limits.get(kind as usize).and_then(|&limit| usize::try_from(limit).ok()).unwrap_or(0)
    }

    /// Whether the schema tables may be written: the pragma, and not in defensive mode.
    pub fn can_write_schema(&self) -> bool {
        self.writable_schema && !self.defensive
    }
}

impl Default for CompileOptions {
    /// Those of a new connection of the target build.
    fn default() -> CompileOptions {
        CompileOptions {
            encoding: Encoding::Utf8,
            foreign_keys: false,
            defer_foreign_keys: false,
            recursive_triggers: false,
            reverse_unordered_selects: false,
            short_column_names: true,
            full_column_names: false,
            automatic_index: true,
            ignore_check_constraints: false,
            writable_schema: false,
            legacy_alter_table: false,
            legacy_file_format: false,
            count_changes: false,
            trusted_schema: true,
            case_sensitive_like: false,
            enable_views: true,
            enable_triggers: true,
            defensive: false,
            double_quoted_dml: true,
            double_quoted_ddl: true,
            loading_schema: false,
            temp_open: false,
            analysis_limit: 0,
            limits: LIMIT_DEFAULTS,
            disabled_optimizations: 0,
        }
    }
}
