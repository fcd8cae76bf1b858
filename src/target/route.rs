//! The paths: what each is called, which methods it takes, and what it is for.

use hyper::StatusCode;

/// The paths we know; all others are counted as one, so that a client cannot make series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Route {
    Health,
    Ready,
    Metrics,
    Faults,
    Chat,
    Pulse,
    CorrectnessStatus,
    CorrectnessWatermark,
    CorrectnessHalts,
    CorrectnessGaps,
    Manifests,
    Manifest,
    Init,
    Order,
    Stock,
    WaitingRoom,
    Events,
    Live,
    Publish,
    Unknown,
}

/// One path of the demo target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteInfo {
    route: Route,
    /// The methods, with `, ` between them.
    pub methods: &'static str,
    /// The path; a segment in braces stands for any one.
    pub path: &'static str,
    /// What it answers: half a sentence.
    pub about: &'static str,
}

const fn info(route: Route, methods: &'static str, path: &'static str, about: &'static str) -> RouteInfo {
    RouteInfo { route, methods, path, about }
}

const READ: &str = "GET, HEAD";

/// All paths, for `--help` and the router. Those without braces are found first.
pub const ROUTES: [RouteInfo; 19] = [
    info(Route::Health, READ, "/health", "whether it is alive"),
    info(Route::Ready, READ, "/ready", "whether it takes load"),
    info(Route::Metrics, READ, "/metrics", "its own metrics, in Prometheus' text format"),
    info(
        Route::Faults,
        "GET, HEAD, POST, DELETE",
        "/faults",
        "lists, sets ({\"fault\":NAME,\"value\":VALUE}) and clears faults",
    ),
    info(
        Route::Chat,
        "GET",
        "/api/chat",
        "WebSocket: {\"type\":\"message\",\"content\":TEXT} gets chunks, then {\"type\":\"done\"}",
    ),
    info(Route::Pulse, "GET", "/ws", "WebSocket: events of two chains, by filter (see below)"),
    info(Route::CorrectnessStatus, READ, "/api/v1/correctness/status", "heads, halts and gaps in one"),
    info(
        Route::CorrectnessWatermark,
        READ,
        "/api/v1/correctness/watermark",
        "the last whole block of each chain",
    ),
    info(Route::CorrectnessHalts, READ, "/api/v1/correctness/halts", "what stands still"),
    info(Route::CorrectnessGaps, READ, "/api/v1/correctness/gaps", "events that were lost"),
    info(Route::Init, "POST", "/init", "begins a sale: {\"productId\":ID,\"quantity\":N}"),
    info(
        Route::Order,
        "POST",
        "/order",
        "{\"productId\":ID,\"userId\":ID}, x-idempotency-key: 200, 302 (too fast), 409 (sold out)",
    ),
    info(Route::Stock, READ, "/stock", "what is left of the sale begun last, or of ?productId=ID"),
    info(Route::WaitingRoom, READ, "/waiting-room", "where a 302 leads"),
    info(Route::Events, "POST", "/events", "takes a CloudEvent, structured or binary: 202"),
    info(Route::Live, "GET", "/events/live", "WebSocket: each event that /events takes from then on"),
    info(Route::Manifests, READ, "/api/v1/manifests/{chain}", "the last blocks of ethereum or solana"),
    info(Route::Manifest, READ, "/api/v1/manifests/{chain}/{block}", "one block"),
    info(
        Route::Publish,
        "POST",
        "/api/exchanges/{vhost}/{exchange}/publish",
        "RabbitMQ's management API: %2F, cloud-events, notifi:notifi; {\"routed\":true}",
    ),
];

/// What stood where a path has braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Segments<'a>(pub(super) [&'a str; 2]);

impl Route {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        ROUTES.into_iter().map(|info| info.route).chain([Self::Unknown])
    }

    pub(super) fn of(path: &str) -> (Self, Segments<'_>) {
        if let Some(info) = ROUTES.iter().find(|info| info.path == path) {
            return (info.route, Segments::default());
        }
        let templates = ROUTES.iter().filter(|info| info.path.contains('{'));
        let found = templates.filter_map(|info| Some((info.route, segments(info.path, path)?))).next();
        found.unwrap_or((Self::Unknown, Segments::default()))
    }

    fn info(self) -> Option<&'static RouteInfo> {
        ROUTES.iter().find(|info| info.route == self)
    }

    /// The path, also as the value of the label `path`.
    pub(super) fn path(self) -> &'static str {
        self.info().map_or("other", |info| info.path)
    }

    pub(super) fn methods(self) -> &'static str {
        self.info().map_or("", |info| info.methods)
    }

    /// The status of an ordinary answer.
    pub(super) fn success(self) -> StatusCode {
        match self {
            Self::Chat | Self::Pulse | Self::Live => StatusCode::SWITCHING_PROTOCOLS,
            Self::Events => StatusCode::ACCEPTED,
            Self::Unknown => StatusCode::NOT_FOUND,
            _ => StatusCode::OK,
        }
    }
}

/// What stands for the braces of `template` in `path`; `None` if the path is another.
fn segments<'a>(template: &str, path: &'a str) -> Option<Segments<'a>> {
    let mut found = [""; 2];
    let mut free = found.iter_mut();
    let mut actual = path.split('/');
    for wanted in template.split('/') {
        let segment = actual.next()?;
        if wanted.starts_with('{') {
            *free.next()? = Some(segment).filter(|segment| !segment.is_empty())?;
        } else if wanted != segment {
            return None;
        }
    }
    actual.next().is_none().then_some(Segments(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, route: Route, segments: [&str; 2]) {
        assert_eq!(Route::of(path), (route, Segments(segments)), "{path}");
    }

    #[test]
    fn a_path_is_found_with_what_stands_for_its_braces() {
        check("/health", Route::Health, ["", ""]);
        check("/api/v1/manifests/solana", Route::Manifests, ["solana", ""]);
        check("/api/v1/manifests/solana/17", Route::Manifest, ["solana", "17"]);
        check("/api/exchanges/%2F/cloud-events/publish", Route::Publish, ["%2F", "cloud-events"]);
        for path in ["/", "/healthy", "/api/v1/manifests/", "/api/v1/manifests/a/b/c", "/api/v1/manifests//1"]
        {
            check(path, Route::Unknown, ["", ""]);
        }
    }

    #[test]
    fn every_path_leads_to_itself() {
        for info in ROUTES {
            assert_eq!(Route::of(info.path).0, info.route, "{}", info.path);
            assert_eq!(info.route.path(), info.path);
        }
    }
}
