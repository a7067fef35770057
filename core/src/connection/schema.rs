//! Reading schemas from their files.
//!
//! A schema is read when a statement is prepared and it is not loaded: at the first statement, after another connection changed it, and
//! after a rollback undid changes. Within a transaction that changes it, `OP_ParseSchema` reads the rows that are new.
//!
//! ```text
//! Open ─> Begin ─> Header ─> Rows ─> Statistics ─> End
//! ```
//!
//! Always true: a reader that fails or is given up leaves no read transaction behind that it began itself.

use std::sync::Arc;

use kernite_btree::record::decode::Values;
use kernite_btree::{
    Btree, CursorId, Encoding, Error as StorageError, Meta, PageNo, TransactionKind, ValueRef,
};
use kernite_io::ready;
use kernite_vdbe::host::Storage;
use kernite_vdbe::op::Db;
use kernite_vdbe::{Error, Step};

use super::host::HostState;
use crate::catalog::load::{self, LoadOptions, SchemaRow};
use crate::catalog::statistics::{self, StatisticsRow};
use crate::catalog::{DatabaseSchema, Table};

/// `secure_delete` of a new database: the target build overwrites what is deleted.
const SECURE_DELETE: u8 = 1;
/// Largest schema format that we know.
const FILE_FORMAT_MAX: u32 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    Begin,
    Header,
    Rows,
    Statistics,
    End,
}

/// A schema being read.
pub(crate) struct SchemaReader {
    db: Db,
    stage: Stage,
    /// The read transaction is ours to end.
    began: bool,
    header: Header,
    scan: Option<Scan>,
    rows: Vec<SchemaRow>,
}

/// The header fields that concern the schema.
#[derive(Clone, Copy, Default)]
struct Header {
    cookie: u32,
    file_format: u32,
    encoding: Encoding,
    /// The file is empty: it has no encoding yet.
    is_empty: bool,
    page_count: u32,
    default_cache_size: i32,
}

/// A walk over a table, row by row.
pub(super) struct Scan {
    pub(super) cursor: CursorId,
    started: bool,
    /// The cursor stands on a row that was not handed out.
    on_row: bool,
}

impl Scan {
    pub(super) fn new(btree: &mut Btree, root: PageNo) -> Result<Scan, Error> {
        Ok(Scan { cursor: btree.open_cursor(root, None, false)?, started: false, on_row: false })
    }

    /// The next row's record; `None` at the end.
    pub(super) fn next(&mut self, btree: &mut Btree) -> Step<Option<Vec<u8>>> {
        if !self.on_row {
            self.on_row =
                if self.started { ready!(btree.next(self.cursor)) } else { ready!(btree.first(self.cursor)) };
            self.started = true;
            if !self.on_row {
                return Ok(Some(None));
            }
        }
        let len = btree.entry(self.cursor)?.len;
        let mut payload = Vec::new();
        ready!(btree.read_payload(self.cursor, 0..len, &mut payload));
        self.on_row = false;
        Ok(Some(Some(payload)))
    }
}

impl HostState {
    /// Reads every schema that is not loaded.
    pub(crate) fn load_schemas(&mut self, storage: &mut Storage) -> Step<()> {
        let mut db = 0;
        while let Some(schema) = self.catalog.databases.get(db) {
            let is_loaded = schema.as_ref().is_none_or(|schema| schema.loaded);
            if !is_loaded && let Ok(number) = u8::try_from(db) {
                ready!(self.load_schema(storage, Db(number)));
            }
            db += 1;
        }
        Ok(Some(()))
    }

    /// Reads one schema.
    pub(crate) fn load_schema(&mut self, storage: &mut Storage, db: Db) -> Step<()> {
        if db == Db(1) && !self.databases[1].opened {
            // Nothing was ever put into temp.
            let schema =
                self.parse_rows(db, Header { file_format: 4, ..Header::default() }, &[], None, false)?;
            self.install(db, schema);
            return Ok(Some(()));
        }
        let mut reader = match self.reader.take() {
            Some(reader) if reader.db == db => reader,
            _ => SchemaReader {
                db,
                stage: Stage::Open,
                began: false,
                header: Header::default(),
                scan: None,
                rows: Vec::new(),
            },
        };
        match self.advance(storage, &mut reader) {
            Ok(Some(())) => Ok(Some(())),
            Ok(None) => {
                self.reader = Some(reader);
                Ok(None)
            }
            Err(error) => {
                if reader.began
                    && let Ok(btree) = btree(storage, db)
                {
                    if let Some(scan) = &reader.scan {
                        btree.close_cursor(scan.cursor);
                    }
                    // The error that is being reported counts, not one of giving up a read lock.
                    let _ = btree.end_read();
                }
                Err(error)
            }
        }
    }

