//! What is asked of both servers.

/// Asked at a few moments, and over time.
pub(super) const EXPRESSIONS: [&str; 62] = [
    // Selectors.
    "up",
    "http_requests_total{code=\"200\",instance!=\"b:1\"}",
    "{__name__=~\"http_.+|queue_.+\",instance=~\"a.*\"}",
    "http_requests_total{code!~\"5..\"}",
    "short_lived",
    "weird",
    "odd",
    "aligned",
    "queue_length offset 1m",
    "queue_length offset -1m",
    "queue_length @ 1700000600",
    "queue_length @ end()",
    "nothing",
    // Operators.
    "1 + 2 * 3 ^ 2 % 4 - -1",
    "queue_length > 0",
    "queue_length >= bool 0",
    "http_requests_total / 2",
    "-queue_length",
    "latency_seconds_sum / latency_seconds_count",
    "sum by (instance) (http_requests_total) / on (instance) group_left (version) build_info",
    "http_requests_total / ignoring (code) group_left sum without (code) (http_requests_total)",
    "http_requests_total{code=\"500\"} and on (instance) queue_length > 0",
    "up or short_lived",
    "http_requests_total unless http_requests_total{code=\"500\"}",
    "queue_length atan2 on (instance) build_info",
    // Aggregations.
    "sum(http_requests_total)",
    "sum by (job, code) (http_requests_total)",
    "avg without (instance) (queue_length)",
    "min(queue_length)",
    "max by (nothing) (queue_length)",
    "count(http_requests_total) by (code)",
    "stddev(queue_length)",
    "stdvar by (job) (queue_length)",
    "group(up)",
    "topk(2, http_requests_total)",
    "bottomk by (code) (1, http_requests_total)",
    "quantile(0.3, http_requests_total)",
    "count_values(\"value\", up)",
    // Over time.
    "rate(http_requests_total[1m])",
    "irate(http_requests_total[1m])",
    "increase(http_requests_total[5m])",
    "resets(http_requests_total[20m])",
    "changes(up[10m])",
    "delta(queue_length[1m])",
    "idelta(queue_length[1m])",
    "deriv(queue_length[2m])",
    "predict_linear(queue_length[2m], 600)",
    "avg_over_time(queue_length[3m])",
    "min_over_time(queue_length[3m]) + max_over_time(queue_length[3m])",
    "quantile_over_time(0.9, queue_length[3m])",
    "stddev_over_time(queue_length[3m])",
    "last_over_time(short_lived[10m])",
    "count_over_time(up[1m]) + present_over_time(up[1m])",
    "max_over_time(rate(http_requests_total[1m])[5m:30s])",
    "absent(nothing{job=\"x\"}) + absent_over_time(nothing[5m])",
    // Histograms, labels, times, numbers.
    "histogram_quantile(0.95, sum by (le) (rate(latency_seconds_bucket[5m])))",
    "histogram_quantile(0.5, latency_seconds_bucket)",
    "label_replace(up, \"host\", \"$1\", \"instance\", \"(.*):.*\")",
    "label_join(up, \"both\", \"-\", \"job\", \"instance\")",
    "clamp(round(sqrt(abs(queue_length)), 0.5), 1, 6) + scalar(ln(vector(2)))",
    "hour(timestamp(up)) + day_of_week() + days_in_month()",
    "vector(time()) - scalar(sum(up))",
];

/// Only at a moment: a range vector or a string, or a result that is in order.
pub(super) const AT_A_MOMENT: [&str; 4] =
    ["queue_length[20s]", "\"a text\"", "queue_length[47s500ms:15s]", "time()"];

pub(super) const IN_ORDER: [&str; 2] =
    ["sort(http_requests_total + on (instance, code) http_requests_total)", "sort_desc(queue_length)"];

/// What Prometheus 2.42 answers otherwise than Prometheus 3 and loadgate, and why.
pub(super) const DIFFERENT: [(&str, &str); 3] = [
    (
        "count_over_time(aligned[15s])",
        "ranges are left-open since 3.0: a sample at the left edge does not belong to them",
    ),
    ("count_over_time(aligned[15s:5s])", "so are those of subqueries"),
    ("queue_length atan2 5", "since 3.0 it drops the name, as other arithmetic does"),
];

