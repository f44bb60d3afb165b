//! Time: the only file that reads a clock.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A future that ends when a time has passed.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where time comes from. Applications keep [`SystemClock`]; tests bring their
/// own, so that nothing has to sleep.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Both clocks, read together.
    fn now(&self) -> Now;

    /// A cheaper reading, for the path of a token that is fresh. Default: the
    /// same clocks as [`now`](Self::now).
    fn coarse(&self) -> Coarse {
        let now = self.now();
        Coarse {
            monotonic: now.boot,
            wall: now.wall,
        }
    }

    /// Names the start that the boot clock counts from, for tokens that outlive this
    /// process in a store: after a restart of the machine that clock starts anew.
    /// Default: unknown, so that a stored token is judged by the wall clock alone.
    fn boot_id(&self) -> Option<BootId> {
        None
    }

    /// Ends after `duration`. It is polled on the runtime that carries the
    /// flights, never on a caller's.
    fn sleep(&self, duration: Duration) -> Sleep;
}

/// One reading of the two clocks that judge a token.
///
/// A token is usable only while both say so: the boot clock cannot be set, the
/// wall clock is the one the authorization server agrees with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Monotonic time since an arbitrary start, time spent suspended included.
    pub boot: Duration,
    /// Wall time since 1970-01-01 00:00 UTC; zero if the clock is set earlier.
    pub wall: Duration,
}

/// Names one start of one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BootId(pub [u8; 16]);

/// A reading of clocks that may lag by 10 ms each, and of which the monotonic one
/// may stand still while the machine is suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coarse {
    /// Monotonic time since an arbitrary start.
    pub monotonic: Duration,
    /// Wall time since 1970-01-01 00:00 UTC; zero if the clock is set earlier.
    pub wall: Duration,
}

/// How far a coarse clock may lag: one tick of a kernel that ticks 100 times a
/// second.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// The machine's clocks.
///
/// On Linux the monotonic one is `CLOCK_BOOTTIME`, on the other Unixes
/// `CLOCK_MONOTONIC` (which on macOS runs through sleep), elsewhere
/// [`std::time::Instant`]. Sleeping needs a Tokio runtime with time enabled.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Now {
        Now {
            boot: boot(),
            wall: wall(),
        }
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn coarse(&self) -> Coarse {
        // A fifth of the cost of the fine clocks, which is most of the cost of
        // handing out a token.
        use rustix::time::{ClockId, clock_gettime};
        Coarse {
            monotonic: duration(clock_gettime(ClockId::MonotonicCoarse)),
            wall: duration(clock_gettime(ClockId::RealtimeCoarse)),
        }
    }

    fn boot_id(&self) -> Option<BootId> {
        boot_id()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// The kernel draws a number when it starts.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn boot_id() -> Option<BootId> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    parse_boot_id(&text)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn boot_id() -> Option<BootId> {
    None
}

/// 32 hexadecimal digits in groups, as a UUID is written.
#[cfg(any(target_os = "linux", target_os = "android", test))]
fn parse_boot_id(text: &str) -> Option<BootId> {
    let digits: String = text.trim().chars().filter(|c| *c != '-').collect();
    // The parser alone would take a sign.
    let is_whole = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u128::from_str_radix(&digits, 16).ok()?;
    is_whole.then_some(BootId(number.to_be_bytes()))
}

#[cfg(unix)]
fn boot() -> Duration {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = rustix::time::ClockId::Monotonic;
    duration(rustix::time::clock_gettime(clock))
}

#[cfg(unix)]
fn wall() -> Duration {
    duration(rustix::time::clock_gettime(rustix::time::ClockId::Realtime))
}

#[cfg(unix)]
fn duration(time: rustix::time::Timespec) -> Duration {
    // The kernel keeps nanoseconds below a second; a wall clock before 1970 is
    // taken for 1970, which makes every token look expired: the safe side.
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    u64::try_from(time.tv_sec).map_or(Duration::ZERO, |seconds| {
        Duration::new(seconds, nanoseconds)
    })
}

#[cfg(not(unix))]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the file that reads time"
)]
fn boot() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}

#[cfg(not(unix))]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the file that reads time"
)]
fn wall() -> Duration {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_clock_never_runs_backwards() {
        let readings: Vec<_> = (0..1000).map(|_| SystemClock.now().boot).collect();
        assert!(readings.is_sorted());
    }

    #[test]
    fn a_boot_id_is_a_uuid_or_nothing() {
        let known = parse_boot_id("00112233-4455-6677-8899-aabbccddeeff\n").unwrap();
        assert_eq!(known.0[..4], [0, 0x11, 0x22, 0x33]);
        for bad in [
            "",
            "0011",
            "00112233-4455-6677-8899-aabbccddeefg",
            "+0112233445566778899aabbccddeeff",
        ] {
            assert_eq!(parse_boot_id(bad), None, "{bad}");
        }
        #[cfg(target_os = "linux")]
        assert!(
            SystemClock
                .boot_id()
                .is_some_and(|id| SystemClock.boot_id() == Some(id))
        );
    }

    #[test]
    fn the_coarse_clocks_lag_by_a_tick_at_most() {
        let before = SystemClock.now();
        let coarse = SystemClock.coarse();
        assert!(coarse.wall + TICK >= before.wall);
        let again = SystemClock.coarse();
        assert!(again.monotonic >= coarse.monotonic);
    }

    #[test]
    fn the_wall_clock_is_the_one_std_reads() {
        #[expect(clippy::disallowed_methods, reason = "the peer to compare with")]
        let std = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        assert!(SystemClock.now().wall.abs_diff(std) < Duration::from_secs(60));
    }
}
