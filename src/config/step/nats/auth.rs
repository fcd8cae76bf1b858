//! Who we are to a NATS server.

use super::super::super::At;
use super::super::super::fields::{Element, Fields};
use super::super::super::value::{FilePath, Text};

#[derive(Debug, Clone)]
pub enum NatsAuthConfig {
    User {
        user: At<String>,
        password: At<String>,
    },
    Token(At<String>),
    /// A file with the seed of a key.
    NkeyFile(At<String>),
    /// A file with a JWT and the seed of its key.
    CredsFile(At<String>),
}

const WAYS: [&str; 4] = ["user", "token", "nkey_file", "creds_file"];

impl Element for NatsAuthConfig {
    const NAME: &'static str = "nats_auth";
    const HELP: &'static str = "Who we are to the server: one of the ways";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let user = f.optional::<At<Text>>("user", "With `password`");
        let password = f.optional::<At<Text>>("password", "Of the user; from a variable: `${NATS_PASSWORD}`");
        let token = f.optional::<At<Text>>("token", "From a variable: `${NATS_TOKEN}`");
        let nkey_file = f.optional::<At<FilePath>>("nkey_file", "A file with the seed of an nkey (`SU…`)");
        let creds_file =
            f.optional::<At<FilePath>>("creds_file", "A file with a JWT and its seed, as `nsc` makes it");
        for (given, missing) in [("user", "password"), ("password", "user")] {
            if f.has(given) && !f.has(missing) {
                f.problem(given, format!("`{given}` without `{missing}`"), format!("add `{missing}`"));
            }
        }
        f.at_most_one(&WAYS, "one way");
        if !WAYS.into_iter().any(|way| f.has(way)) && !f.has("password") {
            let help = format!("expected one of {}", WAYS.map(|way| format!("`{way}`")).join(", "));
            f.problem("", "`auth` does not say how", help);
        }
        let (user, password, token) = (user?, password?, token?);
        let (nkey_file, creds_file) = (nkey_file?, creds_file?);
        let user = user.zip(password).map(|(user, password)| NatsAuthConfig::User {
            user: user.map(|text| text.0),
            password: password.map(|text| text.0),
        });
        user.or_else(|| token.map(|token| NatsAuthConfig::Token(token.map(|text| text.0))))
            .or_else(|| nkey_file.map(|file| NatsAuthConfig::NkeyFile(file.map(|path| path.0))))
            .or_else(|| creds_file.map(|file| NatsAuthConfig::CredsFile(file.map(|path| path.0))))
    }
}
