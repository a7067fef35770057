//! Decisions: everything that chance decides in a world, drawn from a seed and written down.
//!
//! A decision has a name: who it concerns, of which kind it is, and the how-manieth of that kind for that actor. Only decisions that
//! differ from the quiet choice (0: no switch, no fault, done at once) are written down, so a run is a short list of names and
//! values, and a list with fewer entries is again a run: the names of what is left do not move. That is what the shrinker works on.
//!
//! ```text
//! seed --ChaCha--> 0 0 0 1 0 0 7 0 ...        the same run, as a list:   p1 switch 3 = 1
//!                                                                         p0 late 2 = 7
//! ```
//!
//! Always true: replaying the list that a run wrote down gives the same run.
//! Never: a decision that is not drawn here.

use std::collections::HashMap;
use std::fmt;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Who a decision concerns: a client by its number, or the world.
pub type Actor = u8;

/// The actor of decisions about the world as a whole.
pub const WORLD: Actor = 255;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What is decided.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            /// All kinds.
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)*];

            /// The name in a script.
            pub fn name(self) -> &'static str {
                match self { $(Kind::$name => $text,)* }
            }
        }
    };
}

kinds! {
    /// Settings of the run: page size, journal mode, how often things fail.
    Setting = "setting",
    /// What a client does: which transaction, which values.
    Workload = "workload",
    /// Whether another process goes on here, and which.
    Switch = "switch",
    /// Which priority a process gets, and when it loses it.
    Priority = "priority",
    /// Whether an operation is queued or done at once.
    Late = "late",
    /// Whether a queued operation takes effect when submitted or when completed.
    Effect = "effect",
    /// Which queued operation completes next.
    Complete = "complete",
    /// Whether an operation fails, and how.
    Fault = "fault",
    /// What an operation that failed or was cut off left behind.
    Partial = "partial",
    /// Whether the process dies here.
    Kill = "kill",
    /// Whether the power goes here.
    PowerCut = "power-cut",
    /// What of the un-synced writes a power loss keeps.
    Loss = "loss",
    /// Whether a statement is thrown away or interrupted, and whether a connection gives up a lock.
    Abandon = "abandon",
    /// How far the clock jumps.
    Clock = "clock",
}

/// The name of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    pub actor: Actor,
    pub kind: Kind,
    /// Counts from 0 for each actor and kind.
    pub nth: u32,
}

/// A decision that was not the quiet one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decision {
    pub name: Name,
    pub value: u64,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Name { actor, kind, nth } = self.name;
        if actor == WORLD {
            write!(f, "world {} {nth} = {}", kind.name(), self.value)
        } else {
            write!(f, "p{actor} {} {nth} = {}", kind.name(), self.value)
        }
    }
}

impl Decision {
    /// Reads what `Display` wrote.
    pub fn parse(line: &str) -> Option<Decision> {
        let (name, value) = line.split_once('=')?;
        let mut words = name.split_whitespace();
        let actor = match words.next()? {
            "world" => WORLD,
            client => client.strip_prefix('p')?.parse().ok()?,
        };
        let word = words.next()?;
        let kind = *Kind::ALL.iter().find(|kind| kind.name() == word)?;
        let nth = words.next()?.parse().ok()?;
        Some(Decision { name: Name { actor, kind, nth }, value: value.trim().parse().ok()? })
    }
}

enum Source {
    /// Every decision is the quiet one.
    Quiet,
    Seed(Box<ChaCha8Rng>),
    List(HashMap<Name, u64>),
}

/// Where a run's decisions come from, and those that it took.
pub struct Decisions {
    source: Source,
    counts: HashMap<(Actor, Kind), u32>,
    taken: Vec<Decision>,
}

impl Decisions {
    /// Nothing ever happens.
    pub fn quiet() -> Decisions {
        Decisions::from_source(Source::Quiet)
    }

    /// Those of `seed`.
    pub fn from_seed(seed: u64) -> Decisions {
        Decisions::from_source(Source::Seed(Box::new(ChaCha8Rng::seed_from_u64(seed))))
    }

