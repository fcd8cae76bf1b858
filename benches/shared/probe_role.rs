//! The stall probe in its own process; why it is made this way stands in `crate::probe`.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::Result;
use crate::probe::SLEEP;

pub(super) fn run(threshold_ms: u64) -> Result<()> {
    let threshold = Duration::from_millis(threshold_ms);
    let ended = Arc::new(AtomicBool::new(false));
    let end = Arc::clone(&ended);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        end.store(true, Ordering::Relaxed);
    });
    println!("ready");
    let (mut count, mut longest, mut total) = (0_u64, Duration::ZERO, Duration::ZERO);
    let mut before = Instant::now();
    while !ended.load(Ordering::Relaxed) {
        std::thread::sleep(SLEEP);
        let now = Instant::now();
        let overslept = (now - before).saturating_sub(SLEEP);
        if overslept > threshold {
            count += 1;
            total += overslept;
            longest = longest.max(overslept);
        }
        before = now;
    }
    let millis = |duration: Duration| duration.as_secs_f64() * 1000.0;
    println!("{}", json!({"count": count, "longest_ms": millis(longest), "total_ms": millis(total)}));
    Ok(())
}
