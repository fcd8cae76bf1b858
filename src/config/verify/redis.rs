//! `redis`: what a command that changes nothing answers.

use super::{Address, Common, Kind, QuestionConfig, Statement, common};
use crate::config::At;
use crate::config::fields::{Element, Fields, Value as _};

pub(super) const KIND: Kind = Kind {
    key: "redis",
    help: "A command that Redis is asked; only such that change nothing",
    schema: Redis::schema,
    read: |node, reader| {
        Redis::read(node, reader).map(|Redis(common, question)| common.of("redis", question))
    },
};

struct Redis(Common, QuestionConfig);

impl Element for Redis {
    const NAME: &'static str = "redis";
    const HELP: &'static str = "A command that Redis is asked; only such that change nothing";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let url =
            f.required::<At<Address>>("url", "`redis://user:password@host:6379/0`, or `rediss://` for TLS");
        let command =
            f.required::<At<Vec<At<Statement>>>>("command", "The command and its arguments: `[GET, stock]`");
        let common = common(f);
        let command = command?.map(|words| words.into_iter().map(|word| word.map(|word| word.0)).collect());
        let question = QuestionConfig::Redis { url: url?.map(|url| url.0), command };
        Some(Redis(common?, question))
    }
}
