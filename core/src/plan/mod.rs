//! Planning.

pub mod log_est;
