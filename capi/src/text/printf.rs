//! `sqlite3_mprintf` and its like: the printf engine of SQL, with arguments from C.
//!
//! Spec: Built-in printf(), "Formatted String Printing Functions".

use std::borrow::Cow;
use std::ffi::{CStr, c_char, c_int, c_long};
use std::mem::MaybeUninit;
use std::ptr;

use kernite::engine::btree::encoding::push_utf8;
use kernite::engine::vdbe::function::builtin::printf::{self as engine, Most, Size, TooLong};
use kernite::engine::vdbe::value::render::IntegerText;

use super::builder::sqlite3_str;
use crate::boundary::{guard, store, text};
use crate::constant::*;
use crate::variadic::{Arguments, Taker};
use crate::{library, memory};

/// Longest text that is made.
const LEN_MAX: usize = 1_000_000_000;

/// Most texts are shorter than this.
const USUAL_LEN: usize = 200;

/// A C caller's arguments as the engine takes them.
struct FromC(Taker);

/// The bytes of a C string that a precision lets through.
///
/// # Safety
/// `text` is NULL, or has a NUL or as many bytes as `most` asks for.
unsafe fn bytes_of<'a>(text: *const c_char, most: Most) -> Option<&'a [u8]> {
    if text.is_null() {
        return None;
    }
    let start: *const u8 = text.cast();
    // SAFETY: by the caller; nothing is read behind a NUL or behind what was asked for.
    unsafe {
        let len = match most {
            Most::All => CStr::from_ptr(text).to_bytes().len(),
            Most::Bytes(most) => libc::strnlen(text, most),
            Most::Characters(most) => {
                let mut len = 0;
                for _ in 0..most {
                    if *start.add(len) == 0 {
                        break;
                    }
                    let is_multibyte = *start.add(len) >= 0xc0;
                    len += 1;
                    while is_multibyte && *start.add(len) & 0xc0 == 0x80 {
                        len += 1;
                    }
                }
                len
            }
        };
        Some(std::slice::from_raw_parts(start, len))
    }
}

impl engine::Arguments for FromC {
    fn integer(&mut self, size: Size, signed: bool) -> i64 {
        match (size, signed) {
            (Size::Int, true) => i64::from(self.0.int()),
            (Size::Int, false) => i64::from(self.0.int() as u32),
            #[allow(clippy::useless_conversion)] // A C long has 32 bits on some machines.
            (Size::Long, true) => i64::from(self.0.long()),
            #[allow(clippy::useless_conversion)] // As above.
            (Size::Long, false) => {
                let value = self.0.long();
                let bits = u64::from_ne_bytes(i64::from(value).to_ne_bytes());
                (bits & (u64::MAX >> (u64::BITS - c_long::BITS))) as i64
            }
            (Size::LongLong, _) => self.0.int64(),
        }
    }

    fn real(&mut self) -> f64 {
        self.0.double()
    }

    fn text(&mut self, most: Most) -> Option<Cow<'_, [u8]>> {
        // SAFETY: the caller's contract: the argument is a C string as long as the directive needs.
        unsafe { bytes_of(self.0.text(), most) }.map(Cow::Borrowed)
    }

    fn taken_text(&mut self, most: Most) -> Option<Cow<'_, [u8]>> {
        let text = self.0.pointer();
        // SAFETY: the caller's contract: a C string of `sqlite3_malloc` that becomes ours.
        unsafe {
            let copy = bytes_of(text.cast_const().cast(), most).map(<[u8]>::to_vec);
            memory::release(text);
            copy.map(Cow::Owned)
        }
    }

    fn character(&mut self) -> Vec<u8> {
        let mut out = Vec::with_capacity(4);
        push_utf8(self.0.int() as u32, &mut out);
        out
    }

    fn store_len(&mut self, len: usize) {
        let out: *mut c_int = self.0.pointer().cast();
        // SAFETY: the caller's contract: a pointer to an int.
        unsafe { store(out, len as c_int) };
    }
}

/// Appends formatted text.
///
/// # Errors
/// It would be longer than strings may be.
pub(crate) fn format(format: &[u8], arguments: Taker, out: &mut Vec<u8>) -> Result<(), TooLong> {
    engine::format(format, &mut FromC(arguments), LEN_MAX, out)
}

