//! Settings of a connection and of its databases: asked for and changed while a statement runs.
//!
//! Some of SQLite's settings mean nothing here (memory limits, threads, mapped memory, fsync flavours); their values are kept and reported.
//!
//! Never: instructions; a setting's program is one `OP_HostCall`.

use std::borrow::Cow;

use kernite_btree::{AutoVacuum, Encoding, JournalMode, Synchronous};
use kernite_io::ready;
use kernite_vdbe::function::call::{set_text, text_of};
use kernite_vdbe::host::Storage;
use kernite_vdbe::{Db, Error, Register, Step};

use super::table::{Call, Flag};
use super::value;
use crate::compile::lossy;
use crate::connection::{BusyHandler, DEFAULT_CACHE_SIZE, HostState, btree};

/// Settings that nothing else keeps.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Page size and `auto_vacuum` that the next VACUUM brings about.
    pub(crate) next_page_size: Option<u32>,
    pub(crate) next_auto_vacuum: Option<AutoVacuum>,
    /// `locking_mode` of databases to come.
    pub(crate) exclusive_locking: bool,
    cache_spill: bool,
    temp_store: u8,
    temp_store_directory: Vec<u8>,
    soft_heap_limit: i64,
    hard_heap_limit: i64,
    mmap_size: i64,
    threads: i32,
    cell_size_check: bool,
    checkpoint_full_fsync: bool,
    full_fsync: bool,
    empty_result_callbacks: bool,
    read_uncommitted: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            next_page_size: None,
            next_auto_vacuum: None,
            exclusive_locking: false,
            cache_spill: true,
            temp_store: 0,
            temp_store_directory: Vec::new(),
            soft_heap_limit: 0,
            hard_heap_limit: 0,
            mmap_size: 0,
            threads: 0,
            cell_size_check: false,
            checkpoint_full_fsync: false,
            full_fsync: false,
            empty_result_callbacks: false,
            read_uncommitted: false,
        }
    }
}

/// Names of encodings, and what they mean; the first of each is the one reported. UTF-16 without an order is the machine's.
const ENCODINGS: [(&str, Encoding); 8] = [
    ("UTF-8", Encoding::Utf8),
    ("UTF-16le", Encoding::Utf16Le),
    ("UTF-16be", Encoding::Utf16Be),
    ("UTF8", Encoding::Utf8),
    ("UTF16le", Encoding::Utf16Le),
    ("UTF16be", Encoding::Utf16Be),
    ("UTF-16", NATIVE_UTF16),
    ("UTF16", NATIVE_UTF16),
];

const NATIVE_UTF16: Encoding =
    if cfg!(target_endian = "big") { Encoding::Utf16Be } else { Encoding::Utf16Le };

/// Bit of a [`super::run`] call that makes it a flag.
pub(super) const FLAG: u16 = 0x100;

/// A running call.
struct Setting<'s> {
    db: Db,
    /// The value given.
    value: Option<Cow<'s, [u8]>>,
    /// A database was named.
    qualified: bool,
}

/// Runs a call. Arguments: the value or NULL, and whether a database was named.
pub(crate) fn run(
    host: &mut HostState,
    storage: &mut Storage,
    number: u16,
    db: Db,
    arguments: &[Register],
    out: &mut Register,
) -> Step<()> {
    let encoding = host.options.encoding;
    let setting = Setting {
        db,
        value: arguments.first().and_then(|value| text_of(value, encoding)),
        qualified: arguments.get(1).is_some_and(
            |register| matches!(register.value(), kernite_btree::ValueRef::Integer(number) if number != 0),
        ),
    };
    if number & FLAG != 0 {
        let flag = Flag::ALL.get(usize::from(number & !FLAG)).copied();
        let flag = flag.ok_or_else(|| Error::message("no such switch"))?;
        return run_flag(host, flag, setting.value.as_deref(), out);
    }
    let call = Call::ALL.get(usize::from(number)).copied();
    match call.ok_or_else(|| Error::message("no such setting"))? {
        call @ (Call::CacheSize
        | Call::CacheSpill
        | Call::SecureDelete
        | Call::PageSize
        | Call::PageCount
        | Call::MaxPageCount
        | Call::JournalSizeLimit
        | Call::LockingMode
        | Call::AutoVacuum
        | Call::Synchronous) => {
            ready!(host.open_database(storage, db));
            run_of_database(host, storage, call, &setting, out)
        }
        call => run_of_connection(host, storage, call, &setting, out),
    }
}

