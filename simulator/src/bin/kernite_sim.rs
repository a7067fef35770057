//! `kernite-sim`: runs seeds, replays what went wrong, makes it small, shows it.
//!
//! Jobs are processes of the operating system, since SQLite's random numbers are global to one: the first process starts others with
//! the hidden flag `--worker` and adds up what they print.
//!
//! Never: a decision. Those are the library's.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};
use kernite_simulator::oracle::Oracles;
use kernite_simulator::profile::{self, PROFILES, Profile};
use kernite_simulator::report::{self, MARKS, Summary};
use kernite_simulator::run::{Case, Verdict, run};
use kernite_simulator::script::RunScript;
use kernite_simulator::shrink::Shrinker;
use kernite_simulator::workload::{Script, Workload};
use kernite_simulator::{exhaust, watchdog};

#[derive(Parser)]
#[command(name = "kernite-sim", about = "Every fault and every interleaving, from one seed")]
struct Cli {
    #[command(subcommand)]
    command: Do,
}

#[derive(Subcommand)]
enum Do {
    /// Runs many seeds.
    Run(RunArgs),
    /// Runs one seed or script again and prints what happened.
    Replay(OneArgs),
    /// Makes a failing seed or script small and writes it as a script.
    Shrink(OneArgs),
    /// Writes one run as an HTML page with its timeline.
    Report(OneArgs),
    /// Runs scripts of two transactions with everything that can go wrong at every point.
    Exhaust(ExhaustArgs),
    /// Exposes bugs that were planted in the engine and tells which were found.
    Mutants(MutantsArgs),
    /// Lists the profiles.
    Profiles,
}

#[derive(Args)]
struct ExhaustArgs {
    /// Scripts, or folders of them: tables first, then two transactions between BEGIN and COMMIT.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Only this journal mode.
    #[arg(long)]
    mode: Option<String>,
}

#[derive(Args, Clone)]
struct Which {
    /// The kind of runs; see `profiles`.
    #[arg(long, default_value = "default", value_parser = parse_profile)]
    profile: Profile,
    /// Oracles to switch off.
    #[arg(long, value_delimiter = ',')]
    off: Vec<String>,
    /// A file with the statements that make the tables of a workload of your own.
    #[arg(long)]
    schema: Option<PathBuf>,
    /// A file with its transactions.
    #[arg(long, requires = "schema")]
    transactions: Option<PathBuf>,
    /// Cut the power at every moment that changed the disk, in every way.
    #[arg(long)]
    exhaustive: bool,
}

#[derive(Args)]
struct RunArgs {
    #[command(flatten)]
    which: Which,
    /// Seeds from A up to B, without B: `A..B`.
    #[arg(long, value_parser = parse_seeds, conflicts_with = "time")]
    seeds: Option<(u64, u64)>,
    /// How long to run: `90s`, `10m`, `8h`.
    #[arg(long = "for", value_parser = parse_time)]
    time: Option<Duration>,
    /// Where to begin with `--for`.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many processes share the seeds.
    #[arg(long, default_value_t = 1)]
    jobs: u64,
    #[arg(long, hide = true)]
    worker: Option<u64>,
}

#[derive(Args)]
struct OneArgs {
    #[command(flatten)]
    which: Which,
    /// A script that `shrink` wrote.
    file: Option<PathBuf>,
    #[arg(long, conflicts_with = "file")]
    seed: Option<u64>,
    /// Where to write.
    #[arg(long, short)]
    out: Option<PathBuf>,
    /// How long to shrink.
    #[arg(long = "for", value_parser = parse_time, default_value = "60s")]
    time: Duration,
    /// Print every event, not only what clients did and what went wrong on purpose.
    #[arg(long)]
    verbose: bool,
}