    fn advance(&mut self, storage: &mut Storage, reader: &mut SchemaReader) -> Step<()> {
        let db = reader.db;
        loop {
            match reader.stage {
                Stage::Open => {
                    ready!(self.open_database(storage, db));
                    reader.stage = Stage::Begin;
                }
                Stage::Begin => {
                    let btree = btree(storage, db)?;
                    if btree.transaction().is_none() {
                        ready!(btree.begin(TransactionKind::Read));
                        reader.began = true;
                    }
                    reader.stage = Stage::Header;
                }
                Stage::Header => {
                    reader.header = ready!(read_header(btree(storage, db)?));
                    self.check_header(db, &mut reader.header)?;
                    self.note_default_cache_size(storage, db, reader.header.default_cache_size)?;
                    reader.scan = Some(Scan::new(btree(storage, db)?, PageNo::ONE)?);
                    reader.stage = Stage::Rows;
                }
                Stage::Rows => {
                    let encoding = reader.header.encoding;
                    let btree = btree(storage, db)?;
                    if let Some(scan) = &mut reader.scan {
                        while let Some(record) = ready!(scan.next(btree)) {
                            reader.rows.push(schema_row(&record, encoding)?);
                        }
                        btree.close_cursor(scan.cursor);
                    }
                    reader.scan = None;
                    let tolerant = self.options.writable_schema;
                    let schema = self.parse_rows(db, reader.header, &reader.rows, None, tolerant)?;
                    self.install(db, schema);
                    reader.stage = Stage::Statistics;
                }
                Stage::Statistics => {
                    ready!(self.read_statistics(storage, db, &mut reader.scan));
                    reader.stage = Stage::End;
                }
                Stage::End => {
                    if reader.began {
                        ready!(btree(storage, db)?.end_read());
                    }
                    return Ok(Some(()));
                }
            }
        }
    }

    /// Checks format and encoding. All databases of a connection have the encoding of main.
    fn check_header(&mut self, db: Db, header: &mut Header) -> Result<(), Error> {
        if header.file_format > FILE_FORMAT_MAX {
            return Err(Error::message("unsupported file format"));
        }
        header.file_format = header.file_format.max(1);
        if header.is_empty {
            header.encoding = self.options.encoding;
        } else if db == Db(0) && !self.encoding_fixed {
            let encoding = header.encoding;
            if self.options.encoding != encoding {
                self.set_encoding(encoding);
            }
        } else if header.encoding != self.options.encoding {
            return Err(Error::message(
                "attached databases must use the same text encoding as main database",
            ));
        }
        Ok(())
    }

    /// Sets the encoding of text in registers and functions.
    pub(crate) fn set_encoding(&mut self, encoding: Encoding) {
        self.set_options(|options| options.encoding = encoding);
        Arc::make_mut(&mut self.functions).set_encoding(encoding);
    }

    fn parse_rows(
        &mut self,
        db: Db,
        header: Header,
        rows: &[SchemaRow],
        after: Option<&str>,
        tolerant: bool,
    ) -> Result<DatabaseSchema, Error> {
        let name = self.catalog.database(db).map_or_else(Default::default, |schema| schema.name.clone());
        let base = DatabaseSchema {
            name,
            cookie: header.cookie,
            encoding: header.encoding,
            file_format: header.file_format,
            ..DatabaseSchema::default()
        };
        self.encoding_fixed |= !rows.is_empty();
        let options = LoadOptions { tolerant, ..self.load_options(header.page_count, after) };
        load::load(base, db, &self.catalog, rows, options)
    }

