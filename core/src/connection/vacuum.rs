//! VACUUM: the database is written anew, without gaps, and copied back; or, with INTO, it stays where it was written.
//!
//! ```text
//! Open ─> Begin ─> Catalogue ─> Rows ─> [Trees ─> Copy]… ─> Schema ─> Commit ─┬─> CopyBack ─> Prepare ─> Finish ─> End
//!                                                                └─> Close (INTO) ────────────────────> End
//! ```
//!
//! | stage      | what holds when it begins                                                                                |
//! |------------|----------------------------------------------------------------------------------------------------------|
//! | `Begin`    | the new database is open and empty                                                                        |
//! | `Catalogue`| it is being written; the old one is locked against writers                                                |
//! | `Rows`     | the catalogue is that of the file, whatever others did to its schema before the lock                      |
//! | `Copy`     | every tree has its root in the new database                                                               |
//! | `CopyBack` | the new database is complete and committed; the old one is in a write transaction that changed nothing    |
//! | `Finish`   | the old one's new content is durable but for the end of its journal                                       |
//!
//! Trees are copied entry by entry in key order, so that pages fill up one after the other. Objects keep SQLite's order: tables with the
//! indexes of their constraints, created indexes, then what has no tree. Rowids of tables that nothing else refers to by rowid are counted
//! anew, but not with INTO.
//!
//! Before `Finish` an error leaves the old database as it was.
//! Spec: "VACUUM".

use std::cmp::Ordering;
use std::sync::Arc;

use kernite_btree::record::decode::Values;
use kernite_btree::record::encode;
use kernite_btree::{
    AutoVacuum, Btree, CursorId, InsertFlags, JournalMode, KeyColumn, KeyInfo, Meta, OpenOptions, PageNo,
    RowPayload, SeekOutcome, Synchronous, TransactionKind, TreeKind, ValueRef,
};
use kernite_io::ready;
use kernite_vdbe::host::Storage;
use kernite_vdbe::op::Db;
use kernite_vdbe::{Error, Register, Step};

use super::host::HostState;
use super::open::{self, OpenFlags};
use super::schema::{Scan, btree, corrupt, schema_row};
use super::shared_memory::Seat;
use crate::catalog::{Index, IndexOrigin, TableKind};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    Begin,
    Catalogue,
    Rows,
    Trees,
    Copy,
    Schema,
    Commit,
    CommitFinish,
    Close,
    CopyBack,
    Prepare,
    Finish,
    End,
}

/// A VACUUM under way.
pub(crate) struct Vacuum {
    db: Db,
    /// It writes another file instead of this one.
    is_into: bool,
    stage: Stage,
    /// The new database.
    pub(crate) target: Btree,
    /// Its place, where it is in memory and shared by name.
    _seat: Option<Seat>,
    scan: Option<Scan>,
    rows: Vec<Row>,
    /// The next row, tree or field of a stage.
    at: usize,
    /// The trees to be copied, as places in `rows`.
    trees: Vec<usize>,
    copy: Option<Copy>,
    /// The cursor on the new schema table, and how many rows it got.
    schema_cursor: Option<CursorId>,
    written: usize,
}

/// A row of the schema table.
struct Row {
    record: Vec<u8>,
    kind: Box<[u8]>,
    name: Box<[u8]>,
    table: Box<[u8]>,
    has_sql: bool,
    root: Option<PageNo>,
    tree: Tree,
    new_root: Option<PageNo>,
}

/// What is known of a row's tree.
#[derive(Clone, Default)]
struct Tree {
    /// `None`: rows by rowid.
    key: Option<Arc<KeyInfo>>,
    /// Rowids are counted anew.
    renumber: bool,
    /// The first AUTOINCREMENT table: `sqlite_sequence` comes behind it.
    autoincrement: bool,
}

/// A tree being copied.
struct Copy {
    from: CursorId,
    to: CursorId,
    started: bool,
    on_row: bool,
    rowid: i64,
    payload: Vec<u8>,
    loaded: bool,
}

/// Fields of the header that go over, and what is added.
const FIELDS: [(Meta, u32); 5] = [
    (Meta::SchemaVersion, 1),
    (Meta::DefaultCacheSize, 0),
    (Meta::TextEncoding, 0),
    (Meta::UserVersion, 0),
    (Meta::ApplicationId, 0),
];

