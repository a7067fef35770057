//! `kernite-sim mutants`: exposes every planted bug and tells which were found.
//!
//! ```text
//! parent: a queue of bugs, N workers at a time      worker (`--worker`): one bug, a few hunts from different seeds, one line of output
//! ```
//!
//! A worker is a process of its own, since the active bug and SQLite's random numbers are global to one, and since a bug may hang or
//! crash: what ends a worker without a line ends the bug, too.
//!
//! Never: a decision about what counts as found. That is `hunt`'s.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use kernite_io::planted::Bug;

use super::{Kill, hunt};

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// All bugs together, at most.
    pub time: Duration,
    pub jobs: usize,
    /// Hunts for each bug, from different seeds.
    pub hunts: u64,
    /// Only bugs whose name contains this.
    pub only: Option<String>,
    /// Print what the oracles said.
    pub verbose: bool,
}

/// Seeds between the beginnings of two hunts.
const HUNT_STRIDE: u64 = 1_000_000;
/// Of the whole time, what the first round may take: those who survive it share the rest.
const FIRST_ROUND_PERCENT: u32 = 60;
/// After this much more than its time a worker hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// What became of a bug.
struct Fate {
    bug: Bug,
    killed: bool,
    line: String,
}

fn named(bug: Bug) -> String {
    format!("{bug:?}")
}

fn bugs(options: &Options) -> Vec<Bug> {
    let wanted = |bug: &Bug| options.only.as_ref().is_none_or(|only| named(*bug).contains(only.as_str()));
    Bug::ALL.iter().copied().filter(wanted).collect()
}

/// One bug, in a worker: hunts, and a line about them on standard output.
pub fn work(name: &str, hunts: u64, time: Duration, verbose: bool) -> Result<bool, String> {
    let bug = Bug::ALL.iter().copied().find(|bug| named(*bug) == name);
    let bug = bug.ok_or_else(|| format!("there is no bug {name}"))?;
    let start = Instant::now();
    let (mut kills, mut survived) = (Vec::new(), 0);
    for nth in 0..hunts {
        let left = time.saturating_sub(start.elapsed());
        match hunt(bug, nth * HUNT_STRIDE, left) {
            Ok(kill) => kills.push(kill),
            Err(seeds) => {
                survived = seeds;
                break;
            }
        }
    }
    println!("{}", line_of(&mut kills, survived, verbose));
    Ok(!kills.is_empty())
}

/// Hunts, medians of seeds and seconds, the oracle; and with `verbose` what it said.
fn line_of(kills: &mut [Kill], survived: u64, verbose: bool) -> String {
    let Some(first) = kills.first() else { return format!("0\t{survived}\t\tnobody\t") };
    let (oracle, diet, seed) = (first.oracle, first.diet, first.seed);
    let said: String = first.violation.replace(['\t', '\n'], " ").chars().take(300).collect();
    let said = if verbose { format!("diet {diet}, seed {seed}: {said}") } else { String::new() };
    let middle = kills.len() / 2;
    kills.sort_unstable_by_key(|kill| kill.seeds);
    let seeds = kills[middle].seeds;
    kills.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let seconds = kills[middle].seconds;
    format!("{}\t{seeds}\t{seconds:.2}\t{oracle}\t{said}", kills.len())
}

fn spawn(bug: Bug, options: &Options, time: Duration) -> Result<Child, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(own);
    command.args(["mutants", "--worker", &named(bug), "--hunts", &options.hunts.to_string()]);
    command.args(["--for", &format!("{}s", time.as_secs().max(1))]);
    if options.verbose {
        command.arg("--verbose");
    }
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(|error| error.to_string())
}

/// Waits for a worker, not for ever.
fn fate_of(bug: Bug, mut child: Child, time: Duration) -> Fate {
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(None) if start.elapsed() < time + PATIENCE => std::thread::sleep(Duration::from_millis(20)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                let seconds = start.elapsed().as_secs_f64();
                return Fate { bug, killed: true, line: format!("1\t1\t{seconds:.2}\twatchdog\t") };
            }
            Ok(Some(_)) | Err(_) => break,
        }
    }
    let out = child.stdout.take();
    let line = out.and_then(|out| BufReader::new(out).lines().map_while(Result::ok).last());
    match line {
        Some(line) => Fate { bug, killed: !line.starts_with('0'), line },
        None => {
            let seconds = start.elapsed().as_secs_f64();
            Fate { bug, killed: true, line: format!("1\t1\t{seconds:.2}\tcrash\t") }
        }
    }
}

/// Exposes the bugs and prints a table. Whether all were killed.
pub fn run(options: &Options) -> Result<bool, String> {
    let bugs = bugs(options);
    if bugs.is_empty() {
        return Err("there is no such bug".into());
    }
    let start = Instant::now();
    println!("{:<32} {:>5} {:>8} {:>8}  {:<13} what it does", "bug", "kills", "seeds", "seconds", "oracle");
    let first = options.time * FIRST_ROUND_PERCENT / 100;
    let survivors = round(&bugs, options, first, false)?;
    let survivors = match survivors.is_empty() {
        true => survivors,
        false => round(&survivors, options, options.time.saturating_sub(start.elapsed()), true)?,
    };
    let killed = bugs.len() - survivors.len();
    println!("{:.0} s with {} at a time", start.elapsed().as_secs_f64(), options.jobs.max(1));
    println!("mutants: {killed} of {} killed", bugs.len());
    Ok(survivors.is_empty())
}

/// Exposes `bugs`, which share `time`. Those that survived; they are printed in the `last` round only.
fn round(bugs: &[Bug], options: &Options, time: Duration, last: bool) -> Result<Vec<Bug>, String> {
    let jobs = options.jobs.max(1);
    let (start, next) = (Instant::now(), AtomicUsize::new(0));
    let (sender, fates) = mpsc::channel::<Result<Fate, String>>();
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while let Some(&bug) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // What bugs before it did not need of their shares is everybody's.
                    let left = bugs.len().saturating_sub(next.load(Ordering::Relaxed)) + jobs;
                    let share = time.saturating_sub(start.elapsed()) * jobs as u32 / left as u32;
                    let fate = spawn(bug, options, share).map(|child| fate_of(bug, child, share));
                    if sender.send(fate).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut survivors = Vec::new();
        for fate in fates {
            let fate = fate?;
            if fate.killed || last {
                print_fate(&fate);
            }
            if !fate.killed {
                survivors.push(fate.bug);
            }
        }
        Ok(survivors)
    })
}

fn print_fate(fate: &Fate) {
    let mut fields = fate.line.split('\t');
    let mut field = || fields.next().unwrap_or_default();
    let (kills, seeds, seconds, oracle, said) = (field(), field(), field(), field(), field());
    let (name, about) = (named(fate.bug), fate.bug.about().trim());
    println!("{name:<32} {kills:>5} {seeds:>8} {seconds:>8}  {oracle:<13} {about}");
    if !said.is_empty() {
        println!("    {said}");
    }
}
