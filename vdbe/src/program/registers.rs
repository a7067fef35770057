//! How registers are handed out while a program is built.
//!
//! A register is permanent ([`Registers::alloc`]) or temporary: taken from a small pool of released ones, or from one released range.
//! The pool's rules are SQLite's (eight single registers, one range), so that EXPLAIN shows the same numbers for the same requests.
//!
//! Never: what is in a register.

use crate::op::Reg;

/// How many single registers wait for reuse at most.
const POOL_MAX: usize = 8;

/// The register allocator of one program.
#[derive(Debug, Default)]
pub(super) struct Registers {
    count: u32,
    pool: Vec<Reg>,
    range_first: u32,
    range_count: u32,
}

impl Registers {
    /// Registers handed out so far; also the number of the last one.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// `count` consecutive permanent registers; the first.
    pub(super) fn alloc(&mut self, count: u32) -> Reg {
        let first = Reg(self.count + 1);
        self.count += count;
        first
    }

    /// One temporary register.
    pub(super) fn temp(&mut self) -> Reg {
        self.pool.pop().unwrap_or_else(|| self.alloc(1))
    }

    /// Gives a temporary register back.
    pub(super) fn release(&mut self, reg: Reg) {
        if reg.is_some() && self.pool.len() < POOL_MAX && !self.pool.contains(&reg) {
            self.pool.push(reg);
        }
    }

    /// `count` consecutive temporary registers; the first.
    pub(super) fn temp_range(&mut self, count: u32) -> Reg {
        if count == 1 {
            return self.temp();
        }
        if count <= self.range_count {
            let first = Reg(self.range_first);
            self.range_first += count;
            self.range_count -= count;
            return first;
        }
        self.alloc(count)
    }

    /// Gives a range back. Only the largest range released is kept.
    pub(super) fn release_range(&mut self, first: Reg, count: u32) {
        if count == 1 {
            return self.release(first);
        }
        if count > self.range_count {
            self.range_first = first.0;
            self.range_count = count;
        }
    }

    /// Forgets what was released: registers used so far keep their values from here on (loops and subroutines).
    pub(super) fn clear_temps(&mut self) {
        self.pool.clear();
        self.range_count = 0;
    }
}
