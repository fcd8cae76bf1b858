//! What a request wants of the rules: which, and how much of them.

use super::RuleGroup;
use super::body::{GroupBody, Page, RuleBody};
use crate::api::v1::answer::Refusal;
use crate::api::v1::form::{Form, integer};
use crate::promql::Matcher;
use crate::rules::{GroupSpec, RuleSpec};

pub(super) struct Wanted<'a> {
    alerting: bool,
    recording: bool,
    /// Empty for any; so are the next two.
    names: Vec<&'a str>,
    groups: Vec<&'a str>,
    files: Vec<&'a str>,
    matchers: Vec<Vec<Matcher>>,
    exclude_alerts: bool,
    /// At most so many groups, from the one that the token names.
    page: Option<(usize, Option<&'a str>)>,
}

impl<'a> Wanted<'a> {
    pub(super) fn of(form: &'a Form) -> Result<Self, Refusal> {
        let matchers = form.matchers().map_err(Refusal::bad_data)?;
        let kind = form.value("type").unwrap_or_default().to_lowercase();
        if !matches!(kind.as_str(), "" | "alert" | "record") {
            return Err(Refusal::parameter("type", format!("not supported value {kind:?}")));
        }
        let exclude_alerts = match form.value("exclude_alerts").map(str::to_lowercase).as_deref() {
            None | Some("0" | "f" | "false") => false,
            Some("1" | "t" | "true") => true,
            Some(other) => {
                let why = format!(
                    "error converting exclude_alerts: strconv.ParseBool: parsing {other:?}: invalid syntax"
                );
                return Err(Refusal::parameter("exclude_alerts", why));
            }
        };
        Ok(Wanted {
            alerting: kind != "record",
            recording: kind != "alert",
            names: form.values("rule_name[]").collect(),
            groups: form.values("rule_group[]").collect(),
            files: form.values("file[]").collect(),
            matchers,
            exclude_alerts,
            page: page(form)?,
        })
    }

    pub(super) fn page<'g>(&self, groups: &'g [RuleGroup]) -> Result<Page<'g>, Refusal> {
        let begin = match self.page {
            Some((_, Some(token))) => {
                let found = groups.iter().position(|group| group_token(&group.spec) == token);
                found.ok_or_else(|| {
                    let why = format!("invalid group_next_token '{token}'. were rule groups changed?");
                    Refusal::parameter("group_next_token", why)
                })?
            }
            _ => 0,
        };
        let mut page = Page { groups: Vec::new(), group_next_token: None };
        for group in groups.iter().skip(begin).filter(|group| self.has_group(&group.spec)) {
            let rules: Vec<RuleBody> = (group.spec.rules.iter().zip(&group.rules))
                .filter(|(spec, _)| self.has_rule(spec))
                .map(|(spec, state)| RuleBody::of(spec, state, !self.exclude_alerts))
                .collect();
            if rules.is_empty() {
                continue;
            }
            if self.page.is_some_and(|(limit, _)| page.groups.len() == limit) {
                page.group_next_token = Some(group_token(&group.spec));
                break;
            }
            page.groups.push(GroupBody::of(group, rules));
        }
        Ok(page)
    }

    fn has_group(&self, spec: &GroupSpec) -> bool {
        let among = |names: &[&str], name: &str| names.is_empty() || names.contains(&name);
        among(&self.groups, &spec.name) && among(&self.files, &spec.file)
    }

    /// Labels are matched as they are written, templates and all.
    fn has_rule(&self, spec: &RuleSpec) -> bool {
        let of_kind = if spec.is_alert() { self.alerting } else { self.recording };
        let named = self.names.is_empty() || self.names.contains(&spec.name.as_str());
        let matches = |matchers: &Vec<Matcher>| {
            matchers.iter().all(|matcher| matcher.matches(spec.label(&matcher.label).unwrap_or_default()))
        };
        of_kind && named && (self.matchers.is_empty() || self.matchers.iter().any(matches))
    }
}

/// `group_limit` and `group_next_token`.
fn page(form: &Form) -> Result<Option<(usize, Option<&str>)>, Refusal> {
    let token = form.value("group_next_token");
    let Some(limit) = form.value("group_limit") else {
        return match token {
            None => Ok(None),
            Some(_) => Err(Refusal::parameter(
                "group_next_token",
                "group_limit needs to be present in order to paginate over the groups",
            )),
        };
    };
    let number = integer(limit).map_err(|why| {
        let why = why.replace("Atoi", "ParseInt");
        Refusal::parameter("group_limit", format!("group_limit needs to be a valid number: {why}"))
    })?;
    match usize::try_from(number) {
        Ok(limit) if limit > 0 => Ok(Some((limit, token))),
        _ => Err(Refusal::parameter("group_limit", "group_limit needs to be greater than 0")),
    }
}

/// What names a group to the next request: as upstream a SHA-256 over file and name.
fn group_token(spec: &GroupSpec) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(format!("{};{}", spec.file, spec.name));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
