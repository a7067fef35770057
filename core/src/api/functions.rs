//! SQL functions written in Rust.
//!
//! ```
//! use kernite::{Connection, FunctionFlags};
//!
//! # fn main() -> kernite::Result<()> {
//! let db = Connection::open_in_memory()?;
//! db.create_scalar_function("halve", 1, FunctionFlags::SQLITE_DETERMINISTIC, |context| {
//!     Ok(context.get::<f64>(0)? / 2.0)
//! })?;
//! let half: f64 = db.query_row("SELECT halve(3)", [], |row| row.get(0))?;
//! assert_eq!(half, 1.5);
//! # Ok(())
//! # }
//! ```

use std::sync::Arc;

use kernite_btree::{Encoding, ValueRef};
use kernite_vdbe::Register;
use kernite_vdbe::function::{self, FunctionBody, FunctionDef, UserCall, UserError, UserScalar};

use super::types::{FromSql, ToSql};
use super::{Connection, Error, Result};

/// Properties of a function; combine with `|`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FunctionFlags(u32);

impl FunctionFlags {
    /// Text arguments are UTF-8.
    pub const SQLITE_UTF8: FunctionFlags = FunctionFlags(0);
    /// Same arguments, same result: may be evaluated once, and used in indexes.
    pub const SQLITE_DETERMINISTIC: FunctionFlags = FunctionFlags(function::FunctionFlags::CONSTANT);
    /// Not allowed in views, triggers and other schema texts.
    pub const SQLITE_DIRECTONLY: FunctionFlags = FunctionFlags(function::FunctionFlags::DIRECT_ONLY);
    /// Harmless in schema texts even of an untrusted database.
    pub const SQLITE_INNOCUOUS: FunctionFlags = FunctionFlags(function::FunctionFlags::INNOCUOUS);
}

impl std::ops::BitOr for FunctionFlags {
    type Output = FunctionFlags;

    fn bitor(self, other: FunctionFlags) -> FunctionFlags {
        FunctionFlags(self.0 | other.0)
    }
}

/// A call of a function: its arguments.
pub struct Context<'a> {
    arguments: &'a [Register],
}

impl Context<'_> {
    /// Number of arguments.
    pub fn len(&self) -> usize {
        self.arguments.len()
    }

    /// Whether there are no arguments.
    pub fn is_empty(&self) -> bool {
        self.arguments.is_empty()
    }

    /// An argument as a Rust value.
    ///
    /// # Errors
    /// [`Error::InvalidColumnIndex`] past the last; a conversion error where the value is not a `T`.
    pub fn get<T: FromSql>(&self, index: usize) -> Result<T> {
        let value = self.get_raw(index)?;
        T::column_result(value)
            .map_err(|error| Error::FromSqlConversionFailure(index, super::types::type_of(value), error))
    }

    /// An argument, borrowed.
    ///
    /// # Errors
    /// [`Error::InvalidColumnIndex`] past the last.
    pub fn get_raw(&self, index: usize) -> Result<ValueRef<'_>> {
        self.arguments.get(index).map(Register::value).ok_or(Error::InvalidColumnIndex(index))
    }
}

struct Scalar<F>(F);

impl<F, T> UserScalar for Scalar<F>
where
    F: Fn(&Context<'_>) -> Result<T> + Send + Sync,
    T: ToSql,
{
    fn call(
        &self,
        _context: &mut UserCall<'_>,
        arguments: &mut [Register],
        result: &mut Register,
    ) -> Result<(), UserError> {
        let failed =
            |error: Error| UserError { code: error.extended_code().unwrap_or(1), message: error.to_string() };
        let value = (self.0)(&Context { arguments }).map_err(failed)?;
        let output = value.to_sql().map_err(failed)?;
        result.set(output.as_ref());
        Ok(())
    }
}

impl Connection {
    /// Registers a scalar function of `arguments` arguments (-1: any number), replacing one of that name and count.
    ///
    /// # Errors
    /// `SQLITE_MISUSE` for a name or argument count that no function can have.
    pub fn create_scalar_function<F, T>(
        &self,
        name: &str,
        arguments: i32,
        flags: FunctionFlags,
        function: F,
    ) -> Result<()>
    where
        F: Fn(&Context<'_>) -> Result<T> + Send + Sync + 'static,
        T: ToSql + 'static,
    {
        const MISUSE: i32 = 21;
        let count = i8::try_from(arguments).ok().filter(|count| *count >= -1);
        let (Some(arguments), true) = (count, name.len() <= 255) else {
            let text = crate::result_code::text(MISUSE);
            return Err(kernite_vdbe::Error::with_code(MISUSE, text).into());
        };
        self.raw().register_function(FunctionDef {
            name: name.to_ascii_lowercase().into(),
            arguments,
            encoding: Encoding::Utf8,
            flags: function::FunctionFlags(flags.0),
            body: FunctionBody::UserScalar(Arc::new(Scalar(function))),
        });
        Ok(())
    }
}
