//! The tokens of the configuration, as the API asks for them.

use super::access::{Scope, Tokens};
use crate::config;

impl Tokens for config::Tokens {
    fn scope(&self, token: &[u8]) -> Option<Scope> {
        config::Tokens::scope(self, std::str::from_utf8(token).ok()?)
    }
}
