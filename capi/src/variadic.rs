//! Functions with a variable number of arguments: the exported symbols, and how Rust takes the arguments.
//!
//! ```text
//! sqlite3_mprintf (here: a jump) ──> kernite_c_mprintf (c/variadic.c: packs) ──> kernite_format_new (Rust) ──> Arguments::int…
//! ```
//!
//! Stable Rust cannot define such a function, and a shared library exports only Rust's symbols. A jump leaves registers and stack as the
//! caller filled them, so that C finds its arguments.
//!
//! Spec: C/C++ Interface, "Formatted String Printing Functions".

use std::ffi::{c_char, c_double, c_int, c_long, c_longlong, c_void};

/// The arguments of one call that were not taken yet.
#[repr(C)]
pub struct Arguments {
    _private: [u8; 0],
}

unsafe extern "C" {
    fn kernite_argument_int(arguments: *mut Arguments) -> c_int;
    fn kernite_argument_long(arguments: *mut Arguments) -> c_long;
    fn kernite_argument_int64(arguments: *mut Arguments) -> c_longlong;
    fn kernite_argument_double(arguments: *mut Arguments) -> c_double;
    fn kernite_argument_pointer(arguments: *mut Arguments) -> *mut c_void;

    fn kernite_c_mprintf();
    fn kernite_c_vmprintf();
    fn kernite_c_snprintf();
    fn kernite_c_vsnprintf();
    fn kernite_c_str_appendf();
    fn kernite_c_str_vappendf();
    fn kernite_c_log();
    fn kernite_c_config();
    fn kernite_c_db_config();
    fn kernite_c_test_control();
    fn kernite_c_vtab_config();
}

/// Takes arguments one by one. What is taken has to be what the caller gave: that is the contract of every such function in C.
pub(crate) struct Taker(*mut Arguments);

impl Taker {
    /// # Safety
    /// `arguments` is what C handed over, and outlives this.
    pub(crate) unsafe fn new(arguments: *mut Arguments) -> Taker {
        Taker(arguments)
    }

    pub(crate) fn int(&mut self) -> c_int {
        // SAFETY: by `new`.
        unsafe { kernite_argument_int(self.0) }
    }

    pub(crate) fn long(&mut self) -> c_long {
        // SAFETY: by `new`.
        unsafe { kernite_argument_long(self.0) }
    }

    pub(crate) fn int64(&mut self) -> i64 {
        // SAFETY: by `new`.
        unsafe { kernite_argument_int64(self.0) }
    }

    pub(crate) fn double(&mut self) -> f64 {
        // SAFETY: by `new`.
        unsafe { kernite_argument_double(self.0) }
    }

    pub(crate) fn pointer(&mut self) -> *mut c_void {
        // SAFETY: by `new`.
        unsafe { kernite_argument_pointer(self.0) }
    }

    pub(crate) fn text(&mut self) -> *const c_char {
        self.pointer().cast_const().cast()
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
compile_error!("functions with a variable number of arguments need a jump of this processor here");

/// Exports a symbol that goes on in a C function.
macro_rules! jump {
    ($($name:ident -> $target:ident),* $(,)?) => {$(
        /// Goes on in `c/variadic.c`, with the arguments as they are.
        ///
        /// # Safety
        /// As for the C function of that name.
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            #[cfg(target_arch = "x86_64")]
            std::arch::naked_asm!("jmp {}", sym $target);
            #[cfg(target_arch = "aarch64")]
            std::arch::naked_asm!("b {}", sym $target);
            #[cfg(target_arch = "riscv64")]
            std::arch::naked_asm!("tail {}", sym $target);
        }
    )*};
}

jump! {
    sqlite3_mprintf -> kernite_c_mprintf,
    sqlite3_vmprintf -> kernite_c_vmprintf,
    sqlite3_snprintf -> kernite_c_snprintf,
    sqlite3_vsnprintf -> kernite_c_vsnprintf,
    sqlite3_str_appendf -> kernite_c_str_appendf,
    sqlite3_str_vappendf -> kernite_c_str_vappendf,
    sqlite3_log -> kernite_c_log,
    sqlite3_config -> kernite_c_config,
    sqlite3_db_config -> kernite_c_db_config,
    sqlite3_test_control -> kernite_c_test_control,
    sqlite3_vtab_config -> kernite_c_vtab_config,
}