/// The schema format of new files.
const FILE_FORMAT: u32 = 4;
/// The format in which DESC came to mean something.
const DESCENDING_FORMAT: u32 = 4;

impl HostState {
    /// Runs VACUUM; the argument is the file name of INTO.
    pub(crate) fn vacuum(&mut self, storage: &mut Storage, db: Db, arguments: &[Register]) -> Step<()> {
        let mut vacuum = match self.vacuum.take() {
            Some(vacuum) => vacuum,
            None => Box::new(self.begin_vacuum(storage, db, arguments)?),
        };
        match self.advance_vacuum(storage, &mut vacuum) {
            Ok(None) => {
                self.vacuum = Some(vacuum);
                Ok(None)
            }
            Ok(done) => Ok(done),
            Err(error) => {
                if let Ok(btree) = btree(storage, db) {
                    if let Some(copy) = &vacuum.copy {
                        btree.close_cursor(copy.from);
                    }
                    if let Some(scan) = &vacuum.scan {
                        btree.close_cursor(scan.cursor);
                    }
                    // The error that is being reported counts, not one of giving up.
                    let _ = match btree.transaction() {
                        Some(TransactionKind::Read) => btree.end_read(),
                        Some(_) => btree.rollback(false),
                        None => Ok(Some(())),
                    };
                }
                let _ = vacuum.target.close();
                Err(error)
            }
        }
    }

    fn begin_vacuum(
        &mut self,
        storage: &mut Storage,
        db: Db,
        arguments: &[Register],
    ) -> Result<Vacuum, Error> {
        if !self.vm.autocommit {
            return Err(Error::message("cannot VACUUM from within a transaction"));
        }
        if self.vm.active > 1 {
            return Err(Error::message("cannot VACUUM - SQL statements in progress"));
        }
        let into = match arguments.first() {
            None => None,
            Some(argument) => match argument.value() {
                ValueRef::Text(_) => Some(self.argument(Some(argument))),
                _ => return Err(Error::message("non-text filename")),
            },
        };
        let main = btree(storage, db)?;
        let is_private = main.path().is_empty();
        let in_memory = is_private || self.databases[usize::from(db.0)].is_in_memory();
        let (mut target, seat) = match &into {
            Some(file) => {
                open::target(&self.io, file, OpenFlags::default())?.btree(&self.io, &self.shared_memory)
            }
            None => {
                let options = OpenOptions { create: true, memory: in_memory, ..OpenOptions::default() };
                (Btree::new(Arc::clone(&self.io), options), None)
            }
        };
        let is_wal = main.journal_mode() == JournalMode::Wal && into.is_none();
        let wanted = self.settings.next_page_size.filter(|_| !is_wal && !in_memory);
        target.set_page_size(main.page_size(), None)?;
        if let Some(size) = wanted {
            target.set_page_size(size, None)?;
        }
        if into.is_none() {
            target.set_synchronous(Synchronous::Off);
        } else {
            target.set_synchronous(main.synchronous());
        }
        Ok(Vacuum {
            db,
            is_into: into.is_some(),
            stage: Stage::Open,
            target,
            _seat: seat,
            scan: None,
            rows: Vec::new(),
            at: 0,
            trees: Vec::new(),
            copy: None,
            schema_cursor: None,
            written: 0,
        })
    }