fn run_of_connection(
    host: &mut HostState,
    storage: &mut Storage,
    call: Call,
    setting: &Setting<'_>,
    out: &mut Register,
) -> Step<()> {
    let value = setting.value.as_deref();
    let set64 = |slot: &mut i64| {
        if let Some(number) = value.and_then(value::int64).filter(|&number| number >= 0) {
            *slot = number;
        }
        *slot
    };
    let settings = &mut host.settings;
    match call {
        Call::AnalysisLimit => {
            if let Some(limit) = value.and_then(value::int32).filter(|&limit| limit >= 0) {
                host.set_options(|options| options.analysis_limit = limit);
            }
            out.set_integer(i64::from(host.options.analysis_limit));
        }
        Call::BusyTimeout => {
            if let Some(timeout) = value.and_then(value::int32) {
                host.busy = BusyHandler::of_timeout(u32::try_from(timeout).unwrap_or(0));
            }
            out.set_integer(match host.busy {
                BusyHandler::Timeout(timeout) => i64::from(timeout),
                _ => 0,
            });
        }
        Call::CaseSensitiveLike => {
            if let Some(value) = value {
                let on = value::boolean(value, false);
                std::sync::Arc::make_mut(&mut host.functions).set_case_sensitive_like(on);
                host.set_options(|options| options.case_sensitive_like = on);
            }
        }
        Call::Encoding => run_encoding(host, value, out)?,
        Call::HardHeapLimit => out.set_integer(set64(&mut settings.hard_heap_limit)),
        Call::SoftHeapLimit => out.set_integer(set64(&mut settings.soft_heap_limit)),
        Call::MmapSize => out.set_integer(set64(&mut settings.mmap_size)),
        Call::Threads => {
            if let Some(threads) = value.and_then(value::int64).filter(|&threads| threads >= 0) {
                settings.threads = i32::try_from(threads).unwrap_or(i32::MAX).min(THREADS_MAX);
            }
            out.set_integer(i64::from(settings.threads));
        }
        Call::TempStore => {
            if let Some(value) = value {
                settings.temp_store = match value {
                    [digit @ b'0'..=b'2', ..] => digit - b'0',
                    word if word.eq_ignore_ascii_case(b"file") => 1,
                    word if word.eq_ignore_ascii_case(b"memory") => 2,
                    _ => 0,
                };
            }
            out.set_integer(i64::from(settings.temp_store));
        }
        Call::TempStoreDirectory => {
            if let Some(value) = value {
                settings.temp_store_directory = value.to_vec();
            } else if settings.temp_store_directory.is_empty() {
                out.set_null();
            } else {
                set_text(out, &settings.temp_store_directory, host.options.encoding);
            }
        }
        Call::WalAutocheckpoint => {
            if let Some(value) = value {
                host.wal_autocheckpoint = u32::try_from(value::int32_or_zero(value)).unwrap_or(0);
            }
            out.set_integer(i64::from(host.wal_autocheckpoint));
        }
        Call::ShrinkMemory => {
            storage.databases.iter_mut().flatten().for_each(kernite_btree::Btree::shrink);
        }
        Call::ForgetSchema => host.unload_schema(setting.db),
        Call::DatabaseFile => match storage.databases.get(usize::from(setting.db.0)) {
            Some(Some(_))
                if host
                    .databases
                    .get(usize::from(setting.db.0))
                    .is_some_and(|database| database.is_in_memory()) =>
            {
                set_text(out, b"", host.options.encoding);
            }
            Some(Some(database)) => set_text(out, database.path(), host.options.encoding),
            _ => out.set_null(),
        },
        other => return Err(Error::message(format!("{other:?} is no setting of a connection"))),
    }
    Ok(Some(()))
}

