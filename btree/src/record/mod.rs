//! Records: how the values of a row or a key lie in its payload.
//!
//! `value` has the borrowed value and its order, `serial` the serial types, `decode` and `encode` the record itself,
//! `compare` a record against a key.
//!
//! Spec: Database File Format, "Record Format".

pub mod value;

pub use value::ValueRef;
