//! Binding values to parameters.
//!
//! Values are stored in the database's encoding, which is why text is copied rather than kept.
//!
//! Spec: C/C++ Interface, "Binding Values To Prepared Statements".

use std::ffi::{c_char, c_double, c_int, c_uchar, c_void};
use std::ptr;

use kernite::engine::btree::Encoding;
use kernite::engine::btree::encoding::convert;
use kernite::engine::vdbe::Register;
use kernite::engine::vdbe::register::Tag;

use super::{handle, sqlite3_stmt, with};
use crate::boundary::{Destructor, Owner, code, guard, text};
use crate::connection::Entered;
use crate::constant::*;
use crate::library::{log, misuse};
use crate::value::result::{Given, encoding_of};
use crate::value::{NATIVE_UTF16, of, pointer, sqlite3_value};
use crate::{sqlite3_int64, sqlite3_uint64};

impl sqlite3_stmt {
    /// Lets `set` fill a parameter, which is NULL by then.
    #[inline]
    fn bind(
        &self,
        db: &Entered<'_>,
        number: c_int,
        set: impl FnOnce(&mut Register, Encoding) -> c_int,
    ) -> c_int {
        // SAFETY: the lock is held, and `set` calls nobody.
        let engine = unsafe { self.engine() };
        if self.was_stepped.get() || self.is_running.get() || engine.is_busy() {
            db.error.set(SQLITE_MISUSE);
            let text = String::from_utf8_lossy(self.sql());
            log::write(SQLITE_MISUSE, format!("bind on a busy prepared statement: [{text}]").as_bytes());
            return misuse(line!());
        }
        let encoding = engine.encoding();
        let parameter = u32::try_from(number).ok().and_then(|number| engine.parameter_mut(number));
        let Some(parameter) = parameter else { return db.error.set(SQLITE_RANGE) };
        parameter.set_null();
        match set(parameter, encoding) {
            SQLITE_OK => {
                db.error.clear();
                SQLITE_OK
            }
            rc => {
                parameter.set_null();
                db.error.set(rc)
            }
        }
    }

    fn len_max(&self, db: &Entered<'_>) -> usize {
        usize::try_from(db.lock().limit(SQLITE_LIMIT_LENGTH as usize)).unwrap_or(0)
    }
}

/// Binds text.
///
/// # Safety
/// `text` is NULL, or has a NUL or `len` bytes; `destructor` takes it.
unsafe fn bind_text(
    statement: *mut sqlite3_stmt,
    number: c_int,
    text: *const c_void,
    len: i64,
    encoding: Encoding,
    destructor: Destructor,
) -> c_int {
    let owner = Owner::of(destructor);
    // SAFETY: by the caller.
    unsafe {
        let rc = with(statement, |statement, db| {
            let len_max = statement.len_max(db);
            statement.bind(db, number, |register, to| {
                if !text.is_null() {
                    let given = Given::new(text, len, encoding);
                    if given.len() > len_max {
                        return SQLITE_TOOBIG;
                    }
                    given.store(to, register);
                }
                SQLITE_OK
            })
        });
        owner.release(text);
        rc
    }
}

/// Binds a blob.
///
/// # Safety
/// `blob` is NULL or has `len` bytes; `destructor` takes it.
unsafe fn bind_blob(
    statement: *mut sqlite3_stmt,
    number: c_int,
    blob: *const c_void,
    len: u64,
    destructor: Destructor,
) -> c_int {
    let owner = Owner::of(destructor);
    // SAFETY: by the caller.
    unsafe {
        let rc = with(statement, |statement, db| {
            let len_max = statement.len_max(db) as u64;
            statement.bind(db, number, |register, _| {
                if !blob.is_null() {
                    if len > len_max {
                        return SQLITE_TOOBIG;
                    }
                    register.set_blob(std::slice::from_raw_parts(blob.cast(), len as usize));
                }
                SQLITE_OK
            })
        });
        owner.release(blob);
        rc
    }
}

/// Binds a blob.
///
/// # Safety
/// `statement` is NULL or a statement; `blob` has `len` bytes; `destructor` takes it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_bind_blob(
    statement: *mut sqlite3_stmt,
    number: c_int,
    blob: *const c_void,
    len: c_int,
    destructor: Destructor,
) -> c_int {
    let Ok(len) = u64::try_from(len) else { return misuse(line!()) };
    // SAFETY: the caller's contract.
    unsafe { bind_blob(statement, number, blob, len, destructor) }
}

