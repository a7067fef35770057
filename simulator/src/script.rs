//! A run as a file: the few decisions that make it go wrong, for `kernite-sim replay`.
//!
//! ```text
//! # kernite-sim script
//! profile: default
//! seed: 1234
//! violation: acknowledged transactions are missing...
//! p0 workload 3 = 1
//! world power-cut 211 = 1
//! ```
//!
//! The seed still gives the random bytes that the engines ask for; everything that the list does not name is quiet.
//! Never: a path or a time of the machine that wrote it.

use crate::decide::Decision;
use crate::profile::{self, Profile};

const HEADER: &str = "# kernite-sim script";

/// A run that can be replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunScript {
    pub profile: Profile,
    pub seed: u64,
    /// What went wrong, when it was written.
    pub violation: String,
    pub decisions: Vec<Decision>,
}

impl RunScript {
    /// The file's text.
    pub fn to_text(&self) -> String {
        let violation = self.violation.lines().next().unwrap_or_default();
        let mut text = format!(
            "{HEADER}\nprofile: {}\nseed: {}\nviolation: {violation}\n",
            self.profile.name, self.seed
        );
        for decision in &self.decisions {
            text.push_str(&format!("{decision}\n"));
        }
        text
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// The line that cannot be read.
    pub fn parse(text: &str) -> Result<RunScript, String> {
        let mut script = RunScript {
            profile: profile::PROFILES[0],
            seed: 0,
            violation: String::new(),
            decisions: Vec::new(),
        };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let unreadable = || format!("cannot read the line {line:?}");
            match line.split_once(": ") {
                Some(("profile", name)) => script.profile = profile::by_name(name).ok_or_else(unreadable)?,
                Some(("seed", seed)) => script.seed = seed.parse().map_err(|_| unreadable())?,
                Some(("violation", text)) => script.violation = text.into(),
                _ => script.decisions.push(Decision::parse(line).ok_or_else(unreadable)?),
            }
        }
        Ok(script)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_reads_back_as_it_was_written() {
        let script = RunScript {
            profile: profile::by_name("wal").unwrap(),
            seed: 7,
            violation: "something: went wrong".into(),
            decisions: vec![
                Decision::parse("p1 switch 3 = 2").unwrap(),
                Decision::parse("world loss 0 = 9").unwrap(),
            ],
        };
        assert_eq!(RunScript::parse(&script.to_text()), Ok(script));
        assert!(RunScript::parse("p1 nonsense 3 = 2").is_err());
    }
}
