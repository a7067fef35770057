//! SQLite's C API over Kernite.
//!
//! Nothing is exported yet: `COMPAT.md` says what is missing.
