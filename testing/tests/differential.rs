//! Generated SQL on Kernite and on SQLite: the same rows, errors, counters and plans.
//!
//! A failure prints the seed and the shortest script found. `KERNITE_DIFF_CASES` is the number of seeds (default 300),
//! `KERNITE_DIFF_SEED` the first one, `KERNITE_DIFF_LENGTH` the statements of a script besides its schema,
//! `KERNITE_DIFF_STOP` how many failing seeds end the run.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use kernite_simulator::generate::script;
use kernite_testing::differential::{Compare, first_difference, shrink};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The report of one seed; `None` where the engines agree.
fn case(seed: u64, length: usize, compare: Compare) -> Option<String> {
    let statements = script(seed, length);
    let difference = first_difference(&statements, compare)?;
    let (least, difference) = shrink(&statements, compare, &difference);
    Some(format!("seed {seed}\n{}\n\n{difference}", least.join(";\n")))
}

#[test]
fn generated_scripts_do_the_same_on_kernite_and_on_sqlite() {
    let cases = number("KERNITE_DIFF_CASES", 300);
    let first = number("KERNITE_DIFF_SEED", 1);
    let stop = number("KERNITE_DIFF_STOP", 1);
    let length = usize::try_from(number("KERNITE_DIFF_LENGTH", 25)).expect("a length");
    let compare = Compare { plans: number("KERNITE_DIFF_PLANS", 1) != 0 };
    // A failing statement may be one that panics: that is told with its script, not as it happens.
    std::panic::set_hook(Box::new(|_| {}));
    let (send, receive) = channel();
    std::thread::Builder::new()
        .stack_size(64 << 20)
        .spawn(move || {
            for seed in first..first + cases {
                if send.send((seed, None)).is_err()
                    || send.send((seed, Some(case(seed, length, compare)))).is_err()
                {
                    return;
                }
            }
        })
        .expect("a thread");
    let (mut failures, mut current) = (Vec::new(), first);
    loop {
        match receive.recv_timeout(Duration::from_secs(60)) {
            Ok((seed, None)) => current = seed,
            Ok((_, Some(None))) => {}
            Ok((_, Some(Some(report)))) => {
                println!("{report}\n========");
                failures.push(report);
                if failures.len() as u64 >= stop {
                    break;
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                failures.push(format!("seed {current} does not end"));
                break;
            }
        }
    }
    let _ = std::panic::take_hook();
    assert!(failures.is_empty(), "{} seeds differ; the first:\n{}", failures.len(), failures[0]);
}
