//! Shows where Kernite and SQLite differ: on generated scripts, `differ FIRST COUNT [LENGTH] [plans=0]`, or on the
//! statements of a file, one a line, `differ FILE`.

use kernite_simulator::generate::script;
use kernite_testing::differential::{Compare, first_difference, shrink};
use kernite_testing::engine::{Engine, Kernite, Sqlite};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let compare = Compare { plans: !words.iter().any(|word| word == "plans=0") };
    let numbers = words.clone();
    let number =
        move |at: usize, default: u64| numbers.get(at).and_then(|word| word.parse().ok()).unwrap_or(default);
    let run = move || {
        let Some(first) = words.first().and_then(|word| word.parse::<u64>().ok()) else {
            return show_file(words.first().map_or("", String::as_str));
        };
        let length = usize::try_from(number(2, 25)).unwrap_or(25);
        std::panic::set_hook(Box::new(|_| {}));
        let mut differ = 0;
        for seed in first..first + number(1, 100) {
            eprintln!("seed {seed}");
            let statements = script(seed, length);
            if let Some(difference) = first_difference(&statements, compare) {
                differ += 1;
                let (least, difference) = shrink(&statements, compare, &difference);
                println!("======== seed {seed}\n{};\n{difference}", least.join(";\n"));
            }
        }
        println!("{differ} seeds differ");
    };
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(run).expect("a thread");
    thread.join().expect("the run ends");
}

fn show_file(path: &str) {
    let text = std::fs::read_to_string(path).expect("the file can be read");
    let (mut kernite, mut sqlite) = (Kernite::memory(), Sqlite::memory());
    for sql in text.lines().filter(|line| !line.trim().is_empty()) {
        let (left, right) = (kernite.run(sql), sqlite.run(sql));
        let mark = if left == right { "same" } else { "DIFFERS" };
        println!(
            "-- {mark}: {sql}\nkernite {:?} {:?}\nsqlite  {:?} {:?}",
            left.rows, left.failure, right.rows, right.failure
        );
    }
}