    fn advance_vacuum(&mut self, storage: &mut Storage, vacuum: &mut Vacuum) -> Step<()> {
        let db = vacuum.db;
        loop {
            let main = btree(storage, db)?;
            match vacuum.stage {
                Stage::Open => {
                    ready!(vacuum.target.open());
                    vacuum.stage = Stage::Begin;
                }
                Stage::Begin => {
                    let kind =
                        if vacuum.is_into { TransactionKind::Read } else { TransactionKind::Exclusive };
                    ready!(main.begin(kind));
                    if vacuum.target.transaction().is_none() {
                        ready!(vacuum.target.begin(TransactionKind::Read));
                    }
                    if vacuum.is_into && ready!(vacuum.target.page_count()) > 0 {
                        return Err(Error::message("output file already exists"));
                    }
                    let auto_vacuum = match self.settings.next_auto_vacuum {
                        Some(mode) => mode,
                        None => ready!(main.auto_vacuum()),
                    };
                    vacuum.target.set_auto_vacuum(auto_vacuum)?;
                    ready!(vacuum.target.begin(TransactionKind::Write));
                    vacuum.stage = Stage::Catalogue;
                }
                Stage::Catalogue => {
                    if ready!(self.is_changed(storage, db)) {
                        self.unload_schema(db);
                    }
                    if self.catalog.database(db).is_some_and(|schema| !schema.loaded) {
                        ready!(self.load_schema(storage, db));
                    }
                    vacuum.scan = Some(Scan::new(btree(storage, db)?, PageNo::ONE)?);
                    vacuum.stage = Stage::Rows;
                }
                Stage::Rows => {
                    if let Some(scan) = &mut vacuum.scan {
                        while let Some(record) = ready!(scan.next(main)) {
                            vacuum.rows.push(self.vacuum_row(db, record)?);
                        }
                        main.close_cursor(scan.cursor);
                    }
                    vacuum.scan = None;
                    vacuum.rows = in_order(std::mem::take(&mut vacuum.rows));
                    vacuum.stage = Stage::Trees;
                }
                Stage::Trees => {
                    ready!(vacuum.create_trees());
                    vacuum.stage = Stage::Copy;
                }
                Stage::Copy => {
                    ready!(vacuum.copy_trees(main));
                    vacuum.stage = Stage::Schema;
                }
                Stage::Schema => {
                    ready!(vacuum.write_schema());
                    while let Some(&(field, add)) = FIELDS.get(vacuum.at) {
                        let value = ready!(main.meta(field)).wrapping_add(add);
                        ready!(vacuum.target.set_meta(field, value));
                        vacuum.at += 1;
                    }
                    let old = ready!(main.meta(Meta::FileFormat));
                    let new = if self.options.legacy_file_format { 1 } else { FILE_FORMAT };
                    let keeps = old.max(new) >= DESCENDING_FORMAT && old != new && vacuum.has_descending();
                    ready!(vacuum.target.set_meta(Meta::FileFormat, if keeps { old } else { new }));
                    if ready!(vacuum.target.auto_vacuum()) != AutoVacuum::None {
                        let mode = self.settings.next_auto_vacuum;
                        let mode = match mode {
                            Some(mode) => mode,
                            None => ready!(main.auto_vacuum()),
                        };
                        let incremental = u32::from(mode == AutoVacuum::Incremental);
                        ready!(vacuum.target.set_meta(Meta::IncrementalVacuum, incremental));
                    }
                    vacuum.stage = Stage::Commit;
                }
                Stage::Commit => {
                    ready!(vacuum.target.commit_prepare(None));
                    vacuum.stage = Stage::CommitFinish;
                }
                Stage::CommitFinish => {
                    ready!(vacuum.target.commit_finish());
                    vacuum.stage = if vacuum.is_into { Stage::Close } else { Stage::CopyBack };
                }
                Stage::Close => {
                    if vacuum.target.transaction().is_some() {
                        ready!(vacuum.target.end_read());
                    }
                    ready!(vacuum.target.close());
                    vacuum.stage = Stage::End;
                }
                Stage::CopyBack => {
                    if vacuum.target.transaction().is_none() {
                        ready!(vacuum.target.begin(TransactionKind::Read));
                    }
                    ready!(main.copy_from(&mut vacuum.target));
                    vacuum.stage = Stage::Prepare;
                }
                Stage::Prepare => {
                    ready!(main.commit_prepare(None));
                    vacuum.stage = Stage::Finish;
                }
                Stage::Finish => {
                    ready!(main.commit_finish());
                    if let Some(database) = self.databases.get_mut(usize::from(db.0)) {
                        database.committed_frames = main.take_committed_wal_frames();
                    }
                    vacuum.stage = Stage::End;
                }
                Stage::End => {
                    if main.transaction().is_some() {
                        ready!(main.end_read());
                    }
                    // Whatever closing the scratch file says is of no interest.
                    let _ = vacuum.target.close();
                    if !vacuum.is_into {
                        self.unload_schema(db);
                    }
                    return Ok(Some(()));
                }
            }
        }
    }