#[derive(Args)]
struct MutantsArgs {
    /// How long to run in all.
    #[arg(long = "for", value_parser = parse_time, default_value = "10m")]
    time: Duration,
    /// How many bugs are exposed at a time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// How often each is hunted, from different seeds.
    #[arg(long, default_value_t = 3)]
    hunts: u64,
    /// Only bugs whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Print what the oracles said.
    #[arg(long)]
    verbose: bool,
    #[arg(long, hide = true)]
    worker: Option<String>,
}

fn parse_profile(name: &str) -> Result<Profile, String> {
    let names: Vec<&str> = PROFILES.iter().map(|profile| profile.name).collect();
    profile::by_name(name).ok_or_else(|| format!("there are: {}", names.join(", ")))
}

fn parse_seeds(text: &str) -> Result<(u64, u64), String> {
    let (from, to) = text.split_once("..").ok_or("seeds are given as A..B")?;
    let number = |text: &str| text.parse().map_err(|_| format!("{text:?} is no number"));
    Ok((number(from)?, number(to)?))
}

fn parse_time(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.len() - usize::from(text.ends_with(['s', 'm', 'h'])));
    let number: u64 = number.parse().map_err(|_| format!("{text:?} is no time"))?;
    let seconds = match unit {
        "m" => 60,
        "h" => 3600,
        _ => 1,
    };
    Ok(Duration::from_secs(number * seconds))
}

impl Which {
    fn oracles(&self) -> Result<Oracles, String> {
        let mut oracles = Oracles::ALL;
        match self.off.iter().find(|name| !oracles.switch_off(name)) {
            Some(name) => Err(format!("there is no oracle {name:?}")),
            None => Ok(oracles),
        }
    }

    fn workload(&self) -> Result<Option<Script>, String> {
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let Some(schema) = &self.schema else { return Ok(None) };
        let transactions = self.transactions.as_ref().map(read).transpose()?.unwrap_or_default();
        Ok(Some(Script::new(&read(schema)?, &transactions)))
    }

    /// The flags that a worker needs.
    fn flags(&self) -> Vec<String> {
        let mut flags = vec!["--profile".to_string(), self.profile.name.to_string()];
        self.off.iter().for_each(|name| flags.extend(["--off".into(), name.clone()]));
        for (flag, path) in [("--schema", &self.schema), ("--transactions", &self.transactions)] {
            if let Some(path) = path {
                flags.extend([flag.to_string(), path.display().to_string()]);
            }
        }
        if self.exhaustive {
            flags.push("--exhaustive".into());
        }
        flags
    }
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Do::Run(args) if args.worker.is_some() => work(&args),
        Do::Run(args) if args.jobs > 1 => run_jobs(&args),
        Do::Run(args) => run_here(&args),
        Do::Replay(args) => replay(&args),
        Do::Shrink(args) => shrink(&args),
        Do::Report(args) => write_report(&args),
        Do::Exhaust(args) => run_exhaustively(&args),
        Do::Mutants(args) => mutants(&args),
        Do::Profiles => {
            PROFILES.iter().for_each(|profile| println!("{:<10} {}", profile.name, profile.about));
            Ok(true)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(text) => {
            eprintln!("kernite-sim: {text}");
            ExitCode::from(2)
        }
    }
}

/// A seed that makes no call for so long is in a loop.
const QUIET_MAX: Duration = Duration::from_secs(120);

/// The `.sql` files that `paths` name, in order.
fn scripts_in(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut scripts = Vec::new();
    for path in paths {
        let told = |error: std::io::Error| format!("{}: {error}", path.display());
        if path.is_dir() {
            let entries = std::fs::read_dir(path).map_err(told)?;
            scripts.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
        } else {
            scripts.push(path.clone());
        }
    }
    scripts.retain(|path| path.extension().is_some_and(|end| end == "sql"));
    scripts.sort();
    Ok(scripts)
}