    fn load_options<'o>(&self, page_count: u32, after: Option<&'o str>) -> LoadOptions<'o> {
        LoadOptions {
            page_count,
            writable_schema: self.options.writable_schema,
            after,
            tolerant: false,
            renaming: false,
        }
    }

    fn install(&mut self, db: Db, schema: DatabaseSchema) {
        if let Some(slot) = self.schema_mut(db) {
            let generation = slot.generation;
            let old = std::mem::replace(slot, DatabaseSchema { generation, ..schema });
            self.retire(Arc::new(old));
        }
        if db != Db(1) {
            // Triggers of temp on tables of this database.
            self.reattach_temp_triggers();
        }
    }

    /// Reads the rows of a schema that a running statement changed: `OP_ParseSchema`.
    pub(crate) fn parse_schema(&mut self, storage: &mut Storage, db: Db, filter: Option<&[u8]>) -> Step<()> {
        let filter = filter.map(Filter::parse);
        let mut reader = match self.reader.take() {
            Some(reader) if reader.db == db => reader,
            _ => SchemaReader {
                db,
                stage: Stage::Header,
                began: false,
                header: Header::default(),
                scan: None,
                rows: Vec::new(),
            },
        };
        match self.advance_parse(storage, &mut reader, filter) {
            Ok(None) => {
                self.reader = Some(reader);
                Ok(None)
            }
            done => done,
        }
    }

    fn advance_parse(
        &mut self,
        storage: &mut Storage,
        reader: &mut SchemaReader,
        filter: Option<Filter>,
    ) -> Step<()> {
        let db = reader.db;
        let btree = btree(storage, db)?;
        if reader.stage == Stage::Header {
            reader.header = ready!(read_header(btree));
            self.check_header(db, &mut reader.header)?;
            reader.scan = Some(Scan::new(btree, PageNo::ONE)?);
            reader.stage = Stage::Rows;
        }
        let Some(scan) = &mut reader.scan else { return Ok(Some(())) };
        while let Some(record) = ready!(scan.next(btree)) {
            let row = schema_row(&record, reader.header.encoding)?;
            if filter.as_ref().is_none_or(|filter| filter.matches(&row)) {
                reader.rows.push(row);
            }
        }
        btree.close_cursor(scan.cursor);
        let after = filter.as_ref().and_then(|filter| filter.after());
        match filter {
            Some(ref filter) if !filter.is_all() => {
                let mut base = match self.catalog.database(db) {
                    Some(schema) => DatabaseSchema::clone(schema),
                    None => return Ok(Some(())),
                };
                base.file_format = reader.header.file_format;
                let options = self.load_options(reader.header.page_count, None);
                self.encoding_fixed |= !reader.rows.is_empty();
                let schema = load::load(base, db, &self.catalog, &reader.rows, options)?;
                self.install(db, schema);
            }
            _ => {
                let cookie = self.catalog.database(db).map_or(reader.header.cookie, |schema| schema.cookie);
                let header = Header { cookie, ..reader.header };
                let schema = self.parse_rows(db, header, &reader.rows, after, false)?;
                self.install(db, schema);
                self.databases[usize::from(db.0)].schema_changed = true;
            }
        }
        Ok(Some(()))
    }

    /// `OP_LoadAnalysis`: reads the statistics again.
    pub(crate) fn load_statistics(&mut self, storage: &mut Storage, db: Db) -> Step<()> {
        let mut reader = match self.reader.take() {
            Some(reader) if reader.db == db => reader,
            _ => SchemaReader {
                db,
                stage: Stage::Statistics,
                began: false,
                header: Header::default(),
                scan: None,
                rows: Vec::new(),
            },
        };
        match self.read_statistics(storage, db, &mut reader.scan) {
            Ok(None) => {
                self.reader = Some(reader);
                Ok(None)
            }
            done => done,
        }
    }

    fn read_statistics(&mut self, storage: &mut Storage, db: Db, scan: &mut Option<Scan>) -> Step<()> {
        let Some(schema) = self.catalog.database(db) else { return Ok(Some(())) };
        let table = schema.table(b"sqlite_stat1").cloned();
        let Some((root, columns)) = table.as_deref().and_then(statistics_table) else {
            if schema.tables.values().any(|table| table.has_statistics)
                && let Some(schema) = self.schema_mut(db)
            {
                statistics::apply(schema, &[]);
            }
            return Ok(Some(()));
        };
        let encoding = self.options.encoding;
        let btree = btree(storage, db)?;
        let mut rows = Vec::new();
        let walk = match scan {
            Some(walk) => walk,
            None => scan.insert(Scan::new(btree, root)?),
        };
        // All of it is read again after a wait: statistics are small.
        (walk.started, walk.on_row) = (false, false);
        while let Some(record) = ready!(walk.next(btree)) {
            rows.extend(statistics_row(&record, columns, encoding)?);
        }
        btree.close_cursor(walk.cursor);
        *scan = None;
        if let Some(schema) = self.schema_mut(db) {
            statistics::apply(schema, &rows);
        }
        Ok(Some(()))
    }

    /// Puts the triggers of temp back on the tables of databases that were read again. They are kept in temp's own list, and find their tables by
    /// name; a trigger whose table is gone stays without one.
    fn reattach_temp_triggers(&mut self) {
        let Some(temp) = self.catalog.database(Db(1)) else { return };
        let moved = temp.triggers.values().any(|trigger| {
            trigger.table_db != Db(1)
                && self
                    .catalog
                    .find_table(&trigger.table, None)
                    .is_some_and(|table| table.db != trigger.table_db)
        });
        if moved {
            self.unload_schema(Db(1));
        }
    }

    /// Opens the storage of a database that is used for the first time.
    pub(crate) fn open_database(&mut self, storage: &mut Storage, db: Db) -> Step<()> {
        let at = usize::from(db.0);
        if self.databases.get(at).is_some_and(|database| database.opened) {
            return Ok(Some(()));
        }
        let btree = btree(storage, db)?;
        ready!(btree.open());
        if db.0 >= 2 && self.settings.exclusive_locking {
            ready!(btree.set_exclusive_locking(true));
        }
        if db == Db(1) {
            // Whatever depends on this is compiled again anyway: the first object in temp changes its schema.
            Arc::make_mut(&mut self.options).temp_open = true;
        }
        if let Some(database) = self.databases.get_mut(at) {
            database.opened = true;
            btree.set_secure_delete(SECURE_DELETE);
        }
        Ok(Some(()))
    }
}

