//! The engine's traits of virtual tables on top of a C module's functions.

use std::any::Any;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use kernite::engine::btree::Encoding;
use kernite::engine::vdbe::function::{FunctionBody, FunctionDef, FunctionFlags};
use kernite::engine::vdbe::op::{OnConflict, SavepointAction};
use kernite::engine::vdbe::vtab::{
    Connected, ConstraintOp, Context, IndexInfo, Module, Plan, Table, TableCursor, Update,
};
use kernite::engine::vdbe::{Error, Register, Step};

use super::Declared;
use super::index_info::Question;
use crate::abi::module::{ScalarFunction, sqlite3_module, sqlite3_vtab, sqlite3_vtab_cursor};
use crate::connection::hook::Back;
use crate::constant::*;
use crate::function::{Registered, RowFunction, scalar::Scalar};
use crate::library::error_text::error_text;
use crate::memory;
use crate::value::{sqlite3_context, sqlite3_value};

/// A kind of virtual table.
#[derive(Clone)]
pub(super) struct CModule {
    back: Back,
    methods: *const sqlite3_module,
    registered: Arc<Registered>,
}

// SAFETY: the module's functions run while the connection's lock is held, on the thread that holds it; the structure does not change.
unsafe impl Send for CModule {}
// SAFETY: as above.
unsafe impl Sync for CModule {}

type Constructor = unsafe extern "C" fn(
    *mut crate::connection::sqlite3,
    *mut c_void,
    c_int,
    *const *const c_char,
    *mut *mut sqlite3_vtab,
    *mut *mut c_char,
) -> c_int;

/// Text for C, up to its first NUL.
fn c_text(bytes: &[u8]) -> CString {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    CString::new(&bytes[..end]).unwrap_or_default()
}

/// Takes a message that C allocated.
///
/// # Safety
/// It is NULL or came from `sqlite3_malloc`, and is not used afterwards.
unsafe fn take_message(message: *mut c_char) -> Option<String> {
    if message.is_null() {
        return None;
    }
    // SAFETY: by the caller.
    unsafe {
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        memory::release(message.cast());
        Some(text)
    }
}

impl CModule {
    pub(super) fn new(back: Back, methods: *const sqlite3_module, registered: Registered) -> CModule {
        CModule { back, methods, registered: Arc::new(registered) }
    }

    fn methods(&self) -> &sqlite3_module {
        // SAFETY: it stays as long as the module is registered, by the contract of `sqlite3_create_module`.
        unsafe { &*self.methods }
    }

    fn construct(&self, constructor: Option<Constructor>, arguments: &[&[u8]]) -> Step<Connected> {
        let name = String::from_utf8_lossy(arguments.get(2).copied().unwrap_or_default()).into_owned();
        let Some(constructor) = constructor else {
            return Err(Error::message(format!("vtable constructor failed: {name}")));
        };
        let texts: Vec<CString> = arguments.iter().map(|argument| c_text(argument)).collect();
        let pointers: Vec<*const c_char> = texts.iter().map(|text| text.as_ptr()).collect();
        let db = self.back.db();
        db.tables.constructing.borrow_mut().push(Declared::default());
        let mut vtab: *mut sqlite3_vtab = ptr::null_mut();
        let mut message: *mut c_char = ptr::null_mut();
        // SAFETY: the application's function with its own argument; the texts live for the call.
        let rc = unsafe {
            constructor(
                db.as_ptr(),
                self.registered.data.0,
                pointers.len() as c_int,
                pointers.as_ptr(),
                &mut vtab,
                &mut message,
            )
        };
        let declared = db.tables.constructing.borrow_mut().pop().unwrap_or_default();
        // SAFETY: the constructor left it there for us to free.
        let message = unsafe { take_message(message) };
        if rc != SQLITE_OK {
            let message = message.unwrap_or_else(|| format!("vtable constructor failed: {name}"));
            return Err(Error::with_code(rc, message));
        }
        if vtab.is_null() {
            return Err(Error::message(format!("vtable constructor failed: {name}")));
        }
        // SAFETY: the constructor made it; this part of it is ours.
        unsafe {
            (*vtab).pModule = self.methods;
            (*vtab).nRef = 1;
            (*vtab).zErrMsg = ptr::null_mut();
        }
        let table = CTable {
            module: self.clone(),
            vtab,
            is_destroyed: AtomicBool::new(false),
            cursors: AtomicI32::new(0),
            savepoints: AtomicI32::new(0),
        };
        let Some(declaration) = declared.declaration else {
            return Err(Error::message(format!("vtable constructor did not declare schema: {name}")));
        };
        Ok(Some(Connected {
            table: Arc::new(table),
            declaration,
            risk: declared.risk,
            constraint_support: declared.constraint_support,
        }))
    }
}

