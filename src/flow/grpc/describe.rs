//! Asks a server what a service looks like, for steps that were given neither `proto` nor `descriptors`: once a run,
//! before its load.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use http::HeaderMap;

use super::Contract;
use crate::flow::http::Url;
use crate::flow::{Ended, Step, Vu};
use crate::protocol::grpc::{Client, reflect};
use crate::sample::ErrorCode;

/// One service at one URL, and the steps that need it.
#[derive(Debug)]
pub struct Describe {
    pub url: Url,
    pub service: String,
    /// What is sent with it: metadata that is constant.
    pub headers: HeaderMap,
    pub timeout: Duration,
    /// All are settled at once; a plan that is compiled twice has some twice.
    contracts: Mutex<Vec<Arc<Contract>>>,
}

impl Describe {
    pub fn new(url: Url, service: &str, headers: HeaderMap, timeout: Duration) -> Self {
        Describe { url, service: service.to_owned(), headers, timeout, contracts: Mutex::default() }
    }

    pub fn serve(&self, contract: Arc<Contract>) {
        self.contracts.lock().unwrap_or_else(PoisonError::into_inner).push(contract);
    }

    pub(super) async fn ask(&self, vu: &Vu) -> Result<(), Ended> {
        let contracts = self.contracts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if contracts.iter().all(|contract| contract.known().is_some()) {
            return Ok(());
        }
        let said =
            |code: ErrorCode| Ended::Error(format!("{} (error code {})", code.describe(), code.number()));
        let target = self.url.resolve(vu)?.map_err(said)?;
        let dialer = &vu.worker.dialer;
        // On a connection of its own, which ends with it.
        let mut client = Client::new();
        let asked = reflect(&mut client, dialer, &target, &self.headers, &self.service, self.timeout).await;
        let pool = asked.map_err(|error| Ended::Error(error.to_string()))?;
        for contract in contracts {
            contract.settle(&pool).map_err(|error| {
                let help = error.help().map(|help| format!(" ({help})")).unwrap_or_default();
                Ended::Error(format!("{error}{help}"))
            })?;
        }
        Ok(())
    }
}

/// In preflight, before any load.
impl Step for Arc<Describe> {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(async move {
            // A URL that only later steps can fill in is asked when they have.
            match self.url.resolve(vu) {
                Ok(_) => self.ask(vu).await,
                Err(_) => Ok(()),
            }
        })
    }
}
