//! The tokens of the configuration, as the API asks for them.

use super::access::{Scope, Tokens};
use crate::config;

impl Tokens for config::Tokens {
    fn scope(&self, token: &[u8]) -> Option<Scope> {
        let token = std::str::from_utf8(token).ok()?;
        Some(match config::Tokens::scope(self, token)? {
            config::Scope::Query => Scope::Query,
            config::Scope::Run => Scope::Run,
            config::Scope::Admin => Scope::Admin,
        })
    }
}
