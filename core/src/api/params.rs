//! Parameters of a statement: lists, tuples, names.

use super::types::ToSql;
use super::{Error, Result, Statement};

/// Makes a list of parameters of different types: `params![1, "two", 3.0]`.
#[macro_export]
macro_rules! params {
    () => { &[] as &[&dyn $crate::ToSql] };
    ($($param:expr),+ $(,)?) => { &[$(&$param as &dyn $crate::ToSql),+] as &[&dyn $crate::ToSql] };
}

/// Makes a list of named parameters: `named_params! { ":a": 1, ":b": "two" }`.
#[macro_export]
macro_rules! named_params {
    () => { &[] as &[(&str, &dyn $crate::ToSql)] };
    ($($name:literal: $value:expr),+ $(,)?) => {
        &[$(($name, &$value as &dyn $crate::ToSql)),+] as &[(&str, &dyn $crate::ToSql)]
    };
}

/// What can be given as the parameters of a statement: `[]`, `()`, an array of one type, a tuple, [`params!`](crate::params!),
/// [`named_params!`](crate::named_params!), or [`params_from_iter`].
pub trait Params {
    /// Binds all of them.
    #[doc(hidden)]
    fn bind_to(self, statement: &mut Statement<'_>) -> Result<()>;
}

fn bind_all<T: ToSql>(values: impl IntoIterator<Item = T>, statement: &mut Statement<'_>) -> Result<()> {
    let wanted = statement.parameter_count();
    let mut given = 0;
    for value in values {
        given += 1;
        if given <= wanted {
            statement.raw_bind_parameter(given, value)?;
        }
    }
    if given != wanted {
        return Err(Error::InvalidParameterCount(given, wanted));
    }
    Ok(())
}

fn bind_named<'a>(
    values: impl IntoIterator<Item = (&'a str, &'a dyn ToSql)>,
    statement: &mut Statement<'_>,
) -> Result<()> {
    for (name, value) in values {
        let Some(number) = statement.parameter_index(name)? else {
            return Err(Error::InvalidParameterName(name.to_owned()));
        };
        statement.raw_bind_parameter(number, value)?;
    }
    Ok(())
}

impl Params for () {
    fn bind_to(self, statement: &mut Statement<'_>) -> Result<()> {
        bind_all(std::iter::empty::<i64>(), statement)
    }
}

// A fixed empty array has no element type to infer, so it is spelled out: `[]` is "no parameters".
impl Params for [&(dyn ToSql + Send + Sync); 0] {
    fn bind_to(self, statement: &mut Statement<'_>) -> Result<()> {
        bind_all(std::iter::empty::<i64>(), statement)
    }
}

impl Params for &[&dyn ToSql] {
    fn bind_to(self, statement: &mut Statement<'_>) -> Result<()> {
        bind_all(self, statement)
    }
}

impl Params for &[(&str, &dyn ToSql)] {
    fn bind_to(self, statement: &mut Statement<'_>) -> Result<()> {
        bind_named(self.iter().copied(), statement)
    }
}

macro_rules! arrays {
    ($($n:literal)*) => {$(
        impl<T: ToSql> Params for [T; $n] {
            fn bind_to(self, statement: &mut Statement<'_>) -> Result<()> {
                bind_all(self, statement)
            }
        }

        impl<T: ToSql> Params for &[T; $n] {
            fn bind_to(self, statement: &mut Statement<'_>) -> Result<()> {
                bind_all(self, statement)
            }
        }
    )*};
}

arrays!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);

macro_rules! tuples {
    ($(($count:literal $($name:ident $index:tt)+))*) => {$(
        impl<$($name: ToSql),+> Params for ($($name,)+) {
            fn bind_to(self, statement: &mut Statement<'_>) -> Result<()> {
                bind_all([$(&self.$index as &dyn ToSql),+], statement)
            }
        }
    )*};
}

tuples! {
    (1 A 0)
    (2 A 0 B 1)
    (3 A 0 B 1 C 2)
    (4 A 0 B 1 C 2 D 3)
    (5 A 0 B 1 C 2 D 3 E 4)
    (6 A 0 B 1 C 2 D 3 E 4 F 5)
    (7 A 0 B 1 C 2 D 3 E 4 F 5 G 6)
    (8 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7)
}

/// Parameters from an iterator.
pub struct ParamsFromIter<I>(I);

/// Parameters from an iterator: `params_from_iter(values.iter())`.
pub fn params_from_iter<I>(values: I) -> ParamsFromIter<I>
where
    I: IntoIterator,
    I::Item: ToSql,
{
    ParamsFromIter(values)
}

impl<I> Params for ParamsFromIter<I>
where
    I: IntoIterator,
    I::Item: ToSql,
{
    fn bind_to(self, statement: &mut Statement<'_>) -> Result<()> {
        bind_all(self.0, statement)
    }
}
