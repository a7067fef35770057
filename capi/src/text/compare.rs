//! Comparing C strings: `sqlite3_stricmp`, `sqlite3_strglob` and their like.
//!
//! Spec: C/C++ Interface, "String Comparison", "String Globbing", "String LIKE Matching".

use std::ffi::{c_char, c_int, c_uint};

use kernite::engine::vdbe::function::builtin::like::{Dialect, Pattern};

use crate::boundary::{guard, text};
use crate::constant::{SQLITE_ERROR, SQLITE_OK};

/// Compares `left` and `right` as if both were in lower case. What is NULL comes first.
///
/// # Safety
/// Both are NULL or C strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_stricmp(left: *const c_char, right: *const c_char) -> c_int {
    // SAFETY: the caller's contract.
    guard(0, || unsafe { compare(left, right, usize::MAX) })
}

/// As `sqlite3_stricmp`, of the first `len` bytes.
///
/// # Safety
/// Both are NULL, or have that many bytes or a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_strnicmp(left: *const c_char, right: *const c_char, len: c_int) -> c_int {
    // SAFETY: the caller's contract.
    guard(0, || unsafe { compare(left, right, usize::try_from(len).unwrap_or(0)) })
}

/// # Safety
/// As for `sqlite3_strnicmp`.
unsafe fn compare(left: *const c_char, right: *const c_char, len: usize) -> c_int {
    if left.is_null() {
        return if right.is_null() { 0 } else { -1 };
    }
    if right.is_null() {
        return 1;
    }
    let (left, right): (*const u8, *const u8) = (left.cast(), right.cast());
    for at in 0..len {
        // SAFETY: neither had a NUL so far, and `len` is not passed.
        let (a, b) = unsafe { (*left.add(at), *right.add(at)) };
        let difference = c_int::from(a.to_ascii_lowercase()) - c_int::from(b.to_ascii_lowercase());
        if difference != 0 || a == 0 {
            return difference;
        }
    }
    0
}

/// What no pattern and no match give: 1.
const NO_MATCH: c_int = 1;

/// # Safety
/// Both are NULL or C strings.
unsafe fn matches(
    pattern: *const c_char,
    subject: *const c_char,
    dialect: Dialect,
    escape: Option<u32>,
) -> c_int {
    // SAFETY: by the caller.
    match unsafe { (text(pattern), text(subject)) } {
        (None, None) => SQLITE_OK,
        (Some(pattern), Some(subject)) if Pattern::new(pattern, dialect, escape).matches(subject) => {
            SQLITE_OK
        }
        _ => NO_MATCH,
    }
}

/// 0 if `subject` matches the GLOB pattern.
///
/// # Safety
/// Both are NULL or C strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_strglob(pattern: *const c_char, subject: *const c_char) -> c_int {
    // SAFETY: the caller's contract.
    guard(SQLITE_ERROR, || unsafe { matches(pattern, subject, Dialect::Glob, None) })
}

/// 0 if `subject` matches the LIKE pattern. `escape` is a character, or 0.
///
/// # Safety
/// Both are NULL or C strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_strlike(
    pattern: *const c_char,
    subject: *const c_char,
    escape: c_uint,
) -> c_int {
    let escape = (escape != 0).then_some(escape);
    // SAFETY: the caller's contract.
    guard(SQLITE_ERROR, || unsafe { matches(pattern, subject, Dialect::Like, escape) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_ignore_case_and_stop_at_the_length() {
        // SAFETY: C strings.
        unsafe {
            assert_eq!(sqlite3_stricmp(c"Abc".as_ptr(), c"aBC".as_ptr()), 0);
            assert_eq!(sqlite3_stricmp(c"a".as_ptr(), c"C".as_ptr()), -2);
            assert_eq!(sqlite3_stricmp(c"ab".as_ptr(), c"a".as_ptr()), c_int::from(b'b'));
            assert_eq!(sqlite3_strnicmp(c"abX".as_ptr(), c"ABy".as_ptr(), 2), 0);
            assert_eq!(sqlite3_strnicmp(c"a".as_ptr(), c"b".as_ptr(), -1), 0);
            assert_eq!(sqlite3_stricmp(std::ptr::null(), c"".as_ptr()), -1);
        }
    }

    #[test]
    fn patterns_match_as_in_sql() {
        // SAFETY: C strings.
        unsafe {
            assert_eq!(sqlite3_strglob(c"a[b-d]*".as_ptr(), c"acme".as_ptr()), 0);
            assert_eq!(sqlite3_strglob(c"a*".as_ptr(), c"A".as_ptr()), 1);
            assert_eq!(sqlite3_strlike(c"A%z".as_ptr(), c"abcZ".as_ptr(), 0), 0);
            assert_eq!(sqlite3_strlike(c"a!%".as_ptr(), c"a%".as_ptr(), u32::from('!')), 0);
            assert_eq!(sqlite3_strlike(c"a!%".as_ptr(), c"ab".as_ptr(), u32::from('!')), 1);
            assert_eq!(sqlite3_strlike(std::ptr::null(), std::ptr::null(), 0), 0);
            assert_eq!(sqlite3_strlike(c"".as_ptr(), std::ptr::null(), 0), 1);
        }
    }
}
