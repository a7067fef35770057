//! Records: how the values of a row or a key lie in its payload.
//!
//! `value` has the borrowed value, `varint` and `serial` the two codes that records are made of, `decode` and `encode` the
//! record itself, `compare` the order of values, and of records against keys.
//!
//! Spec: Database File Format, "Record Format".

pub mod compare;
pub mod decode;
pub mod encode;
pub mod serial;
pub mod value;
pub mod varint;

pub(crate) use compare::compare_rest;
pub use compare::{
    Compared, compare_integer_real, compare_prefix, compare_reals, compare_record, compare_records,
    compare_values,
};
pub use decode::{Column, RecordHeader, Values};
pub use encode::{Encoded, Field, encode, encode_within};
pub use value::ValueRef;