fn run_exhaustively(args: &ExhaustArgs) -> Result<bool, String> {
    let start = Instant::now();
    let mut summary = Summary::default();
    for path in scripts_in(&args.paths)? {
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let script = Script::of_one(&text);
        for mode in
            exhaust::MODES.into_iter().filter(|mode| args.mode.as_ref().is_none_or(|only| only == mode))
        {
            let (before, bad) = (summary.seeds, summary.violations);
            exhaust::exhaust(&script, mode, |told| {
                summary.add(told.verdict);
                if let Some(first) = told.verdict.violations.first() {
                    println!(
                        "{}: {}: {}",
                        path.display(),
                        told.what,
                        first.chars().take(400).collect::<String>()
                    );
                }
            });
            let (runs, bad) = (summary.seeds - before, summary.violations - bad);
            println!("{} {mode}: {runs} runs, {bad} of them bad", path.display());
        }
    }
    Ok(finish(&summary, start))
}

#[cfg(feature = "planted")]
fn mutants(args: &MutantsArgs) -> Result<bool, String> {
    use kernite_simulator::mutants::command::{Options, run, work};
    let &MutantsArgs { time, jobs, hunts, verbose, .. } = args;
    match &args.worker {
        Some(bug) => work(bug, hunts, time, verbose).map(|_| true),
        None => run(&Options { time, jobs, hunts, only: args.only.clone(), verbose }),
    }
}

#[cfg(not(feature = "planted"))]
fn mutants(args: &MutantsArgs) -> Result<bool, String> {
    let _ = args;
    Err("this build has no planted bugs; build with `--features planted --profile planted`".into())
}

/// Runs the seeds of `args`, every `stride`-th from `offset` on, and tells `each` of them.
fn run_seeds(
    args: &RunArgs,
    offset: u64,
    stride: u64,
    mut each: impl FnMut(u64, &Verdict),
) -> Result<(), String> {
    let (oracles, own) = (args.which.oracles()?, args.which.workload()?);
    let (from, to) = args.seeds.unwrap_or((args.from, u64::MAX));
    let time = args.time.or(args.seeds.is_none().then_some(Duration::from_secs(60)));
    let until = time.map(|time| Instant::now() + time);
    let mut seed = from.saturating_add(offset);
    let watched = watchdog::start(QUIET_MAX);
    while seed < to && until.is_none_or(|until| Instant::now() < until) {
        let mut case = Case::of_seed(seed, args.which.profile);
        case.oracles = oracles;
        case.exhaustive = args.which.exhaustive;
        case.workload = own.as_ref().map(|own| own as &dyn Workload);
        watched.store(seed, Ordering::Relaxed);
        each(seed, &run(&case));
        seed += stride;
    }
    Ok(())
}

fn tell_violation(profile: &str, seed: u64, settings: &str, violations: &[String]) {
    println!("seed {seed} of {profile}: {settings}");
    violations.iter().take(5).for_each(|text| println!("    {}", text.chars().take(700).collect::<String>()));
    println!("    kernite-sim replay --profile {profile} --seed {seed}");
}

fn finish(summary: &Summary, start: Instant) -> bool {
    println!("{}", summary.text(start.elapsed().as_secs_f64()));
    println!("{}", summary.last_line());
    summary.violations == 0
}

fn run_here(args: &RunArgs) -> Result<bool, String> {
    let start = Instant::now();
    let (mut summary, mut told) = (Summary::default(), Instant::now());
    run_seeds(args, 0, 1, |seed, verdict| {
        summary.add(verdict);
        if !verdict.violations.is_empty() {
            tell_violation(args.which.profile.name, seed, &verdict.settings, &verdict.violations);
        }
        if told.elapsed() > Duration::from_secs(5) {
            told = Instant::now();
            println!("{}", summary.progress(start.elapsed().as_secs_f64()));
        }
    })?;
    Ok(finish(&summary, start))
}

