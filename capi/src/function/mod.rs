//! Functions and collations of the application.
//!
//! `register` takes them from C, `scalar` and `aggregate` call them, `collation` compares with them.
//!
//! Always true: what an application registered is told by its destructor when the last statement that uses it has let it go.
//!
//! Spec: C/C++ Interface, "Create Or Redefine SQL Functions", "Define New Collating Sequences".

mod aggregate;
pub mod collation;
pub mod register;
pub(crate) mod scalar;

use std::ffi::{c_int, c_void};
use std::ptr;

use kernite::engine::btree::Encoding;
use kernite::engine::vdbe::Register;

use crate::boundary::{Destructor, UserData};
use crate::value::{sqlite3_context, sqlite3_value};

/// `xFunc`, `xStep`, `xInverse`.
pub(crate) type RowFunction = unsafe extern "C" fn(*mut sqlite3_context, c_int, *mut *mut sqlite3_value);
/// `xFinal`, `xValue`.
pub(crate) type ValueFunction = unsafe extern "C" fn(*mut sqlite3_context);

/// The application's argument of what it registered, ended when nobody needs it any more.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) data: UserData,
    destructor: Destructor,
}

impl Registered {
    pub(crate) fn new(data: *mut c_void, destructor: Destructor) -> Registered {
        Registered { data: UserData(data), destructor }
    }

    /// Lets it go without telling the application.
    pub(crate) fn forget(mut self) {
        self.destructor = None;
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        if let Some(destructor) = self.destructor {
            // SAFETY: the application's function with its own argument.
            unsafe { destructor(self.data.0) };
        }
    }
}

/// So many arguments need no memory of their own.
const ON_STACK: usize = 6;

/// Calls a C function with arguments as values.
///
/// # Safety
/// It takes so many arguments.
pub(crate) unsafe fn call_with(
    function: RowFunction,
    context: &mut sqlite3_context,
    encoding: Encoding,
    arguments: &mut [Register],
) {
    let mut values: [sqlite3_value; ON_STACK] = [const { sqlite3_value::new() }; ON_STACK];
    if arguments.len() <= ON_STACK {
        // SAFETY: by the caller.
        unsafe { call(function, context, encoding, arguments, &mut values, &mut [ptr::null_mut(); ON_STACK]) }
    } else {
        let mut values: Vec<sqlite3_value> = Vec::new();
        values.resize_with(arguments.len(), sqlite3_value::new);
        let mut pointers = vec![ptr::null_mut(); arguments.len()];
        // SAFETY: by the caller.
        unsafe { call(function, context, encoding, arguments, &mut values, &mut pointers) }
    }
}

/// # Safety
/// As for [`call_with`]; there are as many values and pointers as arguments.
unsafe fn call(
    function: RowFunction,
    context: &mut sqlite3_context,
    encoding: Encoding,
    arguments: &mut [Register],
    values: &mut [sqlite3_value],
    pointers: &mut [*mut sqlite3_value],
) {
    for ((value, pointer), argument) in values.iter_mut().zip(pointers.iter_mut()).zip(arguments.iter_mut()) {
        value.show(argument, true, encoding);
        *pointer = value;
    }
    // SAFETY: by the caller; values and arguments live for the call.
    unsafe { function(context, arguments.len() as c_int, pointers.as_mut_ptr()) };
}