/// Writes formatted text as far as there is room; how much that was.
fn format_cut(format: &[u8], mut arguments: Taker, out: &mut [MaybeUninit<u8>]) -> usize {
    let (len, rest) = write_plain(format, &mut arguments, out);
    if rest.is_empty() {
        return len;
    }
    let mut built = Vec::with_capacity(out.len().min(USUAL_LEN));
    // SAFETY: so much was written.
    built.extend_from_slice(unsafe { std::slice::from_raw_parts(out.as_ptr().cast(), len) });
    // What is too long is cut, here as there.
    let _ = self::format(rest, arguments, &mut built);
    len + copy_cut(built.get(len..).unwrap_or_default(), &mut out[len..])
}

/// Writes text, `%s` and `%d` straight to where they shall stand, up to the first directive that is another: most formats have
/// no other. Gives how much was written and the rest of the format.
fn write_plain<'f>(
    format: &'f [u8],
    arguments: &mut Taker,
    out: &mut [MaybeUninit<u8>],
) -> (usize, &'f [u8]) {
    let mut at = 0;
    let mut rest = format;
    loop {
        match rest {
            [b'%', b's', after @ ..] => {
                // SAFETY: the caller's contract: the argument is a C string.
                let text = unsafe { bytes_of(arguments.text(), Most::All) }.unwrap_or_default();
                at += copy_cut(text, &mut out[at..]);
                rest = after;
            }
            [b'%', b'd', after @ ..] => {
                at += copy_cut(IntegerText::of(arguments.int().into()).as_bytes(), &mut out[at..]);
                rest = after;
            }
            [] | [b'%', ..] => return (at, rest),
            [byte, after @ ..] => {
                if let Some(place) = out.get_mut(at) {
                    place.write(*byte);
                    at += 1;
                }
                rest = after;
            }
        }
    }
}

/// Copies as much as there is room for; how much that was.
#[inline]
fn copy_cut(text: &[u8], out: &mut [MaybeUninit<u8>]) -> usize {
    let len = text.len().min(out.len());
    out[..len].write_copy_of_slice(&text[..len]);
    len
}

/// The Rust half of `sqlite3_mprintf` and `sqlite3_vmprintf`.
///
/// # Safety
/// `format` is NULL or a C string; `arguments` come from C and fit it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kernite_format_new(format: *const c_char, arguments: *mut Arguments) -> *mut c_char {
    guard(ptr::null_mut(), || {
        if library::initialize() != SQLITE_OK {
            return ptr::null_mut();
        }
        // SAFETY: the caller's contract.
        let (Some(format), arguments) = (unsafe { (text(format), Taker::new(arguments)) }) else {
            library::misuse(line!());
            return ptr::null_mut();
        };
        let mut out = Vec::with_capacity(format.len() + 32);
        match self::format(format, arguments, &mut out) {
            Ok(()) => memory::copy_of(&out, 1).cast(),
            Err(TooLong) => ptr::null_mut(),
        }
    })
}

/// The Rust half of `sqlite3_snprintf` and `sqlite3_vsnprintf`: text is cut to `size` - 1 bytes.
///
/// # Safety
/// `out` has room for `size` bytes; the rest as for [`kernite_format_new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kernite_format_into(
    size: c_int,
    out: *mut c_char,
    format: *const c_char,
    arguments: *mut Arguments,
) -> *mut c_char {
    guard(out, || {
        let Ok(size @ 1..) = usize::try_from(size) else { return out };
        // SAFETY: the caller's contract.
        let (format, arguments) = unsafe { (text(format), Taker::new(arguments)) };
        let Some(format) = format.filter(|_| !out.is_null()) else {
            library::misuse(line!());
            if !out.is_null() {
                // SAFETY: there is room for a byte.
                unsafe { out.write(0) };
            }
            return out;
        };
        // SAFETY: `size` bytes are there, by the caller. What is cast to has the same layout, and demands no value.
        let room = unsafe { std::slice::from_raw_parts_mut(out.cast::<MaybeUninit<u8>>(), size - 1) };
        let len = format_cut(format, arguments, room);
        // SAFETY: `size` bytes are there, and `len` is less.
        unsafe { out.add(len).write(0) };
        out
    })
}

/// The Rust half of `sqlite3_str_appendf` and `sqlite3_str_vappendf`.
///
/// # Safety
/// `str` came from `sqlite3_str_new`; the rest as for [`kernite_format_new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kernite_format_append(
    str: *mut sqlite3_str,
    format: *const c_char,
    arguments: *mut Arguments,
) {
    guard((), || {
        // SAFETY: the caller's contract.
        let (str, format, arguments) = unsafe { (str.as_mut(), text(format), Taker::new(arguments)) };
        if let (Some(str), Some(format)) = (str, format) {
            str.append_with(|limit, out| engine::format(format, &mut FromC(arguments), limit, out));
        }
    });
}