/// A worker: what it finds goes to its standard output, a line each, fields separated by tabs.
fn work(args: &RunArgs) -> Result<bool, String> {
    let mut out = std::io::stdout().lock();
    run_seeds(args, args.worker.unwrap_or(0), args.jobs, |seed, verdict| {
        let tally = &verdict.tally;
        let counts = [
            verdict.statements,
            verdict.transactions,
            verdict.images,
            tally.points,
            tally.switches,
            tally.faults,
        ];
        let counts: Vec<String> = counts.iter().map(ToString::to_string).collect();
        let faults: Vec<String> =
            tally.by_fault.iter().map(|(name, count)| format!("{name}={count}")).collect();
        let marks: Vec<&str> = tally.marks.iter().copied().collect();
        let violations: Vec<String> =
            verdict.violations.iter().map(|text| text.replace(['\t', '\n', '\u{1}'], " ")).collect();
        let fields = [
            seed.to_string(),
            counts.join(","),
            faults.join(","),
            marks.join(","),
            verdict.settings.clone(),
            violations.join("\u{1}"),
        ];
        let _ = writeln!(out, "{}", fields.join("\t"));
    })?;
    Ok(true)
}

/// The fault's name as the library spells it.
fn known_fault(name: &str) -> &'static str {
    const NAMES: [&str; 9] = [
        "no space",
        "no memory",
        "failed sync",
        "failed read",
        "failed write",
        "failed lock",
        "failed name",
        "kill",
        "power cut",
    ];
    NAMES.into_iter().find(|known| *known == name).unwrap_or("other")
}

fn read_line(profile: &str, line: &str, summary: &mut Summary) {
    let fields: Vec<&str> = line.split('\t').collect();
    let [seed, counts, faults, marks, settings, violations] = fields.as_slice() else { return };
    let counts: Vec<u64> = counts.split(',').filter_map(|count| count.parse().ok()).collect();
    let [statements, transactions, images, points, switches, all_faults] = counts.as_slice() else { return };
    summary.seeds += 1;
    summary.statements += statements;
    summary.transactions += transactions;
    summary.images += images;
    summary.tally.points += points;
    summary.tally.switches += switches;
    summary.tally.faults += all_faults;
    for (name, count) in faults.split(',').filter_map(|fault| fault.split_once('=')) {
        *summary.tally.by_fault.entry(known_fault(name)).or_default() += count.parse::<u64>().unwrap_or(0);
    }
    summary
        .tally
        .marks
        .extend(MARKS.into_iter().filter(|mark| marks.split(',').any(|reached| reached == *mark)));
    if !violations.is_empty() {
        summary.violations += 1;
        let violations: Vec<String> = violations.split('\u{1}').map(str::to_string).collect();
        tell_violation(profile, seed.parse().unwrap_or(0), settings, &violations);
    }
}

