//! Registering functions.

use std::ffi::{c_char, c_int, c_void};
use std::sync::Arc;

use kernite::engine::btree::Encoding;
use kernite::engine::vdbe::function::registry::FunctionLookup;
use kernite::engine::vdbe::function::{FunctionBody, FunctionDef, FunctionFlags};

use super::aggregate::Aggregate;
use super::scalar::Scalar;
use super::{Registered, RowFunction, ValueFunction};
use crate::boundary::{Destructor, text, wide};
use crate::connection::error::narrowed;
use crate::connection::hook::Back;
use crate::connection::{Entered, sqlite3, with};
use crate::constant::*;
use crate::library::misuse;
use crate::value::{NATIVE_UTF16, sqlite3_context, sqlite3_value};

/// What is registered.
#[derive(Clone, Copy, Default)]
struct Functions {
    scalar: Option<RowFunction>,
    step: Option<RowFunction>,
    finish: Option<ValueFunction>,
    value: Option<ValueFunction>,
    inverse: Option<RowFunction>,
}

impl Functions {
    /// Nothing: the function is removed.
    fn is_empty(&self) -> bool {
        self.scalar.is_none() && self.step.is_none() && self.finish.is_none()
    }

    /// Whether they fit together: a scalar function, an aggregate, a window function, or nothing.
    fn fit(&self) -> bool {
        !(self.scalar.is_some() && self.finish.is_some())
            && self.finish.is_none() == self.step.is_none()
            && self.value.is_none() == self.inverse.is_none()
            && (self.value.is_none() || self.step.is_some())
    }
}

/// Most arguments that a function can be registered for, and the longest name.
const ARGUMENTS_MAX: c_int = 1000;
const NAME_LEN_MAX: usize = 255;

fn flags_of(representation: c_int) -> u32 {
    let pairs = [
        (SQLITE_DETERMINISTIC, FunctionFlags::CONSTANT),
        (SQLITE_DIRECTONLY, FunctionFlags::DIRECT_ONLY),
        (SQLITE_SUBTYPE, FunctionFlags::SUBTYPE),
        (SQLITE_INNOCUOUS, FunctionFlags::INNOCUOUS),
        (SQLITE_RESULT_SUBTYPE, FunctionFlags::RESULT_SUBTYPE),
    ];
    pairs.iter().filter(|(code, _)| representation & code != 0).fold(0, |flags, (_, flag)| flags | flag)
}

/// The encodings that a function is registered for.
fn encodings(representation: c_int) -> &'static [Encoding] {
    match representation & 7 {
        SQLITE_UTF16 if NATIVE_UTF16 == Encoding::Utf16Le => &[Encoding::Utf16Le],
        SQLITE_UTF16 => &[Encoding::Utf16Be],
        SQLITE_ANY => &[Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be],
        SQLITE_UTF16LE => &[Encoding::Utf16Le],
        SQLITE_UTF16BE => &[Encoding::Utf16Be],
        _ => &[Encoding::Utf8],
    }
}

fn register(
    db: &Entered<'_>,
    name: &[u8],
    arguments: c_int,
    representation: c_int,
    functions: Functions,
    registered: Registered,
) -> c_int {
    if !functions.fit() || !(-1..=ARGUMENTS_MAX).contains(&arguments) || name.len() > NAME_LEN_MAX {
        return misuse(line!());
    }
    let Ok(name) = std::str::from_utf8(name) else { return misuse(line!()) };
    // The engine counts arguments in eight bits; more than that are any number, checked by nobody but the function.
    let count = i8::try_from(arguments).unwrap_or(-1);
    let raw = db.raw();
    let is_known = encodings(representation).iter().any(|&encoding| raw.has_function(name, count, encoding));
    if is_known && raw.active_statements() > 0 {
        return db.fail(SQLITE_BUSY, "unable to delete/modify user-function due to active statements");
    }
    if functions.is_empty() {
        for &encoding in encodings(representation) {
            raw.remove_function(name, count, encoding);
        }
        return db.exit(Ok(()));
    }
    let registered = Arc::new(registered);
    let back = Back::new(db);
    for &encoding in encodings(representation) {
        let mut flags = flags_of(representation);
        let body = match (functions.scalar, functions.step, functions.finish) {
            (Some(function), _, _) => FunctionBody::UserScalar(Arc::new(Scalar {
                back,
                function,
                registered: Arc::clone(&registered),
            })),
            (None, Some(step), Some(finish)) => {
                if functions.value.is_some() {
                    flags |= FunctionFlags::WINDOW;
                }
                FunctionBody::UserAggregate(Arc::new(Aggregate {
                    back,
                    step,
                    finish,
                    value: functions.value,
                    inverse: functions.inverse,
                    registered: Arc::clone(&registered),
                }))
            }
            _ => return misuse(line!()),
        };
        raw.register_function(FunctionDef {
            name: name.to_owned().into(),
            arguments: count,
            encoding,
            flags: FunctionFlags(flags),
            body,
        });
    }
    db.exit(Ok(()))
}

/// # Safety
/// `db` is NULL or a connection; `name` is NULL or a C string.
unsafe fn register_named(
    db: *mut sqlite3,
    name: *const c_char,
    arguments: c_int,
    representation: c_int,
    functions: Functions,
    registered: Registered,
) -> c_int {
    // SAFETY: by the caller.
    unsafe {
        with(db, |db| match text(name) {
            Some(name) => register(db, name, arguments, representation, functions, registered),
            None => misuse(line!()),
        })
    }
}