/// Most worker threads of the target build.
const THREADS_MAX: i32 = 8;

fn run_of_database(
    host: &mut HostState,
    storage: &mut Storage,
    call: Call,
    setting: &Setting<'_>,
    out: &mut Register,
) -> Step<()> {
    let (db, value) = (setting.db, setting.value.as_deref());
    let at = usize::from(db.0);
    match call {
        Call::CacheSize => {
            let state = &mut host.databases[at];
            if let Some(value) = value {
                state.cache_size = value::int32_or_zero(value);
                btree(storage, db)?.set_cache_size(state.cache_size);
            }
            out.set_integer(i64::from(state.cache_size));
        }
        Call::CacheSpill => run_cache_spill(host, storage, setting, out)?,
        Call::SecureDelete => {
            let mode = value.map(|value| match value {
                fast if fast.eq_ignore_ascii_case(b"fast") => 2,
                word => u8::from(value::boolean(word, false)),
            });
            if let Some(mode) = mode {
                for (number, database) in storage.databases.iter_mut().enumerate() {
                    if let Some(database) = database.as_mut().filter(|_| !setting.qualified || number == at) {
                        database.set_secure_delete(mode);
                    }
                }
            }
            out.set_integer(i64::from(btree(storage, db)?.secure_delete()));
        }
        Call::PageSize => {
            if let Some(value) = value {
                let size = u32::try_from(value::int32_or_zero(value)).unwrap_or(0);
                host.settings.next_page_size = Some(size);
                btree(storage, db)?.set_page_size(size, None)?;
            }
            out.set_integer(i64::from(btree(storage, db)?.page_size()));
        }
        Call::PageCount => {
            let count = ready!(btree(storage, db)?.page_count());
            out.set_integer(i64::from(count));
        }
        Call::MaxPageCount => {
            let count = value.and_then(value::int64).map_or(0, |count| count.clamp(0, 0xffff_fffe) as u32);
            out.set_integer(i64::from(btree(storage, db)?.set_max_page_count(count)));
        }
        Call::JournalSizeLimit => {
            let database = btree(storage, db)?;
            if let Some(limit) = value.and_then(value::int64) {
                database.set_journal_size_limit(limit.max(-1));
            }
            out.set_integer(database.journal_size_limit());
        }
        Call::LockingMode => {
            let exclusive = ready!(run_locking_mode(host, storage, setting));
            set_text(out, if exclusive { b"exclusive" } else { b"normal" }, host.options.encoding);
        }
        Call::AutoVacuum => {
            if let Some(value) = value {
                let mode = auto_vacuum(value);
                host.settings.next_auto_vacuum = Some(mode);
                btree(storage, db)?.set_auto_vacuum(mode)?;
                out.set_integer(i64::from(mode != AutoVacuum::None));
            } else {
                let number = match ready!(btree(storage, db)?.auto_vacuum()) {
                    AutoVacuum::None => 0,
                    AutoVacuum::Full => 1,
                    AutoVacuum::Incremental => 2,
                };
                out.set_integer(number);
            }
        }
        _ => run_synchronous(host, storage, setting, out)?,
    }
    Ok(Some(()))
}

pub(super) fn auto_vacuum(value: &[u8]) -> AutoVacuum {
    let is = |word: &str| value.eq_ignore_ascii_case(word.as_bytes());
    if is("full") {
        AutoVacuum::Full
    } else if is("incremental") {
        AutoVacuum::Incremental
    } else {
        match value::int32_or_zero(value) {
            1 => AutoVacuum::Full,
            2 => AutoVacuum::Incremental,
            _ => AutoVacuum::None,
        }
    }
}