fn run_jobs(args: &RunArgs) -> Result<bool, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let start = Instant::now();
    let (sender, lines) = mpsc::channel::<String>();
    let mut children = BTreeMap::new();
    for worker in 0..args.jobs {
        let mut command = Command::new(&own);
        command.arg("run").args(args.which.flags()).args(["--jobs", &args.jobs.to_string()]);
        command.args(["--worker", &worker.to_string(), "--from", &args.from.to_string()]);
        if let Some((from, to)) = args.seeds {
            command.args(["--seeds", &format!("{from}..{to}")]);
        }
        if let Some(time) = args.time {
            command.args(["--for", &format!("{}s", time.as_secs())]);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let out = child.stdout.take().ok_or("a worker without output")?;
        let sender = sender.clone();
        std::thread::spawn(move || {
            BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        children.insert(worker, child);
    }
    drop(sender);
    let (mut summary, mut told) = (Summary::default(), Instant::now());
    for line in lines {
        read_line(args.which.profile.name, &line, &mut summary);
        if told.elapsed() > Duration::from_secs(5) {
            told = Instant::now();
            println!("{}", summary.progress(start.elapsed().as_secs_f64()));
        }
    }
    let mut all_well = true;
    for (worker, mut child) in children {
        let status = child.wait().map_err(|error| error.to_string())?;
        if !status.success() {
            println!("worker {worker} ended with {status}: a crash outside of what can be caught");
            summary.violations += 1;
            all_well = false;
        }
    }
    Ok(finish(&summary, start) && all_well)
}

/// The run that `args` name.
fn script_of(args: &OneArgs) -> Result<(RunScript, bool), String> {
    match (&args.file, args.seed) {
        (Some(file), _) => {
            let text =
                std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
            Ok((RunScript::parse(&text)?, true))
        }
        (None, Some(seed)) => {
            let profile = args.which.profile;
            Ok((RunScript { profile, seed, violation: String::new(), decisions: Vec::new() }, false))
        }
        (None, None) => Err("a file or --seed is needed".into()),
    }
}

fn run_one(args: &OneArgs, record: bool) -> Result<(RunScript, Verdict), String> {
    let (mut script, has_decisions) = script_of(args)?;
    let own = args.which.workload()?;
    let verdict = run(&Case {
        seed: script.seed,
        profile: script.profile,
        oracles: args.which.oracles()?,
        decisions: has_decisions.then_some(script.decisions.as_slice()),
        workload: own.as_ref().map(|own| own as &dyn Workload),
        record,
        exhaustive: args.which.exhaustive,
        ..Case::of_seed(script.seed, script.profile)
    });
    if !has_decisions {
        script.decisions = verdict.decisions.clone();
    }
    script.violation = verdict.violations.first().cloned().unwrap_or_default();
    Ok((script, verdict))
}

fn replay(args: &OneArgs) -> Result<bool, String> {
    use kernite_simulator::trace::Call;
    let (script, verdict) = run_one(args, true)?;
    let is_told = |call| matches!(call, Call::Note | Call::Fault | Call::Kill | Call::PowerCut);
    for event in verdict.events.iter().filter(|event| args.verbose || is_told(event.call)) {
        println!("{event}");
    }
    println!("{}", verdict.settings);
    println!(
        "trace {:016x}, files {:016x}, {} decisions",
        verdict.trace_hash,
        verdict.files_hash,
        script.decisions.len()
    );
    let mut summary = Summary::default();
    summary.add(&verdict);
    verdict.violations.iter().for_each(|text| println!("violation: {text}"));
    println!("{}", summary.last_line());
    Ok(verdict.violations.is_empty())
}

fn shrink(args: &OneArgs) -> Result<bool, String> {
    let (mut script, verdict) = run_one(args, false)?;
    if verdict.violations.is_empty() {
        return Err("nothing goes wrong in this run".into());
    }
    let own = args.which.workload()?;
    let mut case = Case::of_seed(script.seed, script.profile);
    case.oracles = args.which.oracles()?;
    case.workload = own.as_ref().map(|own| own as &dyn Workload);
    case.exhaustive = args.which.exhaustive;
    let before = script.decisions.len();
    let mut shrinker = Shrinker::new(case, &script.violation, args.time);
    script.decisions = shrinker.shrink(script.decisions);
    println!("{before} decisions are now {}, in {} runs", script.decisions.len(), shrinker.runs);
    println!("violation: {}", script.violation);
    let path = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("seed-{}.sim", script.seed)));
    std::fs::write(&path, script.to_text()).map_err(|error| format!("{}: {error}", path.display()))?;
    println!("kernite-sim replay {}", path.display());
    Ok(true)
}

fn write_report(args: &OneArgs) -> Result<bool, String> {
    let (script, verdict) = run_one(args, true)?;
    let path = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("seed-{}.html", script.seed)));
    let title = format!("kernite-sim, profile {}, seed {}", script.profile.name, script.seed);
    let page = report::page(&title, &verdict, &script.decisions);
    std::fs::write(&path, page).map_err(|error| format!("{}: {error}", path.display()))?;
    println!("{}", path.display());
    Ok(verdict.violations.is_empty())
}
