//! What the programs here measure with: the CPU time of this process, and its largest size.

use std::{error::Error, fs, time::Duration};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeVal,
};

/// What this process has used, in user and in kernel mode.
///
/// # Errors
/// When the system does not tell.
pub fn cpu_time() -> Result<Duration, Box<dyn Error>> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let micros = |time: TimeVal| {
        u64::try_from(time.tv_sec()).unwrap_or_default() * 1_000_000
            + u64::try_from(time.tv_usec()).unwrap_or_default()
    };
    Ok(Duration::from_micros(
        micros(usage.user_time()) + micros(usage.system_time()),
    ))
}

/// The largest resident size this process had, in KB.
///
/// # Errors
/// When the system does not tell.
pub fn largest_size() -> Result<u64, Box<dyn Error>> {
    of_status("VmHWM:")
}

/// The resident size of this process, in KB.
///
/// # Errors
/// When the system does not tell.
pub fn size() -> Result<u64, Box<dyn Error>> {
    of_status("VmRSS:")
}

fn of_status(field: &str) -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("the system does not tell")?.parse()?)
}
