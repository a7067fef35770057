//! What the machine we run on gives every backend that does not make its own: clocks, randomness, the environment,
//! the time zone.
//!
//! Never: files.

use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStringExt;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::seeded::SeededRandom;
use crate::timers::Clock;
use crate::world::{Instant, WallTime};

/// The operating system's clocks and random numbers.
#[derive(Default)]
pub(crate) struct Host {
    /// Used only where the operating system has no random numbers for us, which needs a kernel from before 2014.
    fallback: Mutex<Option<SeededRandom>>,
}

impl Clock for Host {
    fn now(&self) -> Instant {
        Instant(clock_ns(libc::CLOCK_MONOTONIC))
    }

    fn jump(&self, _: Instant) -> bool {
        false
    }
}

impl Host {
    /// Wall-clock time.
    #[allow(clippy::disallowed_methods)]
    pub(crate) fn wall_time(&self) -> WallTime {
        let ms = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
        };
        WallTime(ms)
    }

    /// Fills `out` from the operating system's generator.
    pub(crate) fn fill_random(&self, out: &mut [u8]) {
        // `getentropy` gives at most 256 bytes a call and, unlike a read, all of them.
        for chunk in out.chunks_mut(256) {
            // SAFETY: `chunk` is writable for its whole length.
            let result = unsafe { libc::getentropy(chunk.as_mut_ptr().cast(), chunk.len()) };
            if result != 0 {
                let mut fallback = self.fallback.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let seed = || clock_ns(libc::CLOCK_REALTIME) ^ u64::from(std::process::id()).rotate_left(32);
                fallback.get_or_insert_with(|| SeededRandom::new(seed())).fill(chunk);
            }
        }
    }

    /// An environment variable.
    #[allow(clippy::disallowed_methods)]
    pub(crate) fn env(&self, name: &str) -> Option<Vec<u8>> {
        // `var_os` panics on names that no variable can have.
        if name.is_empty() || name.contains(['=', '\0']) {
            return None;
        }
        std::env::var_os(name).map(OsStringExt::into_vec)
    }

    /// Seconds between local time and UTC at `at`.
    pub(crate) fn local_offset(&self, at: WallTime) -> Option<i64> {
        let seconds: libc::time_t = at.0.div_euclid(1000);
        let mut broken_down = MaybeUninit::<libc::tm>::zeroed();
        // SAFETY: both pointers are valid for the call; `localtime_r` keeps neither.
        let result = unsafe { libc::localtime_r(&seconds, broken_down.as_mut_ptr()) };
        if result.is_null() {
            return None;
        }
        // SAFETY: zeroed is a valid `tm`, and the call above filled it.
        let broken_down = unsafe { broken_down.assume_init() };
        #[allow(clippy::useless_conversion)] // A C long has 32 bits on some machines.
        Some(i64::from(broken_down.tm_gmtoff))
    }
}

fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is valid for writing. The call cannot fail for the clocks that POSIX demands.
    unsafe { libc::clock_gettime(clock, &mut now) };
    (now.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_pass_and_random_bytes_differ() {
        let host = Host::default();
        let before = host.now();
        let (mut a, mut b) = ([0u8; 700], [0u8; 700]);
        host.fill_random(&mut a);
        host.fill_random(&mut b);
        assert!(a != b && a[600..] != [0; 100]);
        assert!(host.now() >= before);
        // 2020-01-01, long past when this runs.
        assert!(host.wall_time().0 > 1_577_836_800_000);
    }

    #[test]
    fn odd_names_are_no_variables() {
        let host = Host::default();
        assert!(host.env("PATH").is_some());
        assert!(["", "A=B", "A\0B"].iter().all(|name| host.env(name).is_none()));
    }

    #[test]
    fn local_time_is_within_a_day_of_utc() {
        let offset = Host::default().local_offset(WallTime(1_577_836_800_000)).unwrap();
        assert!(offset.abs() <= 26 * 3600);
    }
}
