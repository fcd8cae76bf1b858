//! What is compared.

use std::fmt;

use crate::machine::find;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    Loadgate,
    /// The same run, with ten scrapes a second.
    Scraped,
    Prometheus,
}

impl Client {
    /// What others are a multiple of.
    pub(crate) const BASELINE: Self = Self::Prometheus;

    pub(crate) fn is_installed(self) -> bool {
        self != Self::Prometheus || (find("prometheus").is_some() && find("promtool").is_some())
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Loadgate => "loadgate",
            Self::Scraped => "scraped",
            Self::Prometheus => "prometheus",
        })
    }
}
