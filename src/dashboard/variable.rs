//! What is chosen at the top of a dashboard and filled into its expressions.

use serde::Deserialize;

use super::target::DataSource;

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Variable {
    /// Where all panels ask.
    #[serde(rename_all = "camelCase")]
    Datasource {
        name: String,
        #[serde(default)]
        label: String,
        /// The kind: `prometheus`.
        query: String,
        #[serde(default)]
        hide: u8,
        #[serde(default)]
        refresh: u8,
        #[serde(default)]
        regex: String,
        #[serde(default)]
        description: String,
        #[serde(default)]
        include_all: bool,
        #[serde(default)]
        multi: bool,
        #[serde(default)]
        options: Vec<Current>,
        #[serde(default)]
        current: Current,
    },
    /// Values of a label.
    #[serde(rename_all = "camelCase")]
    Query {
        name: String,
        #[serde(default)]
        label: String,
        #[serde(default)]
        description: String,
        query: Values,
        #[serde(default)]
        definition: String,
        datasource: DataSource,
        /// 2: when the time range changes.
        #[serde(default)]
        refresh: u8,
        #[serde(default)]
        include_all: bool,
        #[serde(default)]
        multi: bool,
        /// What "All" stands for.
        #[serde(default)]
        all_value: Option<String>,
        #[serde(default)]
        sort: u8,
        #[serde(default)]
        hide: u8,
        #[serde(default)]
        regex: String,
        #[serde(default)]
        options: Vec<Current>,
        #[serde(default)]
        current: Current,
    },
}

/// `label_values(selector, label)`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Values {
    pub query: String,
    #[serde(default)]
    pub ref_id: String,
}

/// What is chosen at first.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Current {
    #[serde(default)]
    pub selected: bool,
    #[serde(default)]
    pub text: OneOrMany,
    #[serde(default)]
    pub value: OneOrMany,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        OneOrMany::Many(Vec::new())
    }
}

impl Variable {
    pub fn name(&self) -> &str {
        match self {
            Variable::Datasource { name, .. } | Variable::Query { name, .. } => name,
        }
    }

    /// What "All" of it stands for, in expressions.
    pub fn all_value(&self) -> Option<&str> {
        match self {
            Variable::Datasource { .. } => None,
            Variable::Query { all_value, .. } => all_value.as_deref().filter(|all| !all.is_empty()),
        }
    }
}
