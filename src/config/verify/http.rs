//! `http`: a request as in flows, whose `checks` decide.

use std::time::Duration;

use super::condition::DuringHttp;
use super::{DURING, DemandsConfig, Kind, QuestionConfig, VerifyConfig, settle};
use crate::config::fields::{Element, Fields, Value as _};
use crate::config::step::HttpConfig;

/// Of one answer, where the request has no timeout of its own.
const TIMEOUT: Duration = Duration::from_secs(10);

pub(super) const KIND: Kind = Kind {
    key: "http",
    help: "A request; its `checks` decide",
    schema: Http::schema,
    read: |node, reader| Http::read(node, reader).map(|http| http.0),
};

struct Http(VerifyConfig);

impl Element for Http {
    const NAME: &'static str = "verify_http";
    const HELP: &'static str = "A request; its `checks` decide";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let http = HttpConfig::fields(f);
        let settle = settle(f);
        let during = f.optional::<DuringHttp>("during", DURING);
        let mut http = http?;
        if http.checks.is_empty() && !f.has("during") {
            let help = "expected `checks`, each a name and an expression".to_owned();
            f.problem("checks", "nothing is demanded of the answer", help);
            return None;
        }
        let timeout = *http.timeout.get_or_insert(TIMEOUT);
        // They are asked of the answer, not counted as checks of the load.
        let checks = std::mem::take(&mut http.checks);
        Some(Http(VerifyConfig {
            kind: "http",
            name: http.name.clone(),
            question: QuestionConfig::Http(Box::new(http)),
            demands: DemandsConfig { checks, ..DemandsConfig::default() },
            settle: settle?,
            timeout,
            during: during?.map(|during| during.0),
        }))
    }
}
