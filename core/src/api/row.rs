//! Rows of a result.

use std::marker::PhantomData;

use kernite_btree::{Encoding, ValueRef, encoding};

use super::types::{FromSql, FromSqlError, type_of};
use super::{Error, Result};
use crate::connection::raw;

/// The row at hand of a run.
///
/// It is the run itself, seen after a step: rows are read from the machine's registers, not copied. (The lifetime is that of the statement.)
pub struct Row<'stmt> {
    pub(super) raw: raw::Statement,
    /// Values that the caller gets in another form: text of databases in UTF-16, blobs whose zeros are only counted. Empty where
    /// there are none.
    converted: Vec<Option<Vec<u8>>>,
    lifetime: PhantomData<&'stmt ()>,
}

impl Row<'_> {
    pub(super) fn new(raw: raw::Statement) -> Row<'static> {
        Row { raw, converted: Vec::new(), lifetime: PhantomData }
    }

    /// Steps to the next row; `false` at the end.
    pub(super) fn step(&mut self) -> Result<bool> {
        let found = self.raw.step()?;
        if found && self.raw.row_encoding() != Encoding::Utf8 {
            self.convert();
        } else if found {
            self.converted.clear();
        }
        if found && self.raw.row().iter().any(|register| register.zero_tail() != 0) {
            self.expand_zeros();
        }
        Ok(found)
    }

    /// Zeros at the end of a blob that the engine only counts are written for the caller.
    #[cold]
    fn expand_zeros(&mut self) {
        let expanded = |register: &kernite_vdbe::Register| {
            let mut copy = kernite_vdbe::Register::default();
            copy.copy_from(register);
            copy.expand_zeros();
            copy.bytes().to_vec()
        };
        let row = self.raw.row();
        self.converted.resize(row.len(), None);
        for (slot, register) in self.converted.iter_mut().zip(row) {
            if register.zero_tail() != 0 {
                *slot = Some(expanded(register));
            }
        }
    }

    fn convert(&mut self) {
        let from = self.raw.row_encoding();
        let to_utf8 = |value: ValueRef<'_>| match value {
            ValueRef::Text(text) => {
                let mut converted = Vec::new();
                encoding::convert(text, from, Encoding::Utf8, &mut converted);
                Some(converted)
            }
            _ => None,
        };
        self.converted = self.raw.row().iter().map(|register| to_utf8(register.value())).collect();
    }

    /// A column as a Rust value; by position from 0, or by name.
    ///
    /// # Errors
    /// [`Error::InvalidColumnIndex`], [`Error::InvalidColumnName`]; [`Error::InvalidColumnType`] and the like where the value is not a `T`.
    pub fn get<I: RowIndex, T: FromSql>(&self, index: I) -> Result<T> {
        let index = index.position(self)?;
        let value = self.get_ref(index)?;
        T::column_result(value).map_err(|error| match error {
            FromSqlError::InvalidType => {
                Error::InvalidColumnType(index, self.column_name(index), type_of(value))
            }
            FromSqlError::OutOfRange(number) => Error::IntegralValueOutOfRange(index, number),
            error => Error::FromSqlConversionFailure(index, type_of(value), error),
        })
    }

    /// [`Row::get`], for values that cannot be of another type.
    ///
    /// # Panics
    /// Where `get` gives an error.
    pub fn get_unwrap<I: RowIndex, T: FromSql>(&self, index: I) -> T {
        match self.get(index) {
            Ok(value) => value,
            Err(error) => std::panic::panic_any(error.to_string()),
        }
    }

    /// A column's value, borrowed. Text is UTF-8, or whatever bytes were stored.
    ///
    /// # Errors
    /// [`Error::InvalidColumnIndex`], [`Error::InvalidColumnName`].
    pub fn get_ref<I: RowIndex>(&self, index: I) -> Result<ValueRef<'_>> {
        let index = index.position(self)?;
        let register = self.raw.row().get(index).ok_or(Error::InvalidColumnIndex(index))?;
        if let Some(Some(bytes)) = self.converted.get(index) {
            return Ok(match register.value() {
                ValueRef::Text(_) => ValueRef::Text(bytes),
                _ => ValueRef::Blob(bytes),
            });
        }
        Ok(register.value())
    }

    /// Number of columns.
    pub fn column_count(&self) -> usize {
        self.raw.column_count()
    }

    fn column_name(&self, index: usize) -> String {
        let name =
            self.raw.columns().get(index).map(|column| String::from_utf8_lossy(&column.name).into_owned());
        name.unwrap_or_default()
    }
}

/// A column by position or by name.
pub trait RowIndex {
    /// Its position.
    ///
    /// # Errors
    /// [`Error::InvalidColumnIndex`], [`Error::InvalidColumnName`].
    fn position(&self, row: &Row<'_>) -> Result<usize>;
}

impl RowIndex for usize {
    fn position(&self, row: &Row<'_>) -> Result<usize> {
        if *self < row.column_count() { Ok(*self) } else { Err(Error::InvalidColumnIndex(*self)) }
    }
}

impl RowIndex for &str {
    fn position(&self, row: &Row<'_>) -> Result<usize> {
        let found =
            row.raw.columns().iter().position(|column| column.name.eq_ignore_ascii_case(self.as_bytes()));
        found.ok_or_else(|| Error::InvalidColumnName((*self).to_owned()))
    }
}

/// The rows of a run. Dropping it ends the run.
pub struct Rows<'stmt> {
    row: &'stmt mut Row<'static>,
    done: bool,
}

impl<'stmt> Rows<'stmt> {
    pub(super) fn new(row: &'stmt mut Row<'static>) -> Rows<'stmt> {
        Rows { row, done: false }
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// Whatever ends the run.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<&Row<'_>>> {
        if self.done {
            return Ok(None);
        }
        let found = self.row.step();
        self.done = !matches!(found, Ok(true));
        Ok(if found? { Some(&*self.row) } else { None })
    }

    /// Steps to the next row, which [`Rows::get`] gives.
    ///
    /// # Errors
    /// Whatever ends the run.
    pub fn advance(&mut self) -> Result<()> {
        self.next().map(|_| ())
    }

    /// The row at hand; `None` at the end.
    pub fn get(&self) -> Option<&Row<'stmt>> {
        (!self.done).then_some(&*self.row)
    }

    /// All rows through a function.
    pub fn mapped<T, F>(self, map: F) -> MappedRows<'stmt, F>
    where
        F: FnMut(&Row<'_>) -> Result<T>,
    {
        MappedRows { rows: self, map }
    }
}

impl Drop for Rows<'_> {
    fn drop(&mut self) {
        // Its error, if any, was that of the last step.
        let _ = self.row.raw.reset();
    }
}

/// Rows through a function: what [`super::Statement::query_map`] gives.
pub struct MappedRows<'stmt, F> {
    rows: Rows<'stmt>,
    map: F,
}

impl<T, F> Iterator for MappedRows<'_, F>
where
    F: FnMut(&Row<'_>) -> Result<T>,
{
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        match self.rows.next() {
            Ok(Some(row)) => Some((self.map)(row)),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    }
}