    /// Those of a list; what it does not name is quiet.
    pub fn from_list(list: &[Decision]) -> Decisions {
        let list = list.iter().map(|decision| (decision.name, decision.value)).collect();
        Decisions::from_source(Source::List(list))
    }

    fn from_source(source: Source) -> Decisions {
        Decisions { source, counts: HashMap::new(), taken: Vec::new() }
    }

    /// The decisions so far that were not quiet.
    pub fn taken(&self) -> &[Decision] {
        &self.taken
    }

    fn take(
        &mut self,
        actor: Actor,
        kind: Kind,
        draw: impl FnOnce(&mut ChaCha8Rng) -> u64,
        limit: u64,
    ) -> u64 {
        let count = self.counts.entry((actor, kind)).or_insert(0);
        let name = Name { actor, kind, nth: *count };
        *count += 1;
        let value = match &mut self.source {
            Source::Quiet => 0,
            Source::Seed(random) => draw(random),
            Source::List(list) => list.get(&name).copied().unwrap_or(0).min(limit),
        };
        if value != 0 {
            self.taken.push(Decision { name, value });
        }
        value
    }

    /// Whether something happens that happens `per_million` times in a million. Nothing is drawn for 0.
    pub fn chance(&mut self, actor: Actor, kind: Kind, per_million: u32) -> bool {
        per_million != 0
            && self.take(actor, kind, |random| u64::from(random.next_u32() % 1_000_000 < per_million), 1) == 1
    }

    /// A number below `bound`, all equally likely. 0 for a bound of 0 or 1, without a draw.
    pub fn below(&mut self, actor: Actor, kind: Kind, bound: u64) -> u64 {
        if bound < 2 {
            return 0;
        }
        self.take(actor, kind, |random| random.next_u64() % bound, bound - 1)
    }

    /// 0 mostly; with `per_million` in a million a number in `1..=choices`.
    pub fn rarely(&mut self, actor: Actor, kind: Kind, per_million: u32, choices: u64) -> u64 {
        if per_million == 0 || choices == 0 {
            return 0;
        }
        let draw = |random: &mut ChaCha8Rng| {
            if random.next_u32() % 1_000_000 < per_million { 1 + random.next_u64() % choices } else { 0 }
        };
        self.take(actor, kind, draw, choices)
    }

    /// One of `choices`. The first is the quiet one.
    pub fn pick<T: Copy>(&mut self, actor: Actor, kind: Kind, choices: &[T]) -> T {
        choices[self.below(actor, kind, choices.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn play(decisions: &mut Decisions) -> Vec<u64> {
        (0..300)
            .map(|n| match n % 3 {
                0 => u64::from(decisions.chance(1, Kind::Kill, 100_000)),
                1 => decisions.below(2, Kind::Switch, 5),
                _ => decisions.rarely(WORLD, Kind::Fault, 50_000, 9),
            })
            .collect()
    }

    #[test]
    fn the_list_that_a_seed_wrote_down_gives_the_same_run() {
        let mut seeded = Decisions::from_seed(7);
        let run = play(&mut seeded);
        assert!(run.iter().any(|&value| value > 1));
        let text: Vec<String> = seeded.taken().iter().map(Decision::to_string).collect();
        let list: Vec<Decision> = text.iter().map(|line| Decision::parse(line).unwrap()).collect();
        let mut replayed = Decisions::from_list(&list);
        assert_eq!(play(&mut replayed), run);
        assert_eq!(replayed.taken(), seeded.taken());
        assert_ne!(play(&mut Decisions::from_seed(8)), run);
    }

    #[test]
    fn taking_a_decision_away_leaves_the_names_of_the_others() {
        let mut seeded = Decisions::from_seed(3);
        let run = play(&mut seeded);
        let fewer = &seeded.taken()[1..];
        let again = play(&mut Decisions::from_list(fewer));
        let differing = run.iter().zip(&again).filter(|(a, b)| a != b).count();
        assert_eq!(differing, 1);
    }

    #[test]
    fn the_quiet_world_decides_nothing() {
        let mut quiet = Decisions::quiet();
        assert!(play(&mut quiet).iter().all(|&value| value == 0));
        assert!(quiet.taken().is_empty());
    }
}
