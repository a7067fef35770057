//! A bug of each kind, planted in the engine, is found: the quick set of `kernite-sim mutants`.
//!
//! In a test of its own, since the active bug is everybody's in a process.

use std::time::Duration;

use kernite_io::planted::Bug;
use kernite_simulator::mutants::hunt;

/// Those that a few seconds suffice for, one of each kind at least.
const QUICK: [Bug; 14] = [
    Bug::JournalPageCountWrong,
    Bug::JournalEndedBeforeSync,
    Bug::WalDirectoryNotSynced,
    Bug::WalRecoveryOffByOne,
    Bug::CheckpointOlderFrame,
    Bug::SharedLockDropped,
    Bug::ChangeCounterKept,
    Bug::DirtyPageEvicted,
    Bug::SavepointReleaseDropsImages,
    Bug::OverflowChainLeaked,
    Bug::PointerMapChainStale,
    Bug::WriteNotAwaited,
    Bug::CollationIgnored,
    Bug::JournalEndErrorSwallowed,
];

/// What a slow machine may take for one of them.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_bug_of_each_kind_is_found() {
    let mut survivors = Vec::new();
    for bug in QUICK {
        match hunt(bug, 0, PATIENCE) {
            Ok(kill) => println!("{bug:?}: {} seeds, {:.1} s, {}", kill.seeds, kill.seconds, kill.oracle),
            Err(_) => survivors.push(bug),
        }
    }
    assert!(survivors.is_empty(), "nobody noticed: {survivors:?}");
}
