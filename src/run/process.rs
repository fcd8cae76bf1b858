//! What runs here (`loadgate_build_info`), and `process_*`: what this process uses, under the names that Prometheus' client libraries agreed on.

use crate::family::{Family, FamilyKind};
use crate::labels::Labels;

pub fn build_info() -> Family {
    let version = Labels::new([("version", env!("CARGO_PKG_VERSION"))]);
    Family::single("loadgate_build_info", FamilyKind::Gauge, "The version that runs; always 1.", version, 1.0)
}

/// Empty where there is no `/proc`.
pub fn families() -> Vec<Family> {
    collect().unwrap_or_default()
}

fn collect() -> procfs::ProcResult<Vec<Family>> {
    use FamilyKind::{Counter, Gauge};
    let process = procfs::process::Process::myself()?;
    let stat = process.stat()?;
    let ticks = procfs::ticks_per_second() as f64;
    let limits = process.limits()?;
    let max_fds = match limits.max_open_files.soft_limit {
        procfs::process::LimitValue::Value(value) => value as f64,
        procfs::process::LimitValue::Unlimited => f64::INFINITY,
    };
    let boot = procfs::boot_time_secs()? as f64;
    let single = |name, kind, help, value| Family::single(name, kind, help, Labels::empty(), value);
    Ok(vec![
        single(
            "process_cpu_seconds_total",
            Counter,
            "User and system CPU time spent.",
            (stat.utime + stat.stime) as f64 / ticks,
        ),
        single("process_max_fds", Gauge, "Maximum number of open file descriptors.", max_fds),
        single("process_open_fds", Gauge, "Number of open file descriptors.", process.fd_count()? as f64),
        single(
            "process_resident_memory_bytes",
            Gauge,
            "Resident memory size in bytes.",
            (stat.rss * procfs::page_size()) as f64,
        ),
        single(
            "process_start_time_seconds",
            Gauge,
            "Start time of the process since unix epoch in seconds.",
            boot + stat.starttime as f64 / ticks,
        ),
        single("process_threads", Gauge, "Number of OS threads.", stat.num_threads as f64),
        single("process_virtual_memory_bytes", Gauge, "Virtual memory size in bytes.", stat.vsize as f64),
    ])
}