/// `cache_spill`: a switch, and how many pages a cache has at least before it spills.
fn run_cache_spill(
    host: &mut HostState,
    storage: &mut Storage,
    setting: &Setting<'_>,
    out: &mut Register,
) -> Result<(), Error> {
    let at = usize::from(setting.db.0);
    if let Some(value) = setting.value.as_deref() {
        let size = value::int32(value);
        if let Some(size) = size.filter(|&size| size != 0) {
            // Negative numbers are kilobytes, as in cache_size.
            let page_bytes = i64::from(btree(storage, setting.db)?.page_size());
            host.databases[at].spill_pages = pages_of(size, page_bytes);
        }
        host.settings.cache_spill = value::boolean(value, size != Some(0));
        for (number, database) in storage.databases.iter_mut().enumerate() {
            if let (Some(database), Some(state)) = (database, host.databases.get(number)) {
                let on = host.settings.cache_spill;
                database.set_spill(if on { state.spill_pages.max(1) } else { 0 });
            }
        }
    }
    let state = &host.databases[at];
    let page_bytes = i64::from(btree(storage, setting.db)?.page_size());
    let pages = state.spill_pages.max(pages_of(state.cache_size, page_bytes));
    out.set_integer(if host.settings.cache_spill { i64::from(pages) } else { 0 });
    Ok(())
}

/// Pages of a cache of so many pages, or so many kilobytes where the number is negative. Each page needs some bytes beside its content.
fn pages_of(size: i32, page_bytes: i64) -> u32 {
    const EXTRA_BYTES: i64 = 136;
    let pages =
        if size >= 0 { i64::from(size) } else { -1024 * i64::from(size) / (page_bytes + EXTRA_BYTES) };
    u32::try_from(pages).unwrap_or(u32::MAX)
}

/// `locking_mode`: of one database; without its name of all, temp left out, and of those to come. Temporary databases are always exclusive.
fn run_locking_mode(host: &mut HostState, storage: &mut Storage, setting: &Setting<'_>) -> Step<bool> {
    let wanted = match setting.value.as_deref() {
        Some(word) if word.eq_ignore_ascii_case(b"exclusive") => Some(true),
        Some(word) if word.eq_ignore_ascii_case(b"normal") => Some(false),
        _ => None,
    };
    let Some(wanted) = wanted else {
        if !setting.qualified {
            return Ok(Some(host.settings.exclusive_locking));
        }
        let database = btree(storage, setting.db)?;
        return Ok(Some(database.path().is_empty() || database.exclusive_locking()));
    };
    if !setting.qualified {
        for database in storage.databases.iter_mut().skip(2).flatten() {
            ready!(database.set_exclusive_locking(wanted));
        }
        host.settings.exclusive_locking = wanted;
    }
    let database = btree(storage, setting.db)?;
    if database.path().is_empty() {
        return Ok(Some(true));
    }
    let now = ready!(database.set_exclusive_locking(wanted));
    Ok(Some(now))
}

/// `synchronous`: a number from 0 to 7, of which 0 to 3 have names. Temp is never synchronised.
fn run_synchronous(
    host: &mut HostState,
    storage: &mut Storage,
    setting: &Setting<'_>,
    out: &mut Register,
) -> Result<(), Error> {
    let state = &mut host.databases[usize::from(setting.db.0)];
    if let Some(value) = setting.value.as_deref() {
        if !host.vm.autocommit {
            return Err(Error::message("Safety level may not be changed inside a transaction"));
        }
        if setting.db != Db(1) {
            let level = match value {
                [b'0'..=b'9', ..] => value::int32_or_zero(value),
                word if word.eq_ignore_ascii_case(b"normal") => 1,
                word => i32::from(value::level(word, 1)),
            };
            // The number is kept plus one, in three bits; zero is not a level.
            let kept = (level.wrapping_add(1) & 7).max(1);
            state.synchronous = (kept - 1) as u8;
            btree(storage, setting.db)?.set_synchronous(match state.synchronous {
                0 => Synchronous::Off,
                1 => Synchronous::Normal,
                3 => Synchronous::Extra,
                _ => Synchronous::Full,
            });
        }
    }
    out.set_integer(if setting.db == Db(1) { 0 } else { i64::from(state.synchronous) });
    Ok(())
}