impl Module for CModule {
    fn create(&self, arguments: &[&[u8]], _: &mut Context<'_>) -> Step<Connected> {
        self.construct(self.methods().xCreate, arguments)
    }

    fn connect(&self, arguments: &[&[u8]], _: &mut Context<'_>) -> Step<Connected> {
        self.construct(self.methods().xConnect, arguments)
    }

    fn is_eponymous(&self) -> bool {
        let methods = self.methods();
        match (methods.xCreate, methods.xConnect) {
            (None, _) => true,
            (Some(create), Some(connect)) => create as usize == connect as usize,
            _ => false,
        }
    }

    fn is_eponymous_only(&self) -> bool {
        self.methods().xCreate.is_none()
    }

    fn is_shadow(&self, suffix: &str) -> bool {
        let methods = self.methods();
        let suffix = c_text(suffix.as_bytes());
        // SAFETY: the application's function.
        methods.iVersion >= 3
            && methods.xShadowName.is_some_and(|is_shadow| unsafe { is_shadow(suffix.as_ptr()) } != 0)
    }
}

/// A virtual table.
struct CTable {
    module: CModule,
    vtab: *mut sqlite3_vtab,
    is_destroyed: AtomicBool,
    /// Cursors that are open.
    cursors: AtomicI32,
    /// One more than the number of the innermost savepoint that the table was told of.
    savepoints: AtomicI32,
}

// SAFETY: as for its module.
unsafe impl Send for CTable {}
// SAFETY: as for its module.
unsafe impl Sync for CTable {}

impl Drop for CTable {
    fn drop(&mut self) {
        if !self.is_destroyed.load(Ordering::Relaxed)
            && let Some(disconnect) = self.methods().xDisconnect
        {
            // SAFETY: the application's function; nobody uses the table any more.
            unsafe { disconnect(self.vtab) };
        }
    }
}

impl CTable {
    fn methods(&self) -> &sqlite3_module {
        self.module.methods()
    }

    /// The outcome of one of the table's functions, with the message that it left.
    fn outcome(&self, rc: c_int) -> Result<(), Error> {
        // SAFETY: the table is there; the message is ours to free.
        let message = unsafe {
            let message = (*self.vtab).zErrMsg;
            (*self.vtab).zErrMsg = ptr::null_mut();
            take_message(message)
        };
        match rc {
            SQLITE_OK => Ok(()),
            code => {
                let text = || error_text(code).to_string_lossy().into_owned();
                Err(Error::with_code(code, message.unwrap_or_else(text)))
            }
        }
    }

    /// Calls a function that takes nothing but the table.
    fn simple(
        &self,
        function: Option<unsafe extern "C" fn(*mut sqlite3_vtab) -> c_int>,
    ) -> Result<(), Error> {
        match function {
            // SAFETY: the application's function with its own table.
            Some(function) => self.outcome(unsafe { function(self.vtab) }),
            None => Ok(()),
        }
    }
}

/// Values of registers, for one call.
struct Values {
    _values: Vec<sqlite3_value>,
    pointers: Vec<*mut sqlite3_value>,
}

impl Values {
    fn new<'r>(registers: impl Iterator<Item = &'r Register>, encoding: Encoding) -> Values {
        let mut values: Vec<sqlite3_value> = registers
            .map(|register| {
                let mut value = sqlite3_value::new();
                value.show(ptr::from_ref(register).cast_mut(), false, encoding);
                value
            })
            .collect();
        let pointers = values.iter_mut().map(ptr::from_mut).collect();
        Values { _values: values, pointers }
    }
}

impl Table for CTable {
    fn best_index(&self, info: &mut IndexInfo) -> Result<Plan, Error> {
        let Some(best_index) = self.methods().xBestIndex else { return Ok(Plan::Unusable) };
        let mut question = Question::new(info, self.module.back.db().raw().encoding());
        // SAFETY: the application's function; the question lives for the call.
        let rc = unsafe { best_index(self.vtab, question.as_ptr()) };
        let outcome = self.outcome(rc);
        question.answer(info);
        match outcome {
            Ok(()) => Ok(Plan::Usable),
            Err(_) if rc == SQLITE_CONSTRAINT => Ok(Plan::Unusable),
            Err(error) if rc == SQLITE_NOMEM => Err(error),
            Err(error) => Err(Error::message(error.to_string())),
        }
    }

