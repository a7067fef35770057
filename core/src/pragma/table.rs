//! The pragmas: names, what they do, their columns.
//!
//! Always true: sorted by name.
//! Spec: "PRAGMA Statements".

/// What a pragma does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A field of the file header, by SQLite's number (15: `data_version`).
    HeaderValue(u8),
    /// A switch of the connection.
    Flag(Flag),
    /// A setting that is asked for and changed when the statement runs.
    Setting(Call, Rows),
    /// `page_count` and `max_page_count`: settings that need a read transaction.
    PageCount(Call),
    AutoVacuum,
    DefaultCacheSize,
    Encoding,
    IncrementalVacuum,
    JournalMode,
    WalCheckpoint,
    CollationList,
    CompileOptions,
    DatabaseList,
    ForeignKeyCheck,
    ForeignKeyList,
    FunctionList,
    IndexInfo {
        extended: bool,
    },
    IndexList,
    IntegrityCheck {
        quick: bool,
    },
    ModuleList,
    Optimize,
    PragmaList,
    TableInfo {
        extended: bool,
    },
    TableList,
}

/// When a setting gives a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    Never,
    /// When it is asked for.
    Query,
    /// When it is asked for, and there is something.
    QueryNotNull,
    /// When it is changed too: what is in force afterwards.
    Always,
}

/// Work of the connection; the number is the operand of `OP_HostCall`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    AnalysisLimit,
    AutoVacuum,
    BusyTimeout,
    CacheSize,
    CacheSpill,
    CaseSensitiveLike,
    DatabaseFile,
    Encoding,
    ForgetSchema,
    HardHeapLimit,
    JournalSizeLimit,
    LockingMode,
    MaxPageCount,
    MmapSize,
    PageCount,
    PageSize,
    SecureDelete,
    ShrinkMemory,
    SoftHeapLimit,
    Synchronous,
    TempStore,
    TempStoreDirectory,
    Threads,
    WalAutocheckpoint,
}

impl Call {
    /// All of them, by number.
    pub(super) const ALL: [Call; 24] = [
        Call::AnalysisLimit,
        Call::AutoVacuum,
        Call::BusyTimeout,
        Call::CacheSize,
        Call::CacheSpill,
        Call::CaseSensitiveLike,
        Call::DatabaseFile,
        Call::Encoding,
        Call::ForgetSchema,
        Call::HardHeapLimit,
        Call::JournalSizeLimit,
        Call::LockingMode,
        Call::MaxPageCount,
        Call::MmapSize,
        Call::PageCount,
        Call::PageSize,
        Call::SecureDelete,
        Call::ShrinkMemory,
        Call::SoftHeapLimit,
        Call::Synchronous,
        Call::TempStore,
        Call::TempStoreDirectory,
        Call::Threads,
        Call::WalAutocheckpoint,
    ];
}

/// A switch of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flag {
    AutomaticIndex,
    CellSizeCheck,
    CheckpointFullFsync,
    CountChanges,
    DeferForeignKeys,
    EmptyResultCallbacks,
    ForeignKeys,
    FullColumnNames,
    FullFsync,
    IgnoreCheckConstraints,
    LegacyAlterTable,
    QueryOnly,
    ReadUncommitted,
    RecursiveTriggers,
    ReverseUnorderedSelects,
    ShortColumnNames,
    TrustedSchema,
    WritableSchema,
}

impl Flag {
    /// All of them, by number.
    pub(super) const ALL: [Flag; 18] = [
        Flag::AutomaticIndex,
        Flag::CellSizeCheck,
        Flag::CheckpointFullFsync,
        Flag::CountChanges,
        Flag::DeferForeignKeys,
        Flag::EmptyResultCallbacks,
        Flag::ForeignKeys,
        Flag::FullColumnNames,
        Flag::FullFsync,
        Flag::IgnoreCheckConstraints,
        Flag::LegacyAlterTable,
        Flag::QueryOnly,
        Flag::ReadUncommitted,
        Flag::RecursiveTriggers,
        Flag::ReverseUnorderedSelects,
        Flag::ShortColumnNames,
        Flag::TrustedSchema,
        Flag::WritableSchema,
    ];
}