    /// A row of the old schema table with what the catalogue knows of its tree.
    fn vacuum_row(&self, db: Db, record: Vec<u8>) -> Result<Row, Error> {
        let row = schema_row(&record, self.options.encoding)?;
        let root = row.root.and_then(|root| u32::try_from(root).ok()).and_then(PageNo::new);
        let name = row.name.unwrap_or_default();
        let mut tree = Tree::default();
        if let Some(schema) = self.catalog.database(db) {
            if let Some(index) = schema.index(&name).filter(|index| Some(index.root) == root) {
                tree.key = Some(self.vacuum_key(index)?);
            } else if let Some(table) = schema.table(&name) {
                tree.autoincrement = table.autoincrement;
                let has_key = table.rowid_alias.is_some() || !table.indexes.is_empty();
                tree.renumber = matches!(table.kind, TableKind::Ordinary) && !has_key;
                if table.without_rowid
                    && let Some(index) =
                        table.indexes.iter().find(|index| index.origin == IndexOrigin::PrimaryKey)
                {
                    tree.key = Some(self.vacuum_key(index)?);
                }
            }
        }
        Ok(Row {
            record,
            kind: row.kind.unwrap_or_default(),
            name,
            table: row.table.unwrap_or_default(),
            has_sql: row.sql.is_some(),
            root,
            tree,
            new_root: None,
        })
    }

    fn vacuum_key(&self, index: &Index) -> Result<Arc<KeyInfo>, Error> {
        let mut columns = Vec::with_capacity(index.columns.len());
        for (at, name) in index.collations.iter().enumerate() {
            let name = name.as_deref().unwrap_or(b"BINARY");
            let collation = self.collations.find(name).ok_or_else(|| {
                let name = crate::compile::lossy(name);
                Error::message(format!("no such collation sequence: {name}"))
            })?;
            let descending = index.descending.get(at).copied().unwrap_or(false);
            columns.push(KeyColumn { collation, descending, big_null: false });
        }
        let key_column_count = columns.len();
        Ok(Arc::new(KeyInfo { encoding: self.options.encoding, columns, key_column_count }))
    }
}

/// The rows as SQLite's VACUUM would write them: tables, each with the indexes of its constraints, created indexes, what has no tree.
fn in_order(rows: Vec<Row>) -> Vec<Row> {
    let mut rest: Vec<Option<Row>> = rows.into_iter().map(Some).collect();
    let mut out = Vec::with_capacity(rest.len());
    let is_table = |row: &Row| row.root.is_some() && &*row.kind == b"table";
    let is_sequence = |row: &Row| &*row.name == b"sqlite_sequence";
    for at in 0..rest.len() {
        let Some(table) = rest[at].take_if(|row| is_table(row) && !is_sequence(row)) else { continue };
        let (name, autoincrement) = (table.name.clone(), table.tree.autoincrement);
        out.push(table);
        for slot in &mut rest {
            out.extend(slot.take_if(|row| !row.has_sql && &*row.kind == b"index" && row.table == name));
        }
        if autoincrement {
            out.extend(
                rest.iter_mut().find_map(|slot| slot.take_if(|row| is_table(row) && is_sequence(row))),
            );
        }
    }
    for slot in &mut rest {
        // Without an AUTOINCREMENT table there is no `sqlite_sequence`.
        let row = slot.take_if(|row| row.root.is_some());
        out.extend(row.filter(|row| !is_sequence(row)));
    }
    out.extend(rest.into_iter().flatten());
    out
}

impl Vacuum {
    /// Whether some text may say DESC: then the format of the file decides on the order of entries that were copied as they are.
    fn has_descending(&self) -> bool {
        self.rows.iter().any(|row| row.record.windows(4).any(|word| word.eq_ignore_ascii_case(b"desc")))
    }