    fn open(&self) -> Result<Box<dyn TableCursor>, Error> {
        let mut cursor: *mut sqlite3_vtab_cursor = ptr::null_mut();
        let Some(open) = self.methods().xOpen else { return Err(Error::message("no xOpen")) };
        // SAFETY: the application's function with its own table.
        self.outcome(unsafe { open(self.vtab, &mut cursor) })?;
        if cursor.is_null() {
            return Err(Error::message("xOpen gave no cursor"));
        }
        // SAFETY: it was just made; this part of it is ours.
        unsafe { (*cursor).pVtab = self.vtab };
        self.cursors.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(CCursor { table: ptr::from_ref(self), cursor }))
    }

    fn update(
        &self,
        update: Update<'_>,
        on_conflict: OnConflict,
        context: &mut Context<'_>,
    ) -> Step<Option<i64>> {
        let Some(function) = self.methods().xUpdate else {
            return Err(Error::with_code(SQLITE_READONLY, "attempt to write a readonly database"));
        };
        const NULL: &Register = &Register::null();
        let encoding = context.encoding;
        let is_insert = matches!(update, Update::Insert { .. });
        let values = match update {
            Update::Delete { rowid } => Values::new([rowid].into_iter(), encoding),
            Update::Insert { rowid, columns } => {
                Values::new([NULL, rowid].into_iter().chain(columns), encoding)
            }
            Update::Update { old, new, columns } => {
                Values::new([old, new].into_iter().chain(columns), encoding)
            }
        };
        let code = match on_conflict {
            OnConflict::Rollback => SQLITE_ROLLBACK,
            OnConflict::Ignore => SQLITE_IGNORE,
            OnConflict::Fail => SQLITE_FAIL,
            OnConflict::Abort => SQLITE_ABORT,
            OnConflict::Replace => SQLITE_REPLACE,
        };
        let slot = &self.module.back.db().tables.on_conflict;
        let before = slot.replace(code);
        let mut rowid = 0;
        let mut pointers = values.pointers.clone();
        // SAFETY: the application's function; values and registers live for the call.
        let rc = unsafe { function(self.vtab, pointers.len() as c_int, pointers.as_mut_ptr(), &mut rowid) };
        slot.set(before);
        self.outcome(rc)?;
        Ok(Some(is_insert.then_some(rowid)))
    }

    fn is_writable(&self) -> bool {
        self.methods().xUpdate.is_some()
    }

    fn rename(&self, name: &[u8], _: &mut Context<'_>) -> Step<()> {
        if let Some(rename) = self.methods().xRename {
            let name = c_text(name);
            // SAFETY: the application's function with its own table.
            self.outcome(unsafe { rename(self.vtab, name.as_ptr()) })?;
        }
        Ok(Some(()))
    }

    fn destroy(&self, _: &mut Context<'_>) -> Step<()> {
        if self.is_destroyed.load(Ordering::Relaxed) {
            return Ok(Some(()));
        }
        if self.cursors.load(Ordering::Relaxed) > 0 {
            return Err(Error::with_code(SQLITE_LOCKED, "database table is locked"));
        }
        let destroy = self.methods().xDestroy.or(self.methods().xDisconnect);
        let Some(destroy) = destroy else { return Ok(Some(())) };
        // SAFETY: the application's function with its own table, which it frees if it succeeds.
        let rc = unsafe { destroy(self.vtab) };
        if rc != SQLITE_OK {
            return self.outcome(rc).map(Some);
        }
        self.is_destroyed.store(true, Ordering::Relaxed);
        Ok(Some(()))
    }

    fn begin(&self, _: &mut Context<'_>) -> Step<()> {
        self.simple(self.methods().xBegin).map(Some)
    }

    fn sync(&self, _: &mut Context<'_>) -> Step<()> {
        self.simple(self.methods().xSync).map(Some)
    }

    fn commit(&self) {
        self.savepoints.store(0, Ordering::Relaxed);
        if !self.is_destroyed.load(Ordering::Relaxed) {
            // The transaction is committed: nothing can fail any more.
            let _ = self.simple(self.methods().xCommit);
        }
    }

    fn rollback(&self) {
        self.savepoints.store(0, Ordering::Relaxed);
        if !self.is_destroyed.load(Ordering::Relaxed) {
            // What is undone is undone, whatever the table says.
            let _ = self.simple(self.methods().xRollback);
        }
    }

    fn savepoint(&self, action: SavepointAction, index: usize) -> Result<(), Error> {
        let methods = self.methods();
        if methods.iVersion < 2 || self.is_destroyed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let index = c_int::try_from(index).unwrap_or(c_int::MAX - 1);
        let function = match action {
            SavepointAction::Begin => {
                self.savepoints.store(index + 1, Ordering::Relaxed);
                methods.xSavepoint
            }
            SavepointAction::Rollback => methods.xRollbackTo,
            SavepointAction::Release => methods.xRelease,
        };
        match function.filter(|_| self.savepoints.load(Ordering::Relaxed) > index) {
            // SAFETY: the application's function with its own table.
            Some(function) => self.outcome(unsafe { function(self.vtab, index) }),
            None => Ok(()),
        }
    }

    fn find_function(&self, name: &str, arguments: usize) -> Option<(Arc<FunctionDef>, ConstraintOp)> {
        let find = self.methods().xFindFunction?;
        let text = c_text(name.to_ascii_lowercase().as_bytes());
        let mut function: ScalarFunction = None;
        let mut data: *mut c_void = ptr::null_mut();
        // SAFETY: the application's function with its own table.
        let found = unsafe { find(self.vtab, arguments as c_int, text.as_ptr(), &mut function, &mut data) };
        let function: RowFunction = function.filter(|_| found != 0)?;
        let scalar =
            Scalar { back: self.module.back, function, registered: Arc::new(Registered::new(data, None)) };
        let def = FunctionDef {
            name: name.to_owned().into(),
            arguments: i8::try_from(arguments).unwrap_or(-1),
            encoding: Encoding::Utf8,
            flags: FunctionFlags(0),
            body: FunctionBody::UserScalar(Arc::new(scalar)),
        };
        let op = u8::try_from(found).ok().filter(|&op| op >= ConstraintOp::FUNCTION.0).unwrap_or(0);
        Some((Arc::new(def), ConstraintOp(op)))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A scan.
struct CCursor {
    /// The engine keeps the table as long as its cursors.
    table: *const CTable,
    cursor: *mut sqlite3_vtab_cursor,
}

// SAFETY: as for its module.
unsafe impl Send for CCursor {}

impl Drop for CCursor {
    fn drop(&mut self) {
        if let Some(close) = self.table().methods().xClose {
            // SAFETY: the application's function; nobody uses the cursor any more.
            unsafe { close(self.cursor) };
        }
        self.table().cursors.fetch_sub(1, Ordering::Relaxed);
    }
}

impl CCursor {
    fn table(&self) -> &CTable {
        // SAFETY: see the field.
        unsafe { &*self.table }
    }
}

impl TableCursor for CCursor {
    fn filter(
        &mut self,
        index_number: i32,
        index_text: Option<&[u8]>,
        arguments: &[Register],
        context: &mut Context<'_>,
    ) -> Step<()> {
        let table = self.table();
        let Some(filter) = table.methods().xFilter else { return Ok(Some(())) };
        let text = index_text.map(c_text);
        let text = text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
        let mut values = Values::new(arguments.iter(), context.encoding);
        let count = values.pointers.len() as c_int;
        // SAFETY: the application's function; values and registers live for the call.
        let rc = unsafe { filter(self.cursor, index_number, text, count, values.pointers.as_mut_ptr()) };
        table.outcome(rc).map(Some)
    }

    fn next(&mut self, _: &mut Context<'_>) -> Step<()> {
        let table = self.table();
        match table.methods().xNext {
            // SAFETY: the application's function with its own cursor.
            Some(next) => table.outcome(unsafe { next(self.cursor) }).map(Some),
            None => Ok(Some(())),
        }
    }

    fn is_at_end(&self) -> bool {
        // SAFETY: the application's function with its own cursor.
        self.table().methods().xEof.is_none_or(|at_end| unsafe { at_end(self.cursor) } != 0)
    }

    fn column(&mut self, column: u16, _: bool, out: &mut Register, context: &mut Context<'_>) -> Step<bool> {
        let table = self.table();
        let Some(read) = table.methods().xColumn else { return Ok(Some(true)) };
        let db = table.module.back.db().as_ptr();
        let mut call = sqlite3_context::new(db, ptr::null_mut(), out, context.encoding);
        // SAFETY: the application's function with its own cursor; the context lives for the call.
        let rc = unsafe { read(self.cursor, &mut call, c_int::from(column)) };
        let outcome = call.outcome();
        table.outcome(rc)?;
        outcome.map_err(|error| Error::with_code(error.code, error.message))?;
        Ok(Some(true))
    }

    fn rowid(&mut self, _: &mut Context<'_>) -> Step<i64> {
        let table = self.table();
        let mut rowid = 0;
        if let Some(read) = table.methods().xRowid {
            // SAFETY: the application's function with its own cursor.
            table.outcome(unsafe { read(self.cursor, &mut rowid) })?;
        }
        Ok(Some(rowid))
    }
}
