//! The order of the modules: each uses only those before it, so that everything flows one way, from a
//! YAML key to the exit code. Also keeps each file short and opened by a sentence that says what it is for.

use std::fs;
use std::path::{Path, PathBuf};

use super::rust_tokens::{Token, tokens};

/// A module uses only those before it. `lib.rs` lists them in the same order.
const LAYERS: [&str; 39] = [
    "time",
    "ids",
    "sample",
    "metric",
    "labels",
    "family",
    "promql",
    "tsdb",
    "record",
    "budget",
    "template",
    "data",
    "executor",
    "ledger",
    "protocol",
    "flow",
    "exposition",
    "config",
    "aggregate",
    "rules",
    "plan",
    "scheduler",
    "scrape",
    "notify",
    "prometheus",
    "verify",
    "action",
    "chaos",
    "verdict",
    "dashboard",
    "page",
    "report",
    "run",
    "store",
    "daemon",
    "api",
    "target",
    "cli",
    "main",
];

/// Uses nothing of this crate: what loadgate measures there is never measured by the code that produced it.
const APART: &str = "target";

/// A file above this needs a reason in [`LONG_FILES`].
const MAX_LINES: usize = 600;

/// Files above [`MAX_LINES`], each with its reason.
const LONG_FILES: [(&str, &str); 0] = [];

/// `main.rs` may have no sentence of its own as long as it can be read at a glance.
const MAX_MAIN_LINES: usize = 20;