/// Registers a function for so many arguments (-1: any number) in an encoding; NULL functions remove it.
///
/// # Safety
/// `db` is NULL or a connection; `name` is a C string; the functions may be called with `data` in their contexts. So for all functions here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_create_function(
    db: *mut sqlite3,
    name: *const c_char,
    arguments: c_int,
    representation: c_int,
    data: *mut c_void,
    scalar: Option<unsafe extern "C" fn(*mut sqlite3_context, c_int, *mut *mut sqlite3_value)>,
    step: Option<unsafe extern "C" fn(*mut sqlite3_context, c_int, *mut *mut sqlite3_value)>,
    finish: Option<unsafe extern "C" fn(*mut sqlite3_context)>,
) -> c_int {
    let functions = Functions { scalar, step, finish, ..Functions::default() };
    // SAFETY: the caller's contract.
    unsafe { register_named(db, name, arguments, representation, functions, Registered::new(data, None)) }
}

/// As `sqlite3_create_function`, with a name in UTF-16.
///
/// # Safety
/// As for `sqlite3_create_function`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_create_function16(
    db: *mut sqlite3,
    name: *const c_void,
    arguments: c_int,
    representation: c_int,
    data: *mut c_void,
    scalar: Option<unsafe extern "C" fn(*mut sqlite3_context, c_int, *mut *mut sqlite3_value)>,
    step: Option<unsafe extern "C" fn(*mut sqlite3_context, c_int, *mut *mut sqlite3_value)>,
    finish: Option<unsafe extern "C" fn(*mut sqlite3_context)>,
) -> c_int {
    let functions = Functions { scalar, step, finish, ..Functions::default() };
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| match wide(name, -1) {
            Some(name) => {
                let registered = Registered::new(data, None);
                register(db, &narrowed(name), arguments, representation, functions, registered)
            }
            None => misuse(line!()),
        })
    }
}

/// As `sqlite3_create_function`; `destructor` is told when `data` is not needed any more, also when registering fails.
///
/// # Safety
/// As for `sqlite3_create_function`; `destructor` takes `data`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_create_function_v2(
    db: *mut sqlite3,
    name: *const c_char,
    arguments: c_int,
    representation: c_int,
    data: *mut c_void,
    scalar: Option<unsafe extern "C" fn(*mut sqlite3_context, c_int, *mut *mut sqlite3_value)>,
    step: Option<unsafe extern "C" fn(*mut sqlite3_context, c_int, *mut *mut sqlite3_value)>,
    finish: Option<unsafe extern "C" fn(*mut sqlite3_context)>,
    destructor: Destructor,
) -> c_int {
    let functions = Functions { scalar, step, finish, ..Functions::default() };
    // SAFETY: the caller's contract.
    unsafe {
        register_named(db, name, arguments, representation, functions, Registered::new(data, destructor))
    }
}

/// Registers an aggregate that may be used as a window function.
///
/// # Safety
/// As for `sqlite3_create_function_v2`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_create_window_function(
    db: *mut sqlite3,
    name: *const c_char,
    arguments: c_int,
    representation: c_int,
    data: *mut c_void,
    step: Option<unsafe extern "C" fn(*mut sqlite3_context, c_int, *mut *mut sqlite3_value)>,
    finish: Option<unsafe extern "C" fn(*mut sqlite3_context)>,
    value: Option<unsafe extern "C" fn(*mut sqlite3_context)>,
    inverse: Option<unsafe extern "C" fn(*mut sqlite3_context, c_int, *mut *mut sqlite3_value)>,
    destructor: Destructor,
) -> c_int {
    let functions = Functions { scalar: None, step, finish, value, inverse };
    // SAFETY: the caller's contract.
    unsafe {
        register_named(db, name, arguments, representation, functions, Registered::new(data, destructor))
    }
}

/// What a function that only virtual tables can answer says elsewhere.
unsafe extern "C" fn overloaded(
    context: *mut sqlite3_context,
    _count: c_int,
    _arguments: *mut *mut sqlite3_value,
) {
    // SAFETY: the engine passes the context of a call under way, whose data is the name.
    unsafe {
        if let Some(context) = context.as_mut() {
            let name = text(context.user_data.cast_const().cast()).unwrap_or_default();
            let name = String::from_utf8_lossy(name).into_owned();
            let message = format!("unable to use function {name} in the requested context");
            context.fail(SQLITE_ERROR, message.as_bytes());
        }
    }
}

unsafe extern "C" fn free_name(name: *mut c_void) {
    // SAFETY: `sqlite3_overload_function` made it.
    unsafe { crate::memory::release(name) };
}

/// Has a function of that name and number of arguments be there, so that virtual tables can overload it.
///
/// # Safety
/// As for `sqlite3_create_function`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_overload_function(
    db: *mut sqlite3,
    name: *const c_char,
    arguments: c_int,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| {
            let (Some(name), true) = (text(name), arguments >= -2) else { return misuse(line!()) };
            let found = db.raw().find_function(name, usize::try_from(arguments).unwrap_or(0));
            if matches!(found, FunctionLookup::Found(_)) {
                return SQLITE_OK;
            }
            let copy = crate::memory::copy_of(name, 1);
            if copy.is_null() {
                return db.error.set(SQLITE_NOMEM);
            }
            let functions = Functions { scalar: Some(overloaded), ..Functions::default() };
            let registered = Registered::new(copy, Some(free_name));
            register(db, name, arguments, SQLITE_UTF8, functions, registered)
        })
    }
}
