//! A new configuration: taken whole, or not at all.

use std::sync::{Arc, PoisonError};

use super::settings::Settings;
use super::{Inner, Refusal, now_ms};
use crate::config::DaemonConfig;

impl Inner {
    /// Runs that have begun go on under the old one.
    pub(super) fn reload(&self) -> Result<(), Refusal> {
        let taken = self.reloaded();
        let mut own = self.own();
        own.reload_failed = taken.is_err();
        match taken {
            Ok(()) => {
                own.reloaded_ms = now_ms();
                tracing::info!("the configuration was read again");
                self.work.notify_one();
                Ok(())
            }
            Err(why) => {
                tracing::error!("the configuration was not taken, the old one stays in force: {why}");
                Err(Refusal::Invalid(why))
            }
        }
    }

    fn reloaded(&self) -> Result<(), String> {
        let new = (self.reread)()?;
        let old = self.settings();
        let fixed = changed_but_fixed(&old.config, &new);
        if !fixed.is_empty() {
            return Err(format!("{} cannot change while the daemon runs: restart it", fixed.join(", ")));
        }
        let settings = Settings::of(new, &self.series, self.address)?;
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
        Ok(())
    }
}

/// What holds from the start of the process to its end.
fn changed_but_fixed(old: &DaemonConfig, new: &DaemonConfig) -> Vec<&'static str> {
    [
        ("listen", old.listen.value != new.listen.value),
        ("data_dir", old.data_dir.value != new.data_dir.value),
        ("allowed_hosts", old.allowed_hosts != new.allowed_hosts),
        (
            "auth.token_file",
            old.token_file.as_ref().map(|file| &file.value)
                != new.token_file.as_ref().map(|file| &file.value),
        ),
        ("memory.store", old.store_bytes != new.store_bytes),
        ("alertmanager.urls", urls(old) != urls(new)),
    ]
    .into_iter()
    .filter_map(|(key, changed)| changed.then_some(key))
    .collect()
}

fn urls(config: &DaemonConfig) -> Vec<&str> {
    config.alertmanagers.iter().map(|url| url.value.as_str()).collect()
}