    fn create_trees(&mut self) -> Step<()> {
        while let Some(row) = self.rows.get_mut(self.at) {
            if row.root.is_some() {
                let kind = if row.tree.key.is_some() { TreeKind::Index } else { TreeKind::Table };
                row.new_root = Some(ready!(self.target.create_tree(kind)));
            }
            self.at += 1;
        }
        self.at = 0;
        // Each table, then its indexes, the newest first.
        for at in 0..self.rows.len() {
            if &*self.rows[at].kind != b"table" || self.rows[at].root.is_none() {
                continue;
            }
            self.trees.push(at);
            let own =
                |row: &Row| row.root.is_some() && &*row.kind == b"index" && row.table == self.rows[at].name;
            self.trees.extend((0..self.rows.len()).rev().filter(|&other| own(&self.rows[other])));
        }
        Ok(Some(()))
    }

    fn copy_trees(&mut self, main: &mut Btree) -> Step<()> {
        while let Some(&at) = self.trees.get(self.at) {
            let row = &self.rows[at];
            if let (Some(root), Some(new_root)) = (row.root, row.new_root) {
                let tree = row.tree.clone();
                if self.copy.is_none() {
                    let from = main.open_cursor(root, tree.key.as_ref(), false)?;
                    let to = self.target.open_cursor(new_root, tree.key.as_ref(), true)?;
                    self.copy = Some(Copy {
                        from,
                        to,
                        started: false,
                        on_row: false,
                        rowid: 0,
                        payload: Vec::new(),
                        loaded: false,
                    });
                }
                if let Some(copy) = &mut self.copy {
                    let renumber = tree.renumber && !self.is_into;
                    ready!(copy.run(main, &mut self.target, tree.key.is_some(), renumber));
                    main.close_cursor(copy.from);
                    self.target.close_cursor(copy.to);
                }
                self.copy = None;
            }
            self.at += 1;
        }
        self.at = 0;
        Ok(Some(()))
    }

    /// Writes the rows of the schema table, with the new root pages.
    fn write_schema(&mut self) -> Step<()> {
        let to = match self.schema_cursor {
            Some(cursor) => cursor,
            None => *self.schema_cursor.insert(self.target.open_cursor(PageNo::ONE, None, true)?),
        };
        while let Some(row) = self.rows.get(self.written) {
            let mut record = Vec::new();
            let mut values = Vec::new();
            for value in Values::new(&row.record).map_err(|_| corrupt())? {
                values.push(value.map_err(|_| corrupt())?);
            }
            if let (Some(root), Some(slot)) = (row.new_root, values.get_mut(3)) {
                *slot = ValueRef::Integer(i64::from(root.get()));
            }
            encode::encode(&values, true, &mut record);
            let rowid = self.written as i64 + 1;
            let flags = InsertFlags { append: true, ..InsertFlags::default() };
            let payload = RowPayload::Table { rowid, record: &record, zero_tail: 0 };
            ready!(self.target.insert(to, payload, flags));
            self.written += 1;
        }
        self.target.close_cursor(to);
        Ok(Some(()))
    }
}

impl Copy {
    fn run(&mut self, main: &mut Btree, target: &mut Btree, is_index: bool, renumber: bool) -> Step<()> {
        loop {
            if !self.on_row {
                let found =
                    if self.started { ready!(main.next(self.from)) } else { ready!(main.first(self.from)) };
                self.started = true;
                if !found {
                    return Ok(Some(()));
                }
                self.on_row = true;
                self.loaded = false;
            }
            if !self.loaded {
                let len = main.entry(self.from)?.len;
                self.payload.clear();
                ready!(main.read_payload(self.from, 0..len, &mut self.payload));
                if !is_index {
                    self.rowid = if renumber { self.rowid + 1 } else { main.rowid(self.from)? };
                }
                self.loaded = true;
            }
            let payload = if is_index {
                RowPayload::Index { record: &self.payload }
            } else {
                RowPayload::Table { rowid: self.rowid, record: &self.payload, zero_tail: 0 }
            };
            // Entries come in the order in which they shall lie.
            let seek_result = match is_index && ready!(target.last(self.to)) {
                true => Some(SeekOutcome::At(Ordering::Less)),
                false => None,
            };
            let flags = InsertFlags { append: true, seek_result, ..InsertFlags::default() };
            ready!(target.insert(self.to, payload, flags));
            self.on_row = false;
        }
    }
}