#[test]
fn a_module_uses_only_those_before_it() {
    let broken: Vec<String> =
        files("src").iter().flat_map(|(path, text)| broken_rules(&module_path(path), path, text)).collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn every_module_of_the_crate_has_its_layer() {
    let library = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let declared: Vec<&str> =
        library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let layers: Vec<&str> = LAYERS.into_iter().filter(|layer| *layer != "main").collect();
    assert_eq!(declared, layers, "src/lib.rs lists the modules in another order than LAYERS");
}

#[test]
fn a_file_is_short_and_says_what_it_is_for() {
    let mut wrong = Vec::new();
    for (path, text) in ["src", "tests", "benches"].into_iter().flat_map(files) {
        let lines = text.lines().count();
        let excused = LONG_FILES.iter().any(|(long, _)| *long == path);
        if lines > MAX_LINES && !excused {
            wrong.push(format!("{path}:{lines}: longer than {MAX_LINES} lines: split it, or give a reason"));
        }
        let is_short_main = path == "src/main.rs" && lines < MAX_MAIN_LINES;
        if !text.starts_with("//! ") && !is_short_main {
            wrong.push(format!("{path}:1: begin with a `//!` sentence that says what the file is for"));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// What a file does against the order, a line each.
fn broken_rules(module: &[String], path: &str, text: &str) -> Vec<String> {
    let Some(own) = module.first() else { return Vec::new() }; // lib.rs
    let rank = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    let breach = |used: Use| {
        let at = format!("{path}:{}", used.line);
        let target = match used.of {
            Used::Module(name) => name,
            Used::Root => {
                return Some(format!(
                    "{at}: name the module: the crate's root as a whole hides what is used"
                ));
            }
        };
        if target == *own {
            return None;
        }
        if own == APART {
            return Some(format!("{at}: `{own}` shares nothing with the engine, but uses `{target}`"));
        }
        match (rank(own), rank(&target)) {
            (Some(own_rank), Some(rank)) if rank < own_rank => None,
            (Some(_), Some(_)) => Some(format!("{at}: `{own}` uses `{target}`, which comes after it")),
            (None, _) => Some(format!("{at}: `{own}` has no layer: add it to LAYERS")),
            (_, None) => Some(format!("{at}: `{own}` uses `{target}`, which has no layer")),
        }
    };
    uses(module, text).into_iter().filter_map(breach).collect()
}

/// A path that leads through the crate's root.
struct Use {
    line: usize,
    of: Used,
}

enum Used {
    Module(String),
    /// `crate::*`, `crate as c`: anything.
    Root,
}

/// All uses of the crate's modules in a file, whether by `crate::…`, by groups or by chains of `super`.
fn uses(module: &[String], text: &str) -> Vec<Use> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    // What module each open brace belongs to; `None` for braces that are no module's.
    let mut braces: Vec<Option<String>> = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let text = token.text.as_str();
        match text {
            "{" => braces.push(opens_module(&tokens, at)),
            "}" => drop(braces.pop()),
            // The binary sees the library under its name.
            "crate" | "super" | "self" | "loadgate" if begins_path(&tokens, at) => {
                let inline = braces.iter().flatten().cloned();
                let base: Vec<String> = module.iter().cloned().chain(inline).collect();
                at = follow(&tokens, at, &base, &mut found);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The name in `mod name {`.
fn opens_module(tokens: &[Token], brace: usize) -> Option<String> {
    let [word, name] = tokens.get(brace.checked_sub(2)?..brace)? else { return None };
    (word.text == "mod").then(|| name.text.clone())
}

fn begins_path(tokens: &[Token], at: usize) -> bool {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let continues = at > 0 && text(at - 1) == "::";
    !continues && (text(at + 1) == "::" || text(at) != "self" && text(at + 1) == "as")
}

/// Follows a path from the module `base` on, into its groups; answers with the position after it.
fn follow(tokens: &[Token], mut at: usize, base: &[String], found: &mut Vec<Use>) -> usize {
    let mut place = base.to_vec();
    loop {
        let Some(Token { text, line }) = tokens.get(at) else { return at };
        let root = |of| Use { line: *line, of };
        match text.as_str() {
            "crate" | "loadgate" => place.clear(),
            "super" => drop(place.pop()),
            "self" => {}
            "{" => return follow_group(tokens, at, &place, found),
            "*" => {
                if place.is_empty() {
                    found.push(root(Used::Root));
                }
                return at + 1;
            }
            name => {
                if place.is_empty() {
                    found.push(root(Used::Module(name.to_owned())));
                }
                place.push(name.to_owned());
            }
        }
        at += 1;
        match tokens.get(at).map(|token| token.text.as_str()) {
            Some("::") => at += 1,
            // `use crate as c;`: whatever follows under that name is not seen.
            Some("as") if place.is_empty() => {
                found.push(root(Used::Root));
                return at;
            }
            _ => return at,
        }
    }
}

/// `{a::b, super::c}` after a path that has led to `place`.
fn follow_group(tokens: &[Token], open: usize, place: &[String], found: &mut Vec<Use>) -> usize {
    let mut at = open + 1;
    while let Some(token) = tokens.get(at) {
        at = match token.text.as_str() {
            "}" => return at + 1,
            "," => at + 1,
            // `as name`
            "as" => at + 2,
            _ => follow(tokens, at, place, found).max(at + 1),
        };
    }
    at
}

/// `src/config/step/mod.rs` is the module `config::step`; `src/lib.rs` is the root.
fn module_path(path: &str) -> Vec<String> {
    let inside = path.trim_start_matches("src/").trim_end_matches(".rs");
    let parts = inside.split('/').filter(|part| !matches!(*part, "mod" | "lib"));
    parts.map(str::to_owned).collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below a folder of the project, by path from its root, in order.
fn files(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    found.sort();
    let named = |path: PathBuf| {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        (name, fs::read_to_string(path).unwrap())
    };
    found.into_iter().map(named).collect()
}

#[test]
fn the_checker_sees_what_breaks_the_order() {
    let check = |path: &str, text: &str, expected: &[&str]| {
        assert_eq!(broken_rules(&module_path(path), path, text), expected, "{text}");
    };
    let upwards = |line: usize, used: &str| {
        format!("src/flow/http.rs:{line}: `flow` uses `{used}`, which comes after it")
    };
    let http = |text: &str, expected: &[&str]| {
        let expected: Vec<String> = expected.iter().map(|used| upwards(1, used)).collect();
        check("src/flow/http.rs", text, &expected.iter().map(String::as_str).collect::<Vec<_>>());
    };
    http("use crate::record::Shard; use super::Vu; use self::x; fn f() { self.g() }", &[]);
    http("use crate::plan::Plan;", &["plan"]);
    http("fn f() -> crate::plan::Plan {}", &["plan"]);
    http("use crate::{labels::Labels, plan::{Plan, Scenario}, run};", &["plan", "run"]);
    http("use crate::{cli as c, labels as l, api};", &["cli", "api"]);
    http("use super::super::run::execute;", &["run"]);
    http("use super::{Vu, super::{api, ids}};", &["api"]);
    http("mod inner { use super::super::super::report; } use super::super::metric;", &["report"]);
    http("pub(in crate::flow) fn f() {} pub(crate) fn g() {}", &[]);
    http(
        "// crate::run\n/* crate::run /* crate::run */ */ const A: &str = \"crate::run\"; //! crate::run",
        &[],
    );
    http(
        "const A: &str = r#\"\" crate::run\"#; const B: char = '\"'; fn f<'a>() {} use crate::run;",
        &["run"],
    );
    check("src/flow/http.rs", "const B: char = '\"';\nfn f<'a>() {}\nuse crate::run;", &[&upwards(3, "run")]);
    let hidden = "src/flow/http.rs:1: name the module: the crate's root as a whole hides what is used";
    check("src/flow/http.rs", "use crate::*;", &[hidden]);
    check("src/flow/http.rs", "use super::super::*;", &[hidden]);
    check("src/flow/http.rs", "use crate as c;", &[hidden]);
    check("src/flow/http.rs", "use crate::{self as c, labels};", &[hidden]);
    check(
        "src/target/chat.rs",
        "use super::Backend;\nuse crate::time::Elapsed;",
        &["src/target/chat.rs:2: `target` shares nothing with the engine, but uses `time`"],
    );
    check("src/main.rs", "fn main() { loadgate::cli::main() }", &[]);
    check(
        "src/plan/mod.rs",
        "use crate::nowhere;",
        &["src/plan/mod.rs:1: `plan` uses `nowhere`, which has no layer"],
    );
    check("src/new.rs", "use crate::ids;", &["src/new.rs:1: `new` has no layer: add it to LAYERS"]);
}