/// `encoding`: may be chosen until a schema has a row.
fn run_encoding(host: &mut HostState, value: Option<&[u8]>, out: &mut Register) -> Result<(), Error> {
    let Some(value) = value else {
        let known = ENCODINGS.iter().find(|(_, encoding)| *encoding == host.options.encoding);
        set_text(out, known.map_or("UTF-8", |(name, _)| name).as_bytes(), host.options.encoding);
        return Ok(());
    };
    if host.encoding_fixed {
        return Ok(());
    }
    let Some((_, encoding)) = ENCODINGS.iter().find(|(name, _)| value.eq_ignore_ascii_case(name.as_bytes()))
    else {
        return Err(Error::message(format!("unsupported encoding: {}", lossy(value))));
    };
    host.set_encoding(*encoding);
    Ok(())
}

fn run_flag(host: &mut HostState, flag: Flag, value: Option<&[u8]>, out: &mut Register) -> Step<()> {
    let Some(value) = value else {
        out.set_integer(i64::from(flag_of(host, flag)));
        return Ok(Some(()));
    };
    let on = value::boolean(value, false);
    // Foreign keys are not switched in the middle of a transaction.
    let is_blocked = flag == Flag::ForeignKeys && !host.vm.autocommit
        || flag == Flag::WritableSchema && on && host.options.defensive;
    if !is_blocked {
        set_flag(host, flag, on);
    }
    if flag == Flag::WritableSchema && value.eq_ignore_ascii_case(b"reset") {
        for db in 0..host.catalog.databases.len() {
            if let Ok(db) = u8::try_from(db) {
                host.unload_schema(Db(db));
            }
        }
    }
    Ok(Some(()))
}

fn flag_of(host: &HostState, flag: Flag) -> bool {
    let (options, settings) = (&host.options, &host.settings);
    match flag {
        Flag::AutomaticIndex => options.automatic_index,
        Flag::CellSizeCheck => settings.cell_size_check,
        Flag::CheckpointFullFsync => settings.checkpoint_full_fsync,
        Flag::CountChanges => options.count_changes,
        Flag::DeferForeignKeys => host.vm.defer_foreign_keys,
        Flag::EmptyResultCallbacks => settings.empty_result_callbacks,
        Flag::ForeignKeys => options.foreign_keys,
        Flag::FullColumnNames => options.full_column_names,
        Flag::FullFsync => settings.full_fsync,
        Flag::IgnoreCheckConstraints => options.ignore_check_constraints,
        Flag::LegacyAlterTable => options.legacy_alter_table,
        Flag::QueryOnly => host.vm.query_only,
        Flag::ReadUncommitted => settings.read_uncommitted,
        Flag::RecursiveTriggers => options.recursive_triggers,
        Flag::ReverseUnorderedSelects => options.reverse_unordered_selects,
        Flag::ShortColumnNames => options.short_column_names,
        Flag::TrustedSchema => options.trusted_schema,
        Flag::WritableSchema => options.writable_schema,
    }
}

