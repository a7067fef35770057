//! Pointers passed between functions: a NULL that carries a pointer with the name of its type.
//!
//! Spec: C/C++ Interface, "Pointer Passing Interface".

use std::ffi::{CStr, c_char, c_void};
use std::sync::Arc;

use kernite::engine::vdbe::Register;

use crate::boundary::{Destructor, UserData, text};

/// A pointer with its type and what ends it.
struct Passed {
    pointer: UserData,
    kind: UserData,
    destructor: Destructor,
}

impl Drop for Passed {
    fn drop(&mut self) {
        if let Some(destructor) = self.destructor {
            // SAFETY: the application's function with the pointer that it gave for it.
            unsafe { destructor(self.pointer.0) };
        }
    }
}

/// Sets a register to a pointer.
///
/// # Safety
/// `kind` is NULL or a C string that stays as it is.
pub(crate) unsafe fn set(
    register: &mut Register,
    pointer: *mut c_void,
    kind: *const c_char,
    destructor: Destructor,
) {
    let kind = if kind.is_null() { c"".as_ptr() } else { kind };
    register.set_pointer(Arc::new(Passed {
        pointer: UserData(pointer),
        kind: UserData(kind.cast_mut().cast()),
        destructor,
    }));
}

/// The pointer of a register, if it is of type `kind`.
///
/// # Safety
/// `kind` is NULL or a C string.
pub(crate) unsafe fn get(register: &Register, kind: *const c_char) -> *mut c_void {
    let passed = register.pointer().and_then(|pointer| pointer.downcast_ref::<Passed>());
    let Some(passed) = passed else { return std::ptr::null_mut() };
    // SAFETY: by the caller, here and in `set`.
    let (known, asked) = unsafe { (CStr::from_ptr(passed.kind.0.cast()), text(kind)) };
    if asked.is_some_and(|asked| asked == known.to_bytes()) { passed.pointer.0 } else { std::ptr::null_mut() }
}
