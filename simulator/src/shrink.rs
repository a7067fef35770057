//! The shrinker: fewer decisions, the same violation.
//!
//! A run is a list of decisions, and any shorter list is a run too. So the shrinker takes decisions away, group by group (schedule, then
//! what clients do, then faults, then settings), halves of a group first and single ones last, and keeps what still goes wrong in the
//! same way; then it makes the remaining numbers smaller.
//!
//! Never: a different violation than the one it was given: numbers aside, the text must stay.

use std::time::{Duration, Instant};

use crate::decide::{Decision, Kind};
use crate::run::{Case, Verdict, run};

/// A violation's text without its numbers: two with the same shape count as the same.
pub fn shape(violation: &str) -> String {
    let mut shape = String::new();
    for character in violation.chars().take(120) {
        let folded = if character.is_ascii_digit() { '#' } else { character };
        if folded != '#' || !shape.ends_with('#') {
            shape.push(folded);
        }
    }
    // What stands in brackets or quotes is data.
    shape.split(['[', '"', '(']).next().unwrap_or_default().trim().to_string()
}

/// The groups, in the order in which they are shrunk.
const GROUPS: [&[Kind]; 4] = [
    &[Kind::Switch, Kind::Priority, Kind::Late, Kind::Effect, Kind::Complete, Kind::Clock],
    &[Kind::Workload, Kind::Abandon],
    &[Kind::Fault, Kind::Partial, Kind::Kill, Kind::PowerCut, Kind::Loss],
    &[Kind::Setting],
];

/// What the shrinker is about.
pub struct Shrinker<'a> {
    case: Case<'a>,
    shape: String,
    until: Instant,
    /// Runs so far.
    pub runs: u64,
}

impl<'a> Shrinker<'a> {
    /// Shrinks `case`, which goes wrong with `violation`, for at most `time`.
    pub fn new(case: Case<'a>, violation: &str, time: Duration) -> Shrinker<'a> {
        Shrinker { case, shape: shape(violation), until: Instant::now() + time, runs: 0 }
    }

    fn still_fails(&mut self, decisions: &[Decision]) -> bool {
        self.runs += 1;
        let case = Case { decisions: Some(decisions), ..self.case };
        let Verdict { violations, .. } = run(&case);
        violations.iter().any(|violation| shape(violation) == self.shape)
    }

    fn is_time_up(&self) -> bool {
        Instant::now() >= self.until
    }

    /// The shortest list found.
    pub fn shrink(&mut self, decisions: Vec<Decision>) -> Vec<Decision> {
        let mut best = decisions;
        loop {
            let before = best.len();
            for group in GROUPS {
                best = self.shrink_group(best, group);
            }
            if best.len() == before || self.is_time_up() {
                break;
            }
        }
        self.lower_values(best)
    }

    fn shrink_group(&mut self, mut best: Vec<Decision>, group: &[Kind]) -> Vec<Decision> {
        let members = |list: &[Decision]| -> Vec<usize> {
            (0..list.len()).filter(|&at| group.contains(&list[at].name.kind)).collect()
        };
        let mut size = members(&best).len();
        while size > 0 && !self.is_time_up() {
            let mut from = 0;
            loop {
                let there = members(&best);
                if from >= there.len() || self.is_time_up() {
                    break;
                }
                let gone = &there[from..(from + size).min(there.len())];
                let kept: Vec<Decision> = best
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| !gone.contains(at))
                    .map(|(_, one)| *one)
                    .collect();
                if self.still_fails(&kept) {
                    best = kept;
                } else {
                    from += size;
                }
            }
            size /= 2;
        }
        best
    }

    fn lower_values(&mut self, mut best: Vec<Decision>) -> Vec<Decision> {
        for at in 0..best.len() {
            while best[at].value > 1 && !self.is_time_up() {
                let mut lower = best.clone();
                lower[at].value /= 2;
                if !self.still_fails(&lower) {
                    break;
                }
                best = lower;
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_of_a_violation_has_no_numbers_and_no_data() {
        let a = shape("keep nothing: acknowledged transactions are missing (All may be kept): tickets [19]");
        let b =
            shape("keep nothing: acknowledged transactions are missing (All may be kept): tickets [2, 4]");
        assert_eq!(a, b);
        assert_ne!(a, shape("keep nothing: ticket 4 was undone and is there"));
    }
}
