//! A command for Redis, and where it goes: only commands that change nothing.

use std::fmt;

use ::redis::{ProtocolVersion, RedisConnectionInfo};

use super::{Secrets, address};
use crate::config::{At, Problem};

pub struct RedisQuestion {
    pub host: String,
    pub port: u16,
    pub tls: bool,
    /// User, password and number of the database.
    pub session: RedisConnectionInfo,
    /// The command first.
    pub command: Vec<String>,
}

impl fmt::Debug for RedisQuestion {
    /// Without who asks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RedisQuestion { host, port, tls, .. } = self;
        f.debug_struct("RedisQuestion")
            .field("host", host)
            .field("port", port)
            .field("tls", tls)
            .finish_non_exhaustive()
    }
}

const EXPECTED: &str = "expected a URL such as redis://:password@localhost:6379/0";

/// Redis' own flag `readonly`, without those that block, watch or run scripts; and a few that ask for the server's state.
const READING: [&str; 84] = [
    "BITCOUNT",
    "BITFIELD_RO",
    "BITPOS",
    "DBSIZE",
    "ECHO",
    "EXISTS",
    "EXPIRETIME",
    "GEODIST",
    "GEOHASH",
    "GEOPOS",
    "GEORADIUSBYMEMBER_RO",
    "GEORADIUS_RO",
    "GEOSEARCH",
    "GET",
    "GETBIT",
    "GETRANGE",
    "HEXISTS",
    "HGET",
    "HGETALL",
    "HKEYS",
    "HLEN",
    "HMGET",
    "HRANDFIELD",
    "HSCAN",
    "HSTRLEN",
    "HVALS",
    "INFO",
    "JSON.ARRLEN",
    "JSON.GET",
    "JSON.MGET",
    "JSON.OBJLEN",
    "JSON.STRLEN",
    "JSON.TYPE",
    "KEYS",
    "LCS",
    "LINDEX",
    "LLEN",
    "LPOS",
    "LRANGE",
    "MGET",
    "PEXPIRETIME",
    "PFCOUNT",
    "PING",
    "PTTL",
    "RANDOMKEY",
    "SCAN",
    "SCARD",
    "SDIFF",
    "SINTER",
    "SINTERCARD",
    "SISMEMBER",
    "SMEMBERS",
    "SMISMEMBER",
    "SORT_RO",
    "SRANDMEMBER",
    "SSCAN",
    "STRLEN",
    "SUBSTR",
    "SUNION",
    "TIME",
    "TTL",
    "TYPE",
    "XLEN",
    "XPENDING",
    "XRANGE",
    "XREVRANGE",
    "ZCARD",
    "ZCOUNT",
    "ZDIFF",
    "ZINTER",
    "ZINTERCARD",
    "ZLEXCOUNT",
    "ZMSCORE",
    "ZRANDMEMBER",
    "ZRANGE",
    "ZRANGEBYLEX",
    "ZRANGEBYSCORE",
    "ZRANK",
    "ZREVRANGE",
    "ZREVRANGEBYLEX",
    "ZREVRANGEBYSCORE",
    "ZREVRANK",
    "ZSCORE",
    "ZUNION",
];

/// Commands of which only these subcommands change nothing.
const READING_PARTS: [(&str, &[&str]); 3] = [
    ("MEMORY", &["USAGE"]),
    ("OBJECT", &["ENCODING", "FREQ", "IDLETIME", "REFCOUNT"]),
    ("XINFO", &["CONSUMERS", "GROUPS", "STREAM"]),
];

pub(super) fn compile(
    url: &At<String>,
    command: &At<Vec<At<String>>>,
    secrets: &mut Secrets,
    problems: &mut Vec<Problem>,
) -> Option<RedisQuestion> {
    let words = read_only(command, problems);
    let mut refuse = |message: String, help: &str| problems.push(Problem::new(url.place, message).help(help));
    let address = match address::parse(&url.value, ["redis", "rediss"], secrets) {
        Ok(address) => address,
        Err(why) => {
            refuse(format!("no URL of Redis: {why}"), EXPECTED);
            return None;
        }
    };
    let mut session = RedisConnectionInfo::default().set_skip_set_lib_name();
    match address.path.as_str() {
        "" => {}
        number => match number.parse::<i64>() {
            Ok(number) if number >= 0 => session = session.set_db(number),
            _ => {
                refuse("the path of a URL of Redis is the number of a database".to_owned(), EXPECTED);
                return None;
            }
        },
    }
    for (name, value) in &address.query {
        match (name.as_str(), value.as_str()) {
            ("protocol", "2" | "resp2") => session = session.set_protocol(ProtocolVersion::RESP2),
            ("protocol", "3" | "resp3") => session = session.set_protocol(ProtocolVersion::RESP3),
            _ => {
                refuse(
                    format!("`{name}` is not supported in a URL of Redis"),
                    "expected `protocol=resp3`, or none",
                );
                return None;
            }
        }
    }
    if let Some(user) = &address.user {
        session = session.set_username(user);
    }
    if let Some(password) = &address.password {
        session = session.set_password(password);
    }
    let (host, port, tls) = (address.host, address.port.unwrap_or(6379), address.scheme == "rediss");
    Some(RedisQuestion { host, port, tls, session, command: words? })
}

fn read_only(command: &At<Vec<At<String>>>, problems: &mut Vec<Problem>) -> Option<Vec<String>> {
    let Some(first) = command.value.first() else {
        let problem = Problem::new(command.place, "the command is empty");
        problems.push(problem.help("expected a command and its arguments such as `[GET, stock]`"));
        return None;
    };
    let name = first.value.to_ascii_uppercase();
    if let Some((_, parts)) = READING_PARTS.iter().find(|(known, _)| *known == name) {
        let part = command.value.get(1).map(|part| part.value.to_ascii_uppercase()).unwrap_or_default();
        if !parts.contains(&part.as_str()) {
            let message = format!("only a part of `{name}` is read-only");
            problems.push(Problem::new(first.place, message).help(format!("expected {}", parts.join(", "))));
            return None;
        }
    } else if !READING.contains(&name.as_str()) {
        let message = format!("`{name}` is not known as a command that changes nothing");
        let help = "expected one that only reads, such as GET, EXISTS, LLEN, SCARD, HGET or ZCOUNT";
        problems.push(Problem::new(first.place, message).help(help));
        return None;
    }
    Some(command.value.iter().map(|word| word.value.clone()).collect())
}
