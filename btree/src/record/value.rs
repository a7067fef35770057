//! A value as a record holds it, borrowed.

/// One value of a record or key. Text is bytes in the database's encoding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ValueRef<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'a [u8]),
    Blob(&'a [u8]),
}
