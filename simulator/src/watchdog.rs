//! A loop without calls: the world sees only calls, so somebody else has to notice that none comes.
//!
//! Never: part of a run. What it says ends the operating system's process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Calls of all worlds.
static CALLS: AtomicU64 = AtomicU64::new(0);

/// How often it looks.
const LOOK: Duration = Duration::from_secs(5);

/// Somebody made a call.
#[inline]
pub fn tick() {
    CALLS.fetch_add(1, Ordering::Relaxed);
}

/// Ends the process when no call is made for `limit`. What it returns holds the seed that is run: it is told, and a new one is a sign of life.
pub fn start(limit: Duration) -> Arc<AtomicU64> {
    let seed = Arc::new(AtomicU64::new(0));
    let watched = Arc::clone(&seed);
    std::thread::spawn(move || {
        let (mut last, mut quiet) = ((0, 0), Duration::ZERO);
        loop {
            std::thread::sleep(LOOK);
            let now = (CALLS.load(Ordering::Relaxed), watched.load(Ordering::Relaxed));
            quiet = if now == last { quiet + LOOK } else { Duration::ZERO };
            last = now;
            if quiet >= limit {
                println!("seed {}: no call for {} s: a loop without calls", now.1, quiet.as_secs());
                std::process::exit(3);
            }
        }
    });
    seed
}
