//! The names an expression may use, known when the plan is loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::engine;
use super::error::TemplateError;
use super::near::did_you_mean;
use super::path::{BUILT_IN, Path, Root, Step, path_steps};
use super::syntax::{Role, is_keyword, role};
use super::token::{Token, tokens};

/// The tables of the plan's `data` with their columns; `None` where a row is no mapping.
pub type Tables = BTreeMap<String, Option<Vec<String>>>;

/// The names in reach at one place of a plan. A name outside it is an error when the plan is loaded.
#[derive(Debug, Clone, Default)]
pub struct Names {
    vars: Arc<BTreeSet<String>>,
    tables: Arc<Tables>,
    locals: BTreeSet<Arc<str>>,
    exchange: bool,
}

/// What an expression reads.
#[derive(Debug, Default)]
pub(super) struct Usage {
    /// Each once.
    pub(super) roots: Vec<Root>,
    pub(super) paths: Vec<Path>,
}

impl Names {
    /// The built-in names, and `vars` with these variables below it.
    pub fn new<I, S>(vars: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        let vars = Arc::new(vars.into_iter().map(Into::into).collect());
        Names { vars, ..Names::default() }
    }

    /// The same names, and `data` with these tables below it.
    #[must_use]
    pub fn with_data(self, tables: Tables) -> Self {
        Names { tables: Arc::new(tables), ..self }
    }

    /// Adds a captured or `set` name; ask [`check_name`](Self::check_name) first.
    pub fn add(&mut self, name: &str) {
        if !self.locals.contains(name) {
            self.locals.insert(name.into());
        }
    }

    /// The same names plus those that an exchange gives: `status`, `headers`, `body`, `json`,
    /// `duration`, `error`.
    #[must_use]
    pub fn with_exchange(&self) -> Self {
        Names { exchange: true, ..self.clone() }
    }

    /// Whether a step may capture or `set` a value under this name.
    ///
    /// # Errors
    ///
    /// When it is not a name, or means something already.
    pub fn check_name(name: &str) -> Result<(), TemplateError> {
        let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !begins || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(TemplateError::at(0, format!("`{name}` is not a name"))
                .help("use letters, digits and `_`, and begin with a letter"));
        }
        let taken = Root::built_in(name).is_some() || is_keyword(name) || engine::is_function(name);
        if taken || ["loop", "self", "super"].contains(&name) {
            return Err(TemplateError::at(0, format!("`{name}` means something else already"))
                .help("choose another name"));
        }
        Ok(())
    }

    /// Looks up every name of an expression that minijinja has accepted.
    pub(super) fn check(&self, text: &str) -> Result<Usage, TemplateError> {
        let tokens = tokens(text);
        let mut usage = Usage::default();
        for (place, (at, token)) in tokens.iter().enumerate() {
            let Token::Ident(name) = token else { continue };
            match role(&tokens, place) {
                Role::Call if engine::is_function(name) => {}
                Role::Call => return Err(self.unknown_function(*at, name)),
                Role::Name => {
                    let root = self.root(*at, name)?;
                    let (mut steps, next) = path_steps(&tokens, place + 1);
                    if matches!(tokens.get(next), Some((_, Token::Symbol("(")))) {
                        steps.pop();
                    }
                    self.check_var(*at, &root, &steps)?;
                    self.check_column(*at, &root, &steps)?;
                    if !usage.roots.contains(&root) {
                        usage.roots.push(root.clone());
                    }
                    usage.paths.push(Path { root, steps });
                }
                _ => {}
            }
        }
        Ok(usage)
    }

    /// What `name` stands for here.
    pub(super) fn lookup(&self, name: &str) -> Option<Root> {
        match Root::built_in(name) {
            Some(root) if root.of_exchange() && !self.exchange => None,
            Some(root) => Some(root),
            None => self.locals.get(name).map(|name| Root::Local(Arc::clone(name))),
        }
    }

    fn root(&self, at: usize, name: &str) -> Result<Root, TemplateError> {
        self.lookup(name).ok_or_else(|| self.unknown_name(at, name))
    }

    fn unknown_name(&self, at: usize, name: &str) -> TemplateError {
        if Root::built_in(name).is_some() {
            return TemplateError::at(at, format!("`{name}` is known only after an exchange"))
                .help("use it where a step looks at its answer: `checks`, `capture`, `record`, `until`");
        }
        if engine::is_function(name) {
            return TemplateError::at(at, format!("`{name}` is a function"))
                .help(format!("call it: `{name}()`"));
        }
        let unknown = TemplateError::at(at, format!("unknown name `{name}`"));
        if ["null", "nil", "undefined"].contains(&name) {
            return unknown.help("write `none`");
        }
        if self.vars.contains(name) {
            return unknown.help(format!("write `vars.{name}`"));
        }
        let built_in = BUILT_IN.iter().filter(|(_, root)| self.exchange || !root.of_exchange());
        let known = built_in.map(|(name, _)| *name).chain(self.locals.iter().map(|name| &**name));
        let near = did_you_mean(name, known.chain(engine::function_names()));
        unknown.help(near.unwrap_or_else(|| format!("capture or `set` it before, or quote it: \"{name}\"")))
    }

    fn unknown_function(&self, at: usize, name: &str) -> TemplateError {
        let functions = engine::function_names();
        match (self.lookup(name), did_you_mean(name, functions.iter().copied())) {
            (Some(_), _) => TemplateError::at(at, format!("`{name}` is not a function")),
            (None, Some(near)) => TemplateError::at(at, format!("unknown function `{name}`")).help(near),
            (None, None) => TemplateError::at(at, format!("unknown function `{name}`"))
                .help(format!("there are {}", functions.join(", "))),
        }
    }

    fn check_var(&self, at: usize, root: &Root, steps: &[Step]) -> Result<(), TemplateError> {
        match steps.first().and_then(Step::key).filter(|_| *root == Root::Vars) {
            Some(name) if !self.vars.contains(name) => {
                let near = did_you_mean(name, self.vars.iter().map(String::as_str));
                Err(TemplateError::at(at, format!("`vars.{name}` is not declared"))
                    .help(near.unwrap_or_else(|| "declare it under the plan's `vars`".to_owned())))
            }
            _ => Ok(()),
        }
    }

    /// Which table is meant, and so which row an iteration takes, is known before the run.
    fn check_column(&self, at: usize, root: &Root, steps: &[Step]) -> Result<(), TemplateError> {
        if *root != Root::Data {
            return Ok(());
        }
        let list = || self.tables.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let Some(table) = steps.first().and_then(Step::key) else {
            return Err(TemplateError::at(at, "`data` is no value of its own")
                .help("name a table of it: `data.TABLE`, or `data.TABLE.COLUMN`"));
        };
        let Some(columns) = self.tables.get(table) else {
            let near = did_you_mean(table, self.tables.keys().map(String::as_str));
            let help = match near {
                Some(near) => near,
                None if self.tables.is_empty() => {
                    "no table is known here: scenarios see those under the plan's `data`".to_owned()
                }
                None => format!("declared under the plan's `data`: {}", list()),
            };
            return Err(TemplateError::at(at, format!("there is no table `data.{table}`")).help(help));
        };
        match (columns, steps.get(1).and_then(Step::key)) {
            (Some(columns), Some(column)) if !columns.iter().any(|known| known == column) => {
                let near = did_you_mean(column, columns.iter().map(String::as_str));
                Err(TemplateError::at(at, format!("`data.{table}` has no column `{column}`"))
                    .help(near.unwrap_or_else(|| format!("it has {}", columns.join(", ")))))
            }
            _ => Ok(()),
        }
    }
}
