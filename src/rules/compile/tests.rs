//! Thresholds as PromQL, by table.
