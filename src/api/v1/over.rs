//! Which series a request asks: a run's that a layer has brought, else those of the embedded store.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::api::Sources;

pub(super) struct Over(pub(super) Arc<Sources>);

impl FromRequestParts<Arc<Sources>> for Over {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<Sources>) -> Result<Self, Infallible> {
        Ok(Over(parts.extensions.get().unwrap_or(state).clone()))
    }
}