/// The storage of a database.
pub(crate) fn btree(storage: &mut Storage, db: Db) -> Result<&mut Btree, Error> {
    let slot = storage.databases.get_mut(usize::from(db.0)).and_then(Option::as_mut);
    slot.ok_or_else(|| Error::message("no such database"))
}

fn read_header(btree: &mut Btree) -> Step<Header> {
    let page_count = ready!(btree.page_count());
    let cookie = ready!(btree.meta(Meta::SchemaVersion));
    let file_format = ready!(btree.meta(Meta::FileFormat));
    let encoding = ready!(btree.meta(Meta::TextEncoding));
    let default_cache_size = ready!(btree.meta(Meta::DefaultCacheSize)) as i32;
    let Some(known) = Encoding::from_header(encoding & 3) else {
        return Err(Error::message("unsupported file format"));
    };
    Ok(Some(Header {
        cookie,
        file_format,
        encoding: known,
        is_empty: encoding == 0,
        page_count,
        default_cache_size,
    }))
}

/// Text of a value in UTF-8; numbers as their digits.
fn text(value: ValueRef<'_>, encoding: Encoding) -> Option<Box<[u8]>> {
    match value {
        ValueRef::Text(text) if encoding == Encoding::Utf8 => Some(text.into()),
        ValueRef::Text(text) => {
            let mut out = Vec::new();
            kernite_btree::encoding::convert(text, encoding, Encoding::Utf8, &mut out);
            Some(out.into())
        }
        ValueRef::Blob(blob) => Some(blob.into()),
        ValueRef::Integer(number) => Some(number.to_string().into_bytes().into()),
        ValueRef::Real(_) | ValueRef::Null => None,
    }
}

pub(super) fn corrupt() -> Error {
    StorageError::Corrupt { page: Some(PageNo::ONE), damage: kernite_btree::Damage::Schema }.into()
}