/// The schema is read before the pragma is compiled.
pub(super) const NEEDS_SCHEMA: u8 = 1;
/// It has no columns.
pub(super) const NO_COLUMNS: u8 = 2;
/// It has none when a value is given.
pub(super) const NO_COLUMNS_WITH_VALUE: u8 = 4;
/// A value means nothing.
pub(super) const READ_ONLY: u8 = 8;
/// As a table-valued function: may be called without an argument, with one.
pub(super) const RESULT_WITHOUT_VALUE: u8 = 16;
pub(super) const RESULT_WITH_VALUE: u8 = 32;
/// As a table-valued function: takes the name of a database.
pub(super) const SCHEMA_OPTIONAL: u8 = 64;
pub(super) const SCHEMA_REQUIRED: u8 = 128;

/// A pragma.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pragma {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    flags: u8,
    /// Names of its columns; none where there is one with the pragma's name.
    columns: &'static [&'static str],
}

impl Pragma {
    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The names of its columns.
    pub(super) fn columns(&self) -> &[&'static str] {
        if self.columns.is_empty() { std::slice::from_ref(&self.name) } else { self.columns }
    }
}

const fn pragma(name: &'static str, kind: Kind, flags: u8, columns: &'static [&'static str]) -> Pragma {
    Pragma { name, kind, flags, columns }
}

/// Finds a pragma by name.
pub(super) fn find(name: &[u8]) -> Option<&'static Pragma> {
    let name = name.to_ascii_lowercase();
    PRAGMAS.binary_search_by(|pragma| pragma.name.as_bytes().cmp(&name)).ok().map(|at| &PRAGMAS[at])
}

