//! What an hour of ticks takes in the store, as the kernel sees it: resident memory before and after. Several stores are
//! filled at a time, so that what the allocator had free before is little beside what they take.

use std::path::Path;
use std::time::Duration;

use loadgate::tsdb::{Origin, Store};
use serde_json::json;

use super::{EPOCH_MS, cpu_time};
use crate::Result;
use crate::page::Pages;

const STORES: usize = 8;

pub(super) fn run(pages: &Path, ticks: u32) -> Result<()> {
    let mut pages = Pages::read(pages)?.moving();
    // What making the numbers takes is not the store's.
    pages.iter_mut().for_each(|(_, moving)| moving.tick());
    let before = resident_bytes()?;
    let stores: Vec<Store> = (0..STORES).map(|_| Store::default()).collect();
    let mut intake = Duration::ZERO;
    for tick in 0..ticks {
        pages.iter_mut().for_each(|(_, moving)| moving.tick());
        let at_ms = EPOCH_MS + i64::from(tick) * 1000;
        let began = cpu_time();
        for (store, (job, moving)) in
            stores.iter().flat_map(|store| pages.iter().map(move |page| (store, page)))
        {
            store.scrape(&Origin(job.clone()), at_ms, moving.families());
        }
        intake += cpu_time() - began;
    }
    let bytes = resident_bytes()? - before;
    let stats: Vec<_> = stores.iter().map(Store::stats).collect();
    let samples = stats.iter().map(|stats| stats.samples).sum::<u64>() as f64;
    let counted_bytes = stats.iter().map(|stats| stats.bytes).sum::<usize>() as f64;
    println!(
        "{}",
        json!({
            "series": stats[0].series,
            "samples": stats[0].samples,
            "bytes_per_sample": bytes / samples,
            "counted_bytes_per_sample": counted_bytes / samples,
            "append_nanos": intake.as_secs_f64() * 1e9 / samples,
        })
    );
    Ok(())
}

fn resident_bytes() -> Result<f64> {
    let stat = procfs::process::Process::myself()?.stat()?;
    Ok((stat.rss * procfs::page_size()) as f64)
}