pub(super) fn schema_row(record: &[u8], encoding: Encoding) -> Result<SchemaRow, Error> {
    let mut values = Values::new(record).map_err(|_| corrupt())?;
    let mut next = || values.next_value().map_err(|_| corrupt()).map(|value| value.unwrap_or(ValueRef::Null));
    let kind = text(next()?, encoding);
    let name = text(next()?, encoding);
    let table = text(next()?, encoding);
    let root = match next()? {
        ValueRef::Integer(root) => Some(root),
        ValueRef::Null => None,
        other => text(other, encoding)
            .and_then(|digits| std::str::from_utf8(&digits).ok().and_then(|digits| digits.parse().ok())),
    };
    let sql = text(next()?, encoding).map(Arc::from);
    Ok(SchemaRow { kind, name, table, root, sql })
}

/// The root and the positions of the columns `tbl`, `idx`, `stat`, if a table has them.
fn statistics_table(table: &Table) -> Option<(PageNo, [usize; 3])> {
    if !table.has_rowid() {
        return None;
    }
    let column = |name: &[u8]| table.find_column(name);
    Some((table.root?, [column(b"tbl")?, column(b"idx")?, column(b"stat")?]))
}

fn statistics_row(
    record: &[u8],
    columns: [usize; 3],
    encoding: Encoding,
) -> Result<Option<StatisticsRow>, Error> {
    let mut values = Vec::new();
    for value in Values::new(record).map_err(|_| corrupt())? {
        values.push(text(value.map_err(|_| corrupt())?, encoding));
    }
    let mut take = |at: usize| values.get_mut(at).and_then(Option::take);
    let [table, index, statistics] = columns;
    let (table, index, text) = (take(table), take(index), take(statistics));
    Ok(match (table, text) {
        (Some(table), Some(text)) => Some(StatisticsRow { table, index, text }),
        _ => None,
    })
}

/// Which rows `OP_ParseSchema` reads: the conditions that our own DDL writes.
struct Filter {
    kind: FilterKind,
    name: Box<[u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FilterKind {
    /// `tbl_name='x' AND type!='trigger'`
    Table,
    /// `name='x' AND type='index'`
    Index,
    /// `type='trigger' AND name='x'`
    Trigger,
    /// `1` and then what was done: everything, after an ALTER TABLE.
    All,
}

impl Filter {
    fn parse(condition: &[u8]) -> Filter {
        let quoted = || {
            let start = condition.iter().position(|&byte| byte == b'\'').map_or(0, |at| at + 1);
            unquote(&condition[start..])
        };
        if condition.starts_with(b"tbl_name=") {
            Filter { kind: FilterKind::Table, name: quoted() }
        } else if condition.starts_with(b"name=") {
            Filter { kind: FilterKind::Index, name: quoted() }
        } else if let Some(rest) = condition.strip_prefix(b"type='trigger' AND name='") {
            Filter { kind: FilterKind::Trigger, name: unquote(rest) }
        } else {
            let what = condition.strip_prefix(b"1 /* ").and_then(|rest| rest.strip_suffix(b" */"));
            Filter { kind: FilterKind::All, name: what.unwrap_or_default().into() }
        }
    }

    fn is_all(&self) -> bool {
        self.kind == FilterKind::All
    }

    /// What was done before everything is read again, for error messages.
    fn after(&self) -> Option<&str> {
        std::str::from_utf8(&self.name).ok().filter(|what| self.is_all() && !what.is_empty())
    }

    fn matches(&self, row: &SchemaRow) -> bool {
        let is = |column: &Option<Box<[u8]>>, text: &[u8]| column.as_deref() == Some(text);
        match self.kind {
            FilterKind::Table => is(&row.table, &self.name) && !is(&row.kind, b"trigger"),
            FilterKind::Index => is(&row.name, &self.name) && is(&row.kind, b"index"),
            FilterKind::Trigger => is(&row.name, &self.name) && is(&row.kind, b"trigger"),
            FilterKind::All => true,
        }
    }
}

/// The text up to the closing quote, doubled quotes undone.
fn unquote(text: &[u8]) -> Box<[u8]> {
    let mut out = Vec::new();
    let mut rest = text.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte == b'\'' && rest.next_if_eq(&b'\'').is_none() {
            break;
        }
        out.push(byte);
    }
    out.into()
}
