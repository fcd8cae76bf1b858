//! The query API as `loadgate run --listen` serves it, over a store that holds the hour.

use std::sync::Arc;

use loadgate::api::{Sources, serve};
use loadgate::tsdb::{Origin, Store};

use super::serving;
use crate::Result;
use crate::hour::{Hour, LEAD_SECS, SECS};

pub(super) fn run(begin_secs: i64) -> Result<()> {
    let store = Store::default();
    let mut hour = Hour::new();
    let origin = Origin("hour".to_owned());
    for second in 0..LEAD_SECS + SECS {
        store.scrape(&origin, (begin_secs + second) * 1000, hour.tick());
    }
    let sources = Arc::new(Sources::new(Arc::new(store)));
    serving::until_told(|listener| serve(listener, sources, std::future::pending()))
}
