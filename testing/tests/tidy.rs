//! The house rules that a machine can check: file sizes, headers, names, calls that may panic, process-wide state.
//!
//! Files: warned at 800 lines, refused above 1,200 unless the header says why with a line that starts `Long because`. The median of
//! the engine's files stays below 450.

use std::fs;
use std::path::{Path, PathBuf};

const ENGINE: [&str; 7] = ["io", "btree", "parser", "vdbe", "core", "capi", "cli"];
/// Crates whose bytes come from disk, SQL or C callers, and which therefore may not panic on them.
const NO_PANIC: [&str; 5] = ["io", "btree", "parser", "vdbe", "core"];
const WARN_LINES: usize = 800;
const LIMIT_LINES: usize = 1200;
const MEDIAN_LINES: usize = 450;

struct Source {
    path: PathBuf,
    krate: String,
    text: String,
}

impl Source {
    fn lines(&self) -> usize {
        self.text.lines().count()
    }

    fn header(&self) -> String {
        let doc = |line: &&str| line.starts_with("//!") || line.is_empty() || line.starts_with("#!");
        self.text.lines().take_while(doc).collect::<Vec<_>>().join("\n")
    }

    /// The text before the file's test module, comments taken out.
    fn engine_code(&self) -> String {
        let code = self.text.split("#[cfg(test)]").next().unwrap_or_default();
        let uncommented = |line: &str| line.split("//").next().unwrap_or_default().to_string();
        code.lines().map(uncommented).collect::<Vec<_>>().join("\n")
    }

    /// Test-only files may do what engine code may not: those in test folders, and modules that are declared for tests only.
    fn is_test(&self, test_modules: &[PathBuf]) -> bool {
        if test_modules.iter().any(|module| self.path.with_extension("").starts_with(module)) {
            return true;
        }
        let path = self.path.to_string_lossy().replace('\\', "/");
        path.contains("/tests/") || path.contains("/examples/") || path.contains("/benches/")
    }
}

/// Modules declared under `#[cfg(test)]`, as paths without extension.
fn test_modules(sources: &[Source]) -> Vec<PathBuf> {
    let mut modules = Vec::new();
    for source in sources {
        let folder = match source.path.file_stem().and_then(|stem| stem.to_str()) {
            Some("mod" | "lib" | "main") => source.path.parent().expect("a folder").to_path_buf(),
            _ => source.path.with_extension(""),
        };
        let lines: Vec<&str> = source.text.lines().collect();
        for pair in
            lines.windows(2).filter(|pair| pair[0].trim().starts_with("#[cfg(") && pair[0].contains("test"))
        {
            let declared = pair[1].split_once("mod ").and_then(|(_, rest)| rest.strip_suffix(';'));
            modules.extend(declared.map(|name| folder.join(name)));
        }
    }
    modules
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn collect(folder: &Path, krate: &str, sources: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, krate, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("sources are UTF-8");
            sources.push(Source { path, krate: krate.to_string(), text });
        }
    }
}

fn sources(crates: &[&str]) -> Vec<Source> {
    let mut sources = Vec::new();
    for krate in crates {
        collect(&root().join(krate).join("src"), krate, &mut sources);
    }
    assert!(sources.len() >= crates.len(), "sources were not found");
    sources
}

fn report(what: &str, faults: Vec<String>) {
    assert!(faults.is_empty(), "{what}:\n{}", faults.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let mut faults = Vec::new();
    for source in sources(&ENGINE) {
        let lines = source.lines();
        if lines > LIMIT_LINES && !source.header().contains("Long because") {
            faults.push(format!("{} has {lines} lines", source.path.display()));
        } else if lines > WARN_LINES {
            println!("warning: {} has {lines} lines", source.path.display());
        }
    }
    report("files above the limit", faults);
}

#[test]
fn the_median_file_is_short() {
    let mut lengths: Vec<usize> = sources(&ENGINE).iter().map(Source::lines).collect();
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    println!("{} files, median {median} lines", lengths.len());
    assert!(median < MEDIAN_LINES, "the median file has {median} lines");
}

#[test]
fn every_file_has_a_header() {
    let missing =
        |source: &Source| !source.text.trim_start_matches("#![forbid(unsafe_code)]\n").starts_with("//!");
    let faults =
        sources(&ENGINE).iter().filter(|s| missing(s)).map(|s| s.path.display().to_string()).collect();
    report("files without a module header", faults);
}

#[test]
fn no_file_has_a_name_that_says_nothing() {
    let vague = ["util.rs", "utils.rs", "helpers.rs", "common.rs", "misc.rs"];
    let named = |source: &Source| vague.iter().any(|name| source.path.ends_with(name));
    let faults = sources(&ENGINE).iter().filter(|s| named(s)).map(|s| s.path.display().to_string()).collect();
    report("files named after nothing", faults);
}

#[test]
fn engine_code_does_not_panic_on_what_it_is_given() {
    let forbidden = [".unwrap()", ".expect(", "panic!(", "todo!(", "unimplemented!("];
    let mut faults = Vec::new();
    let all = sources(&NO_PANIC);
    let tests = test_modules(&all);
    for source in all.iter().filter(|source| !source.is_test(&tests)) {
        for (number, line) in source.engine_code().lines().enumerate() {
            for call in forbidden.iter().filter(|call| line.contains(**call)) {
                // The parser's own `expect` consumes a token and returns a result.
                if !line.contains("self.expect(") {
                    faults.push(format!("{}:{}: {call}", source.path.display(), number + 1));
                }
            }
        }
    }
    report("calls that may panic in engine code", faults);
}

#[test]
fn engine_crates_keep_no_process_wide_state() {
    let forbidden = ["static mut ", "OnceLock", "LazyLock", "thread_local!", "lazy_static"];
    let mut faults = Vec::new();
    let all = sources(&["io", "btree", "parser", "vdbe"]);
    let tests = test_modules(&all);
    for source in all.iter().filter(|source| !source.is_test(&tests)) {
        for (number, line) in source.engine_code().lines().enumerate() {
            if forbidden.iter().any(|word| line.contains(word)) {
                faults.push(format!("{}:{}: {}", source.path.display(), number + 1, line.trim()));
            }
        }
    }
    report("process-wide state", faults);
}

/// A bug that is planted nowhere would never be found, and one that stands in few places is easy to review.
#[test]
fn every_planted_bug_has_one_or_two_sites() {
    let all = sources(&NO_PANIC);
    let list =
        all.iter().find(|source| source.path.ends_with("io/src/planted.rs")).expect("the list of bugs");
    let list =
        list.text.split_once("bugs! {").and_then(|(_, rest)| rest.split_once("\n}")).expect("a list").0;
    let names = list.lines().filter_map(|line| line.trim().strip_suffix(','));
    let mut faults = Vec::new();
    for name in names.filter(|name| !name.contains(' ')) {
        let site = format!("planted!({name})");
        let count: usize = all.iter().map(|source| source.text.matches(&site).count()).sum();
        if !(1..=2).contains(&count) {
            faults.push(format!("{name} has {count} sites"));
        }
    }
    report("planted bugs", faults);
}

#[test]
fn no_test_is_ignored() {
    let mut all = sources(&ENGINE);
    for krate in ENGINE.iter().chain(["testing", "simulator"].iter()) {
        collect(&root().join(krate).join("tests"), krate, &mut all);
    }
    let marker = concat!("#[ig", "nore");
    let faults = all
        .iter()
        .filter(|s| s.text.contains(marker))
        .map(|s| format!("{} ({})", s.path.display(), s.krate))
        .collect();
    report("ignored tests", faults);
}
