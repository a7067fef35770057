//! Values between Rust and SQL.

use std::sync::Arc;

pub use kernite_btree::ValueRef;

/// Type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Null,
    Integer,
    Real,
    Text,
    Blob,
}

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Type::Null => "Null",
            Type::Integer => "Integer",
            Type::Real => "Real",
            Type::Text => "Text",
            Type::Blob => "Blob",
        })
    }
}

/// The type of a borrowed value.
pub fn type_of(value: ValueRef<'_>) -> Type {
    match value {
        ValueRef::Null => Type::Null,
        ValueRef::Integer(_) => Type::Integer,
        ValueRef::Real(_) => Type::Real,
        ValueRef::Text(_) => Type::Text,
        ValueRef::Blob(_) => Type::Blob,
    }
}

/// NULL, as a parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Null;

/// An owned value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Integer(i64),
    Real(f64),
    /// Any bytes: SQLite's text need not be valid UTF-8.
    Text(String),
    Blob(Vec<u8>),
}

impl Value {
    /// The value, borrowed.
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Value::Null => ValueRef::Null,
            Value::Integer(number) => ValueRef::Integer(*number),
            Value::Real(number) => ValueRef::Real(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(blob) => ValueRef::Blob(blob),
        }
    }
}

/// Why a value is not what was asked for.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FromSqlError {
    /// Another type.
    #[error("Invalid type")]
    InvalidType,
    /// The integer does not fit.
    #[error("Value out of range: {0}")]
    OutOfRange(i64),
    /// Another length, for arrays.
    #[error("Blob size mismatch: expected {expected} bytes, got {actual}")]
    InvalidBlobSize { expected: usize, actual: usize },
    /// Text that is not UTF-8.
    #[error("invalid utf-8 sequence")]
    InvalidUtf8,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Result of a conversion from SQL.
pub type FromSqlResult<T> = Result<T, FromSqlError>;

/// Types that a column can be read as.
pub trait FromSql: Sized {
    /// Converts a column's value.
    ///
    /// # Errors
    /// [`FromSqlError`] where the value is of another type or does not fit.
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self>;
}

/// What a parameter becomes.
pub enum ToSqlOutput<'a> {
    Borrowed(ValueRef<'a>),
    Owned(Value),
}

impl ToSqlOutput<'_> {
    /// The value, borrowed.
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            ToSqlOutput::Borrowed(value) => *value,
            ToSqlOutput::Owned(value) => value.as_ref(),
        }
    }
}

/// Types that can be bound to a parameter.
pub trait ToSql {
    /// The value to bind.
    ///
    /// # Errors
    /// What cannot be stored, for example an integer above 2^63 - 1.
    fn to_sql(&self) -> crate::Result<ToSqlOutput<'_>>;
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<$type> {
                match value {
                    ValueRef::Integer(number) => {
                        <$type>::try_from(number).map_err(|_| FromSqlError::OutOfRange(number))
                    }
                    _ => Err(FromSqlError::InvalidType),
                }
            }
        }

        impl ToSql for $type {
            fn to_sql(&self) -> crate::Result<ToSqlOutput<'_>> {
                let number = i64::try_from(*self)
                    .map_err(|error| crate::Error::ToSqlConversionFailure(error.to_string()))?;
                Ok(ToSqlOutput::Borrowed(ValueRef::Integer(number)))
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

macro_rules! reals {
    ($($type:ty),*) => {$(
        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<$type> {
                match value {
                    ValueRef::Integer(number) => Ok(number as $type),
                    ValueRef::Real(number) => Ok(number as $type),
                    _ => Err(FromSqlError::InvalidType),
                }
            }
        }

        impl ToSql for $type {
            fn to_sql(&self) -> crate::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::Borrowed(ValueRef::Real(f64::from(*self))))
            }
        }
    )*};
}

reals!(f32, f64);

impl FromSql for bool {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<bool> {
        i64::column_result(value).map(|number| number != 0)
    }
}

impl ToSql for bool {
    fn to_sql(&self) -> crate::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Integer(i64::from(*self))))
    }
}

fn utf8(value: ValueRef<'_>) -> FromSqlResult<&str> {
    match value {
        ValueRef::Text(text) => std::str::from_utf8(text).map_err(|_| FromSqlError::InvalidUtf8),
        _ => Err(FromSqlError::InvalidType),
    }
}

macro_rules! texts {
    ($($type:ty),*) => {$(
        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<$type> {
                utf8(value).map(<$type>::from)
            }
        }
    )*};
}

texts!(String, Box<str>, Arc<str>);

impl FromSql for Vec<u8> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Vec<u8>> {
        match value {
            ValueRef::Blob(blob) => Ok(blob.to_vec()),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

impl<const N: usize> FromSql for [u8; N] {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<[u8; N]> {
        match value {
            ValueRef::Blob(blob) => {
                blob.try_into().map_err(|_| FromSqlError::InvalidBlobSize { expected: N, actual: blob.len() })
            }
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

impl<T: FromSql> FromSql for Option<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Option<T>> {
        match value {
            ValueRef::Null => Ok(None),
            value => T::column_result(value).map(Some),
        }
    }
}

impl FromSql for Value {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Value> {
        Ok(match value {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Integer(number),
            ValueRef::Real(number) => Value::Real(number),
            ValueRef::Text(_) => Value::Text(utf8(value)?.to_owned()),
            ValueRef::Blob(blob) => Value::Blob(blob.to_vec()),
        })
    }
}

impl ToSql for Null {
    fn to_sql(&self) -> crate::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Null))
    }
}

impl ToSql for str {
    fn to_sql(&self) -> crate::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.as_bytes())))
    }
}

impl ToSql for String {
    fn to_sql(&self) -> crate::Result<ToSqlOutput<'_>> {
        self.as_str().to_sql()
    }
}

impl ToSql for [u8] {
    fn to_sql(&self) -> crate::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self)))
    }
}

impl ToSql for Vec<u8> {
    fn to_sql(&self) -> crate::Result<ToSqlOutput<'_>> {
        self.as_slice().to_sql()
    }
}

impl<const N: usize> ToSql for [u8; N] {
    fn to_sql(&self) -> crate::Result<ToSqlOutput<'_>> {
        self.as_slice().to_sql()
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> crate::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.as_ref()))
    }
}

impl<T: ToSql> ToSql for Option<T> {
    fn to_sql(&self) -> crate::Result<ToSqlOutput<'_>> {
        match self {
            Some(value) => value.to_sql(),
            None => Null.to_sql(),
        }
    }
}

impl<T: ToSql + ?Sized> ToSql for &T {
    fn to_sql(&self) -> crate::Result<ToSqlOutput<'_>> {
        (**self).to_sql()
    }
}

impl<T: ToSql + ?Sized> ToSql for Box<T> {
    fn to_sql(&self) -> crate::Result<ToSqlOutput<'_>> {
        (**self).to_sql()
    }
}

macro_rules! into_value {
    ($($type:ty => $variant:ident),*) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Value {
                Value::$variant(value.into())
            }
        }
    )*};
}

into_value!(i32 => Integer, i64 => Integer, u32 => Integer, f64 => Real, String => Text, &str => Text, Vec<u8> => Blob);