/// As `sqlite3_bind_blob`.
///
/// # Safety
/// As for `sqlite3_bind_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_bind_blob64(
    statement: *mut sqlite3_stmt,
    number: c_int,
    blob: *const c_void,
    len: sqlite3_uint64,
    destructor: Destructor,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { bind_blob(statement, number, blob, len, destructor) }
}

/// Binds a real.
///
/// # Safety
/// `statement` is NULL or a statement.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_bind_double(
    statement: *mut sqlite3_stmt,
    number: c_int,
    real: c_double,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(statement, |statement, db| {
            statement.bind(db, number, |register, _| {
                register.set_real(real);
                SQLITE_OK
            })
        })
    }
}

/// Binds an integer.
///
/// # Safety
/// `statement` is NULL or a statement.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_bind_int(
    statement: *mut sqlite3_stmt,
    number: c_int,
    integer: c_int,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { sqlite3_bind_int64(statement, number, integer.into()) }
}

/// Binds an integer.
///
/// # Safety
/// `statement` is NULL or a statement.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_bind_int64(
    statement: *mut sqlite3_stmt,
    number: c_int,
    integer: sqlite3_int64,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(statement, |statement, db| {
            statement.bind(db, number, |register, _| {
                register.set_integer(integer);
                SQLITE_OK
            })
        })
    }
}

/// Binds NULL.
///
/// # Safety
/// `statement` is NULL or a statement.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_bind_null(statement: *mut sqlite3_stmt, number: c_int) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { with(statement, |statement, db| statement.bind(db, number, |_, _| SQLITE_OK)) }
}

/// Binds text in UTF-8.
///
/// # Safety
/// `statement` is NULL or a statement; `text` has `len` bytes, or a NUL where `len` < 0; `destructor` takes it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_bind_text(
    statement: *mut sqlite3_stmt,
    number: c_int,
    text: *const c_char,
    len: c_int,
    destructor: Destructor,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { bind_text(statement, number, text.cast(), len.into(), Encoding::Utf8, destructor) }
}

/// Binds text in UTF-16 of this machine; `len` is in bytes.
///
/// # Safety
/// As for `sqlite3_bind_text`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_bind_text16(
    statement: *mut sqlite3_stmt,
    number: c_int,
    text: *const c_void,
    len: c_int,
    destructor: Destructor,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { bind_text(statement, number, text, len.into(), NATIVE_UTF16, destructor) }
}

/// Binds text in an encoding.
///
/// # Safety
/// As for `sqlite3_bind_text`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_bind_text64(
    statement: *mut sqlite3_stmt,
    number: c_int,
    text: *const c_char,
    len: sqlite3_uint64,
    destructor: Destructor,
    encoding: c_uchar,
) -> c_int {
    // A length of -1 comes as the largest number.
    let len = i64::try_from(len).unwrap_or(-1);
    // SAFETY: the caller's contract.
    unsafe { bind_text(statement, number, text.cast(), len, encoding_of(encoding.into()), destructor) }
}

/// Binds a copy of a value.
///
/// # Safety
/// `statement` is NULL or a statement; `value` is a value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_bind_value(
    statement: *mut sqlite3_stmt,
    number: c_int,
    value: *const sqlite3_value,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(statement, |statement, db| {
            let value = of(value.cast_mut());
            let known = value
                .as_ref()
                .and_then(|value| value.register().map(|register| (value.encoding(), register)));
            statement.bind(db, number, |register, to| {
                match known {
                    None => {}
                    Some((from, text)) if text.tag() == Tag::Text && from != to => {
                        convert(text.bytes(), from, to, register.buffer(Tag::Text));
                    }
                    Some((_, other)) if other.pointer().is_some() => {}
                    Some((_, other)) => {
                        register.copy_from(other);
                        register.set_subtype(0);
                    }
                }
                SQLITE_OK
            })
        })
    }
}

/// Binds NULL with a pointer that functions can ask for.
///
/// # Safety
/// `statement` is NULL or a statement; `kind` is a C string that stays; `destructor` takes `data`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_bind_pointer(
    statement: *mut sqlite3_stmt,
    number: c_int,
    data: *mut c_void,
    kind: *const c_char,
    destructor: Destructor,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        let mut is_taken = false;
        let rc = with(statement, |statement, db| {
            statement.bind(db, number, |register, _| {
                is_taken = true;
                pointer::set(register, data, kind, destructor);
                SQLITE_OK
            })
        });
        if let (false, Some(destructor)) = (is_taken, destructor) {
            destructor(data);
        }
        rc
    }
}

