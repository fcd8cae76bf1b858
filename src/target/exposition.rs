//! `/metrics` in Prometheus' text format 0.0.4, written by hand: the target must not share the engine's
//! writer, or one mistake would be on both sides of the wire.

use std::fmt::{self, Display, Write as _};
use std::sync::atomic::Ordering;

use super::Backend;
use super::broker::{Broker, EventKind};
use super::pulse::Counts;
use super::sale::Sale;
use super::tick::BOUNDS_SECS;

pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The whole page.
pub(super) fn render(backend: &Backend) -> String {
    let mut page = Page(String::with_capacity(4096));
    // Writing to a `String` cannot fail; were that to change, the page would end early and fail to parse.
    if let Err(error) = write(&mut page, backend) {
        tracing::error!(%error, "failed to write the metrics page");
    }
    page.0
}

fn write(page: &mut Page, backend: &Backend) -> fmt::Result {
    write_loop(page, backend)?;
    write_traffic(page, backend)?;
    write_pulse(page, backend.hub.counts())?;
    write_sale(page, &backend.sale)?;
    write_broker(page, &backend.broker)?;
    write_process(page)
}

fn write_loop(page: &mut Page, backend: &Backend) -> fmt::Result {
    let ticks = backend.history.snapshot();
    page.family("backend_loop_hz", "gauge", "Ticks of the loop in the last second of wall time.")?;
    page.sample("backend_loop_hz", ticks.hz)?;
    page.family("backend_loop_ticks_total", "counter", "Ticks of the loop since the service began.")?;
    page.sample("backend_loop_ticks_total", ticks.total)?;

    let name = "backend_loop_tick_duration_seconds";
    page.family(name, "histogram", "Time from one tick of the loop to the next.")?;
    let mut cumulative = 0;
    for (bound, count) in BOUNDS_SECS.iter().zip(ticks.buckets) {
        cumulative += count;
        page.sample(format_args!("{name}_bucket{{le=\"{bound:?}\"}}"), cumulative)?;
    }
    page.sample(format_args!("{name}_bucket{{le=\"+Inf\"}}"), ticks.intervals)?;
    page.sample(format_args!("{name}_sum"), ticks.interval_sum.as_secs_f64())?;
    page.sample(format_args!("{name}_count"), ticks.intervals)
}

fn write_traffic(page: &mut Page, backend: &Backend) -> fmt::Result {
    let traffic = &backend.traffic;
    page.family("backend_chat_connections", "gauge", "Chat WebSockets open now.")?;
    page.sample("backend_chat_connections", traffic.open_chats())?;
    page.family("backend_chat_messages_total", "counter", "Chat messages accepted for a reply.")?;
    page.sample("backend_chat_messages_total", traffic.messages())?;

    let name = "backend_http_requests_total";
    page.family(name, "counter", "HTTP requests answered, by path and status.")?;
    for ((route, status), count) in traffic.requests() {
        let path = route.path();
        page.sample(format_args!("{name}{{path=\"{path}\",status=\"{status}\"}}"), count)?;
    }
    let name = "backend_grpc_calls_total";
    page.family(name, "counter", "gRPC calls answered, by method and the number of their status.")?;
    for (method, status, count) in backend.calls.ended() {
        page.sample(format_args!("{name}{{method=\"{method}\",status=\"{status}\"}}"), count)?;
    }
    Ok(())
}

fn write_pulse(page: &mut Page, counts: &Counts) -> fmt::Result {
    let families = [
        ("backend_ws_connections", "gauge", "Connections to /ws open now.", &counts.connections),
        ("backend_ws_subscriptions", "gauge", "Subscriptions on /ws now.", &counts.subscriptions),
        ("backend_ws_requests_total", "counter", "Messages received on /ws.", &counts.requests),
        ("backend_events_emitted_total", "counter", "Events made, whoever saw them.", &counts.emitted),
        (
            "backend_events_delivered_total",
            "counter",
            "Events handed to a connection, once for each.",
            &counts.delivered,
        ),
        (
            "backend_event_batches_missed_total",
            "counter",
            "Batches of events that a connection was too slow for.",
            &counts.missed,
        ),
    ];
    for (name, kind, help, count) in families {
        page.family(name, kind, help)?;
        page.sample(name, count.load(Ordering::Relaxed))?;
    }
    Ok(())
}

fn write_sale(page: &mut Page, sale: &Sale) -> fmt::Result {
    let name = "backend_orders_total";
    page.family(name, "counter", "Orders, by what became of them.")?;
    let counts = sale.counts();
    let outcomes = [
        ("accepted", counts.accepted),
        ("rate_limited", counts.rate_limited),
        ("repeated", counts.repeated),
        ("sold_out", counts.sold_out),
    ];
    for (outcome, count) in outcomes {
        page.sample(format_args!("{name}{{outcome=\"{outcome}\"}}"), count)?;
    }
    page.family("backend_stock", "gauge", "What is left of the product put on sale last.")?;
    page.sample("backend_stock", sale.newest_stock())
}

fn write_broker(page: &mut Page, broker: &Broker) -> fmt::Result {
    let name = "backend_cloudevents_total";
    page.family(name, "counter", "CloudEvents taken, by what they are about.")?;
    for kind in EventKind::ALL {
        let event = kind.name();
        page.sample(format_args!("{name}{{event=\"{event}\"}}"), broker.events(kind))?;
    }
    let name = "backend_unroutable_messages_total";
    page.family(name, "counter", "Messages published that reached no queue.")?;
    page.sample(name, broker.unroutable())?;
    let name = "backend_cloudevents_delivered_total";
    page.family(name, "counter", "CloudEvents handed to the connections of /events/live.")?;
    page.sample(name, broker.live.delivered.load(Ordering::Relaxed))?;
    let name = "backend_cloudevents_missed_total";
    page.family(name, "counter", "CloudEvents that a connection of /events/live was too slow for.")?;
    page.sample(name, broker.live.missed.load(Ordering::Relaxed))
}

/// The names and meanings of Prometheus' own client libraries. What cannot be read is left out.
fn write_process(page: &mut Page) -> fmt::Result {
    let Ok(process) = procfs::process::Process::myself() else { return Ok(()) };
    if let Ok(stat) = process.stat() {
        let cpu_secs = (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64;
        let resident_bytes = stat.rss.saturating_mul(procfs::page_size());
        page.family(
            "process_cpu_seconds_total",
            "counter",
            "Total user and system CPU time spent in seconds.",
        )?;
        page.sample("process_cpu_seconds_total", cpu_secs)?;
        page.family("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.")?;
        page.sample("process_resident_memory_bytes", resident_bytes)?;
    }
    if let Ok(descriptors) = process.fd_count() {
        page.family("process_open_fds", "gauge", "Number of open file descriptors.")?;
        page.sample("process_open_fds", descriptors)?;
    }
    Ok(())
}

struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) -> fmt::Result {
        writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}")
    }

    fn sample(&mut self, series: impl Display, value: impl Display) -> fmt::Result {
        writeln!(self.0, "{series} {value}")
    }
}