/// All pragmas.
pub(super) static PRAGMAS: &[Pragma] = &[
    pragma("analysis_limit", Kind::Setting(Call::AnalysisLimit, Rows::Always), RESULT_WITHOUT_VALUE, &[]),
    pragma("application_id", Kind::HeaderValue(8), NO_COLUMNS_WITH_VALUE | RESULT_WITHOUT_VALUE, &[]),
    pragma(
        "auto_vacuum",
        Kind::AutoVacuum,
        NEEDS_SCHEMA | RESULT_WITHOUT_VALUE | SCHEMA_REQUIRED | NO_COLUMNS_WITH_VALUE,
        &[],
    ),
    pragma(
        "automatic_index",
        Kind::Flag(Flag::AutomaticIndex),
        RESULT_WITHOUT_VALUE | NO_COLUMNS_WITH_VALUE,
        &[],
    ),
    pragma(
        "busy_timeout",
        Kind::Setting(Call::BusyTimeout, Rows::Always),
        RESULT_WITHOUT_VALUE,
        &["timeout"],
    ),
    pragma(
        "cache_size",
        Kind::Setting(Call::CacheSize, Rows::Query),
        NEEDS_SCHEMA | RESULT_WITHOUT_VALUE | SCHEMA_REQUIRED | NO_COLUMNS_WITH_VALUE,
        &[],
    ),
    pragma(
        "cache_spill",
        Kind::Setting(Call::CacheSpill, Rows::Query),
        RESULT_WITHOUT_VALUE | SCHEMA_REQUIRED | NO_COLUMNS_WITH_VALUE,
        &[],
    ),
    pragma("case_sensitive_like", Kind::Setting(Call::CaseSensitiveLike, Rows::Never), NO_COLUMNS, &[]),
    pragma(
        "cell_size_check",
        Kind::Flag(Flag::CellSizeCheck),
        RESULT_WITHOUT_VALUE | NO_COLUMNS_WITH_VALUE,
        &[],
    ),
    pragma(
        "checkpoint_fullfsync",
        Kind::Flag(Flag::CheckpointFullFsync),
        RESULT_WITHOUT_VALUE | NO_COLUMNS_WITH_VALUE,
        &[],
    ),
    pragma("collation_list", Kind::CollationList, RESULT_WITHOUT_VALUE, &["seq", "name"]),
    pragma("compile_options", Kind::CompileOptions, RESULT_WITHOUT_VALUE, &[]),
    pragma(
        "count_changes",
        Kind::Flag(Flag::CountChanges),
        RESULT_WITHOUT_VALUE | NO_COLUMNS_WITH_VALUE,
        &[],
    ),
    pragma("data_version", Kind::HeaderValue(15), READ_ONLY | RESULT_WITHOUT_VALUE, &[]),
    pragma("database_list", Kind::DatabaseList, RESULT_WITHOUT_VALUE, &["seq", "name", "file"]),
    pragma(
        "default_cache_size",
        Kind::DefaultCacheSize,
        NEEDS_SCHEMA | RESULT_WITHOUT_VALUE | SCHEMA_REQUIRED | NO_COLUMNS_WITH_VALUE,
        &["cache_size"],
    ),
    pragma(
        "defer_foreign_keys",
        Kind::Flag(Flag::DeferForeignKeys),
        RESULT_WITHOUT_VALUE | NO_COLUMNS_WITH_VALUE,
        &[],
    ),
    pragma(
        "empty_result_callbacks",
        Kind::Flag(Flag::EmptyResultCallbacks),
        RESULT_WITHOUT_VALUE | NO_COLUMNS_WITH_VALUE,
        &[],
    ),
    pragma("encoding", Kind::Encoding, RESULT_WITHOUT_VALUE | NO_COLUMNS_WITH_VALUE, &[]),
    pragma(
        "foreign_key_check",
        Kind::ForeignKeyCheck,
        NEEDS_SCHEMA | RESULT_WITHOUT_VALUE | RESULT_WITH_VALUE | SCHEMA_OPTIONAL,
        &["table", "rowid", "parent", "fkid"],
    ),
    pragma(
        "foreign_key_list",
        Kind::ForeignKeyList,
        NEEDS_SCHEMA | RESULT_WITH_VALUE | SCHEMA_OPTIONAL,
        &["id", "seq", "table", "from", "to", "on_update", "on_delete", "match"],
    ),
    pragma("foreign_keys", Kind::Flag(Flag::ForeignKeys), RESULT_WITHOUT_VALUE | NO_COLUMNS_WITH_VALUE, &[]),
    pragma("freelist_count", Kind::HeaderValue(0), READ_ONLY | RESULT_WITHOUT_VALUE, &[]),
    pragma(
        "full_column_names",
        Kind::Flag(Flag::FullColumnNames),
        RESULT_WITHOUT_VALUE | NO_COLUMNS_WITH_VALUE,
        &[],
    ),
    pragma("fullfsync", Kind::Flag(Flag::FullFsync), RESULT_WITHOUT_VALUE | NO_COLUMNS_WITH_VALUE, &[]),
    pragma(
        "function_list",
        Kind::FunctionList,
        RESULT_WITHOUT_VALUE,
        &["name", "builtin", "type", "enc", "narg", "flags"],
    ),
    pragma("hard_heap_limit", Kind::Setting(Call::HardHeapLimit, Rows::Always), RESULT_WITHOUT_VALUE, &[]),
    pragma(
        "ignore_check_constraints",
        Kind::Flag(Flag::IgnoreCheckConstraints),
        RESULT_WITHOUT_VALUE | NO_COLUMNS_WITH_VALUE,
        &[],
    ),
    pragma("incremental_vacuum", Kind::IncrementalVacuum, NEEDS_SCHEMA | NO_COLUMNS, &[]),
    pragma(
        "index_info",
        Kind::IndexInfo { extended: false },
        NEEDS_SCHEMA | RESULT_WITH_VALUE | SCHEMA_OPTIONAL,
        &["seqno", "cid", "name"],
    ),
    pragma(
        "index_list",
        Kind::IndexList,
        NEEDS_SCHEMA | RESULT_WITH_VALUE | SCHEMA_OPTIONAL,
        &["seq", "name", "unique", "origin", "partial"],
    ),
    pragma(
        "index_xinfo",
        Kind::IndexInfo { extended: true },
        NEEDS_SCHEMA | RESULT_WITH_VALUE | SCHEMA_OPTIONAL,
        &["seqno", "cid", "name", "desc", "coll", "key"],
    ),
    pragma(
        "integrity_check",
        Kind::IntegrityCheck { quick: false },
        NEEDS_SCHEMA | RESULT_WITHOUT_VALUE | RESULT_WITH_VALUE | SCHEMA_OPTIONAL,
        &[],
    ),
    pragma("journal_mode", Kind::JournalMode, NEEDS_SCHEMA | RESULT_WITHOUT_VALUE | SCHEMA_REQUIRED, &[]),
    pragma(
        "journal_size_limit",
        Kind::Setting(Call::JournalSizeLimit, Rows::Always),
        RESULT_WITHOUT_VALUE | SCHEMA_REQUIRED,
        &[],
    ),
    pragma(
        "legacy_alter_table",
        Kind::Flag(Flag::LegacyAlterTable),
        RESULT_WITHOUT_VALUE | NO_COLUMNS_WITH_VALUE,
        &[],
    ),
    pragma(
        "locking_mode",
        Kind::Setting(Call::LockingMode, Rows::Always),
        RESULT_WITHOUT_VALUE | SCHEMA_REQUIRED,
        &[],
    ),
    pragma(
        "max_page_count",
        Kind::PageCount(Call::MaxPageCount),
        NEEDS_SCHEMA | RESULT_WITHOUT_VALUE | SCHEMA_REQUIRED,
        &[],
    ),
    pragma("mmap_size", Kind::Setting(Call::MmapSize, Rows::Always), 0, &[]),
    pragma("module_list", Kind::ModuleList, RESULT_WITHOUT_VALUE, &["name"]),
    pragma("optimize", Kind::Optimize, RESULT_WITH_VALUE | NEEDS_SCHEMA, &[]),
    pragma(
        "page_count",
        Kind::PageCount(Call::PageCount),
        NEEDS_SCHEMA | RESULT_WITHOUT_VALUE | SCHEMA_REQUIRED,
        &[],
    ),
    pragma(
        "page_size",
        Kind::Setting(Call::PageSize, Rows::Query),
        RESULT_WITHOUT_VALUE | SCHEMA_REQUIRED | NO_COLUMNS_WITH_VALUE,
        &[],
    ),
    pragma("pragma_list", Kind::PragmaList, RESULT_WITHOUT_VALUE, &["name"]),
    pragma("query_only", Kind::Flag(Flag::QueryOnly), RESULT_WITHOUT_VALUE | NO_COLUMNS_WITH_VALUE, &[]),
    pragma(
        "quick_check",
        Kind::IntegrityCheck { quick: true },
        NEEDS_SCHEMA | RESULT_WITHOUT_VALUE | RESULT_WITH_VALUE | SCHEMA_OPTIONAL,
        &[],
    ),
    pragma(
        "read_uncommitted",
        Kind::Flag(Flag::ReadUncommitted),
        RESULT_WITHOUT_VALUE | NO_COLUMNS_WITH_VALUE,
        &[],
    ),
    pragma(
        "recursive_triggers",
        Kind::Flag(Flag::RecursiveTriggers),
        RESULT_WITHOUT_VALUE | NO_COLUMNS_WITH_VALUE,
        &[],
    ),
    pragma(
        "reverse_unordered_selects",
        Kind::Flag(Flag::ReverseUnorderedSelects),
        RESULT_WITHOUT_VALUE | NO_COLUMNS_WITH_VALUE,
        &[],
    ),
    pragma("schema_version", Kind::HeaderValue(1), NO_COLUMNS_WITH_VALUE | RESULT_WITHOUT_VALUE, &[]),
    pragma("secure_delete", Kind::Setting(Call::SecureDelete, Rows::Always), RESULT_WITHOUT_VALUE, &[]),
    pragma(
        "short_column_names",
        Kind::Flag(Flag::ShortColumnNames),
        RESULT_WITHOUT_VALUE | NO_COLUMNS_WITH_VALUE,
        &[],
    ),
    pragma("shrink_memory", Kind::Setting(Call::ShrinkMemory, Rows::Never), NO_COLUMNS, &[]),
    pragma("soft_heap_limit", Kind::Setting(Call::SoftHeapLimit, Rows::Always), RESULT_WITHOUT_VALUE, &[]),
    pragma(
        "synchronous",
        Kind::Setting(Call::Synchronous, Rows::Query),
        NEEDS_SCHEMA | RESULT_WITHOUT_VALUE | SCHEMA_REQUIRED | NO_COLUMNS_WITH_VALUE,
        &[],
    ),
    pragma(
        "table_info",
        Kind::TableInfo { extended: false },
        NEEDS_SCHEMA | RESULT_WITH_VALUE | SCHEMA_OPTIONAL,
        &["cid", "name", "type", "notnull", "dflt_value", "pk"],
    ),
    pragma(
        "table_list",
        Kind::TableList,
        NEEDS_SCHEMA | RESULT_WITH_VALUE,
        &["schema", "name", "type", "ncol", "wr", "strict"],
    ),
    pragma(
        "table_xinfo",
        Kind::TableInfo { extended: true },
        NEEDS_SCHEMA | RESULT_WITH_VALUE | SCHEMA_OPTIONAL,
        &["cid", "name", "type", "notnull", "dflt_value", "pk", "hidden"],
    ),
    pragma(
        "temp_store",
        Kind::Setting(Call::TempStore, Rows::Query),
        RESULT_WITHOUT_VALUE | NO_COLUMNS_WITH_VALUE,
        &[],
    ),
    pragma(
        "temp_store_directory",
        Kind::Setting(Call::TempStoreDirectory, Rows::QueryNotNull),
        NO_COLUMNS_WITH_VALUE,
        &[],
    ),
    pragma("threads", Kind::Setting(Call::Threads, Rows::Always), RESULT_WITHOUT_VALUE, &[]),
    pragma(
        "trusted_schema",
        Kind::Flag(Flag::TrustedSchema),
        RESULT_WITHOUT_VALUE | NO_COLUMNS_WITH_VALUE,
        &[],
    ),
    pragma("user_version", Kind::HeaderValue(6), NO_COLUMNS_WITH_VALUE | RESULT_WITHOUT_VALUE, &[]),
    pragma("wal_autocheckpoint", Kind::Setting(Call::WalAutocheckpoint, Rows::Always), 0, &[]),
    pragma("wal_checkpoint", Kind::WalCheckpoint, NEEDS_SCHEMA, &["busy", "log", "checkpointed"]),
    pragma(
        "writable_schema",
        Kind::Flag(Flag::WritableSchema),
        RESULT_WITHOUT_VALUE | NO_COLUMNS_WITH_VALUE,
        &[],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pragmas_are_sorted_and_every_one_is_found() {
        assert!(PRAGMAS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for pragma in PRAGMAS {
            assert_eq!(
                find(pragma.name.to_uppercase().as_bytes()).map(|found| found.name),
                Some(pragma.name)
            );
        }
        assert!(find(b"no_such_pragma").is_none());
    }

    #[test]
    fn calls_and_flags_stand_at_their_numbers() {
        assert!(Call::ALL.iter().enumerate().all(|(at, &call)| call as usize == at));
        assert!(Flag::ALL.iter().enumerate().all(|(at, &flag)| flag as usize == at));
    }
}
