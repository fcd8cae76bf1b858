//! `postgres`: the first column of the first row that a statement gives.

use super::{Address, Common, Kind, QuestionConfig, Statement, common};
use crate::config::At;
use crate::config::fields::{Element, Fields, Value as _};

pub(super) const KIND: Kind = Kind {
    key: "postgres",
    help: "A statement that PostgreSQL is asked, read-only",
    schema: Postgres::schema,
    read: |node, reader| {
        Postgres::read(node, reader).map(|Postgres(common, question)| common.of("postgres", question))
    },
};

struct Postgres(Common, QuestionConfig);

impl Element for Postgres {
    const NAME: &'static str = "postgres";
    const HELP: &'static str = "A statement that PostgreSQL is asked, read-only";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let url = f.required::<At<Address>>(
            "url",
            "As libpq reads it: `postgres://user:password@host/database?sslmode=require`",
        );
        let query = f.required::<At<Statement>>(
            "query",
            "One statement; the first column of its first row is the value",
        );
        let common = common(f);
        let question =
            QuestionConfig::Postgres { url: url?.map(|url| url.0), query: query?.map(|query| query.0) };
        Some(Postgres(common?, question))
    }
}