/// Sets a switch. Statements compiled before are compiled again.
fn set_flag(host: &mut HostState, flag: Flag, on: bool) {
    let settings = &mut host.settings;
    match flag {
        Flag::CellSizeCheck => settings.cell_size_check = on,
        Flag::CheckpointFullFsync => settings.checkpoint_full_fsync = on,
        Flag::EmptyResultCallbacks => settings.empty_result_callbacks = on,
        Flag::FullFsync => settings.full_fsync = on,
        Flag::ReadUncommitted => settings.read_uncommitted = on,
        Flag::QueryOnly => host.vm.query_only = on,
        Flag::DeferForeignKeys => {
            host.vm.defer_foreign_keys = on;
            if !on {
                host.vm.deferred_immediate = 0;
            }
        }
        Flag::RecursiveTriggers => host.vm.recursive_triggers = on,
        _ => {}
    }
    host.set_options(|options| match flag {
        Flag::AutomaticIndex => options.automatic_index = on,
        Flag::CountChanges => options.count_changes = on,
        Flag::DeferForeignKeys => options.defer_foreign_keys = on,
        Flag::ForeignKeys => options.foreign_keys = on,
        Flag::FullColumnNames => options.full_column_names = on,
        Flag::IgnoreCheckConstraints => options.ignore_check_constraints = on,
        Flag::LegacyAlterTable => options.legacy_alter_table = on,
        Flag::RecursiveTriggers => options.recursive_triggers = on,
        Flag::ReverseUnorderedSelects => options.reverse_unordered_selects = on,
        Flag::ShortColumnNames => options.short_column_names = on,
        Flag::TrustedSchema => options.trusted_schema = on,
        Flag::WritableSchema => options.writable_schema = on,
        _ => {}
    });
}

/// The journal modes by SQLite's numbers.
pub(super) const JOURNAL_MODES: [(&str, JournalMode); 6] = [
    ("delete", JournalMode::Delete),
    ("persist", JournalMode::Persist),
    ("off", JournalMode::Off),
    ("truncate", JournalMode::Truncate),
    ("memory", JournalMode::Memory),
    ("wal", JournalMode::Wal),
];

/// `OP_JournalMode`: sets the mode with this number, where it is one and can be had; `out` gets the name of the mode in force.
///
/// # Errors
/// `cannot change into wal mode from within a transaction`; a lock in the way.
pub(crate) fn journal_mode(
    host: &mut HostState,
    storage: &mut Storage,
    mode: u8,
    db: Db,
    out: &mut Register,
) -> Step<()> {
    ready!(host.open_database(storage, db));
    let state = host.databases.get(usize::from(db.0));
    let in_memory = state.is_some_and(|state| state.is_in_memory());
    let database = btree(storage, db)?;
    if state.is_some_and(|state| state.seat.is_some()) {
        // Others use it too, and it has the mode that suits them.
        set_text(out, b"memory", host.options.encoding);
        return Ok(Some(()));
    }
    let old = database.journal_mode();
    let mut new = JOURNAL_MODES.get(usize::from(mode)).map_or(old, |&(_, mode)| mode);
    if new == JournalMode::Wal && (in_memory || database.path().is_empty()) {
        new = old;
    }
    if new != old {
        let (into, out_of) = (new == JournalMode::Wal, old == JournalMode::Wal);
        if (into || out_of) && (!host.vm.autocommit || host.vm.readers > 1) {
            let direction = if into { "into" } else { "out of" };
            return Err(Error::message(format!(
                "cannot change {direction} wal mode from within a transaction"
            )));
        }
        new = ready!(database.set_journal_mode(new));
    } else if usize::from(mode) < JOURNAL_MODES.len() {
        // Asked for by name: a file that is yet to be made gets this mode, not the one that new files begin with.
        new = ready!(database.set_journal_mode(new));
    }
    let name = JOURNAL_MODES.iter().find(|(_, mode)| *mode == new).map_or("delete", |(name, _)| name);
    set_text(out, name.as_bytes(), host.options.encoding);
    Ok(Some(()))
}

impl HostState {
    /// Takes up the cache size that a file asks for, where none was set.
    pub(crate) fn note_default_cache_size(
        &mut self,
        storage: &mut Storage,
        db: Db,
        stored: i32,
    ) -> Result<(), Error> {
        let state = &mut self.databases[usize::from(db.0)];
        if state.cache_size == 0 {
            state.cache_size = match stored.unsigned_abs() {
                0 => DEFAULT_CACHE_SIZE,
                pages => i32::try_from(pages).unwrap_or(i32::MAX),
            };
            btree(storage, db)?.set_cache_size(state.cache_size);
        }
        Ok(())
    }
}