/// Binds a blob of zeros.
///
/// # Safety
/// `statement` is NULL or a statement.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_bind_zeroblob(
    statement: *mut sqlite3_stmt,
    number: c_int,
    len: c_int,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { sqlite3_bind_zeroblob64(statement, number, u64::try_from(len).unwrap_or(0)) }
}

/// As `sqlite3_bind_zeroblob`.
///
/// # Safety
/// `statement` is NULL or a statement.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_bind_zeroblob64(
    statement: *mut sqlite3_stmt,
    number: c_int,
    len: sqlite3_uint64,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(statement, |statement, db| {
            if len > statement.len_max(db) as u64 {
                return db.error.set(SQLITE_TOOBIG);
            }
            statement.bind(db, number, |register, _| {
                register.set_zeros(len);
                SQLITE_OK
            })
        })
    }
}

/// How many parameters there are: the largest number used.
///
/// # Safety
/// `statement` is NULL or a statement.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_bind_parameter_count(statement: *mut sqlite3_stmt) -> c_int {
    // SAFETY: the caller's contract; nothing is called meanwhile.
    unsafe { statement.as_ref() }
        .map_or(0, |statement| unsafe { statement.engine() }.parameter_count() as c_int)
}

/// The name of a parameter with its first character; NULL for one without.
///
/// # Safety
/// `statement` is NULL or a statement.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_bind_parameter_name(
    statement: *mut sqlite3_stmt,
    number: c_int,
) -> *const c_char {
    guard(ptr::null(), || {
        // SAFETY: the caller's contract; nothing is called meanwhile.
        let Some(statement) = (unsafe { statement.as_ref() }) else { return ptr::null() };
        let Ok(number @ 1..) = usize::try_from(number) else { return ptr::null() };
        // SAFETY: as above.
        let engine = unsafe { statement.engine() };
        let name = u32::try_from(number).ok().and_then(|number| engine.parameter_name(number));
        let Some(name) = name else { return ptr::null() };
        let mut names = statement.parameter_names.borrow_mut();
        if names.len() <= number {
            names.resize(number + 1, None);
        }
        let kept = names[number].get_or_insert_with(|| [name, b"\0"].concat().into_boxed_slice());
        kept.as_ptr().cast()
    })
}

/// The number of a parameter by name; 0 if there is none.
///
/// # Safety
/// `statement` is NULL or a statement; `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_bind_parameter_index(
    statement: *mut sqlite3_stmt,
    name: *const c_char,
) -> c_int {
    guard(0, || {
        // SAFETY: the caller's contract; nothing is called meanwhile.
        let (Some(statement), Some(name)) = (unsafe { (statement.as_ref(), text(name)) }) else { return 0 };
        // SAFETY: as above.
        unsafe { statement.engine() }.parameter_number(name).unwrap_or(0) as c_int
    })
}

/// Sets all parameters to NULL.
///
/// # Safety
/// `statement` is NULL or a statement.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_clear_bindings(statement: *mut sqlite3_stmt) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(statement, |statement, _| {
            statement.engine().clear_bindings();
            SQLITE_OK
        })
    }
}

/// Of old: moves the bindings of one statement to another with as many parameters.
///
/// # Safety
/// Both are statements of one connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_transfer_bindings(from: *mut sqlite3_stmt, to: *mut sqlite3_stmt) -> c_int {
    code(|| {
        // SAFETY: the caller's contract.
        unsafe {
            let (Some(from), Some(to)) = (handle(from), handle(to)) else { return misuse(line!()) };
            let _entered = from.db().enter();
            let count = from.engine().parameter_count();
            if count != to.engine().parameter_count() {
                return SQLITE_ERROR;
            }
            if ptr::eq(from, to) {
                return SQLITE_OK;
            }
            for number in 1..=count {
                if let (Some(source), Some(target)) =
                    (from.engine().parameter_mut(number), to.engine().parameter_mut(number))
                {
                    std::mem::swap(source, target);
                    source.set_null();
                }
            }
            SQLITE_OK
        }
    })
}