/// (endpoint, parameters) whose answers are lists.
pub(super) const LISTS: [(&str, &[(&str, &str)]); 11] = [
    ("series", &[("match[]", "up")]),
    ("series", &[("match[]", "up"), ("match[]", "{__name__=~\"build.*\",instance=\"a:1\"}")]),
    ("series", &[("match[]", "nothing")]),
    ("series", &[("match[]", "{job=\"batch\"}"), ("start", "1700000000"), ("end", "2023-11-14T22:43:20Z")]),
    ("labels", &[]),
    ("labels", &[("match[]", "short_lived"), ("match[]", "weird")]),
    ("label/__name__/values", &[]),
    ("label/__name__/values", &[("match[]", "{instance=\"a:1\"}"), ("match[]", "odd")]),
    ("label/instance/values", &[("match[]", "up")]),
    ("label/city/values", &[]),
    ("label/nothing/values", &[]),
];

/// (endpoint, parameters) that are refused: with the same status, kind and words.
pub(super) const REFUSED: [(&str, &[(&str, &str)]); 19] = [
    ("query", &[("query", "up"), ("time", "soon")]),
    ("query", &[("query", "up"), ("timeout", "soon")]),
    ("query", &[("query", "label_replace(up, \"a\", \"\", \"job\", \"(\")"), ("time", "1700000600")]),
    ("query_range", &[("query", "up"), ("start", "x"), ("end", "1"), ("step", "1")]),
    ("query_range", &[("query", "up"), ("start", "1"), ("end", "x"), ("step", "1")]),
    ("query_range", &[("query", "up"), ("start", "2"), ("end", "1"), ("step", "1")]),
    ("query_range", &[("query", "up"), ("start", "1"), ("end", "2"), ("step", "0")]),
    ("query_range", &[("query", "up"), ("start", "1"), ("end", "2"), ("step", "-5")]),
    ("query_range", &[("query", "up"), ("start", "1"), ("end", "2"), ("step", "soon")]),
    ("query_range", &[("query", "up"), ("start", "1"), ("end", "2"), ("step", "9e99")]),
    ("query_range", &[("query", "up"), ("start", "1"), ("end", "2"), ("step", "1"), ("timeout", "x")]),
    ("query_range", &[("query", "up"), ("start", "0"), ("end", "11001"), ("step", "1")]),
    ("series", &[]),
    ("series", &[("match[]", "{}")]),
    ("series", &[("match[]", "up"), ("match[]", "{job=~\".*\"}")]),
    ("series", &[("match[]", "up"), ("start", "x")]),
    ("labels", &[("match[]", "{}")]),
    ("metadata", &[("limit", "x")]),
    ("query_exemplars", &[("query", "up"), ("start", "2"), ("end", "1")]),
];

/// (endpoint, parameters, why the words differ)
type Reworded = (&'static str, &'static [(&'static str, &'static str)], &'static str);

/// Refused with the same status and kind, and why not with the same words.
pub(super) const REFUSED_IN_OTHER_WORDS: [Reworded; 6] = [
    (
        "query",
        &[("query", "up * on (job) group_left up"), ("time", "1700000600")],
        "the two series that clash come in another order",
    ),
    (
        "query",
        &[("query", "up + on (job) up"), ("time", "1700000600")],
        "the two series that clash come in another order",
    ),
    (
        "query",
        &[("query", "sum by (job) (up"), ("time", "1700000600")],
        "what is wrong with a text is said in words of our own",
    ),
    (
        "query",
        &[("query", ""), ("time", "1700000600")],
        "what is wrong with a text is said in words of our own",
    ),
    (
        "query_range",
        &[("query", "up[5m]"), ("start", "0"), ("end", "1"), ("step", "1")],
        "2.42 does not name the parameter, 3.x does",
    ),
    (
        "query_range",
        &[("query", "\"text\""), ("start", "0"), ("end", "1"), ("step", "1")],
        "2.42 does not name the parameter, 3.x does",
    ),
];
