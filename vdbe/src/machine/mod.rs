//! The machine: one loop over a program's instructions.
