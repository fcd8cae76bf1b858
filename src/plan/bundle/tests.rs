//! Bundles: what is in them, and that nothing leads out of them.

use super::*;

fn options() -> LoadOptions<'static> {
    LoadOptions::default()
}

/// A folder with files, for as long as it is held.
struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, files: &[(&str, &str)]) -> Folder {
        let folder = std::env::temp_dir().join(format!("loadgate-bundle-{}-{name}", std::process::id()));
        for (path, text) in files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const PLAN: &str = r#"
name: packed
vars: {HOST: localhost, USERS: 1}
data: {users: {csv: users.csv}}
rules: ["../../rules/*.yml"]
scenarios:
  s:
    executor: constant-vus
    vus: ${USERS}
    duration: 10s
    flow:
      - http: {method: POST, url: "http://${HOST}/", file: bodies/order.json}
      - http: {targets_file: targets.txt}
"#;
const RULES: &str = "groups:\n- name: g\n  interval: 1s\n  rules:\n  - alert: A\n    expr: k6_vus > 5\n";

fn shop() -> [(&'static str, &'static str); 7] {
    [
        ("config/plans/shop.yml", PLAN),
        ("config/plans/users.csv", "name\nann\n"),
        ("config/plans/bodies/order.json", "{}"),
        ("config/plans/targets.txt", "POST http://localhost/\n@bodies/vegeta.txt\n"),
        ("config/plans/bodies/vegeta.txt", "body"),
        ("rules/a.yml", RULES),
        ("unused.txt", "nobody names me"),
    ]
}

#[test]
fn a_bundle_has_all_files_that_the_plan_names_and_no_other() {
    let folder = Folder::with("all", &shop());
    let packed = pack(&folder.0.join("config/plans/shop.yml"), &options()).unwrap();
    assert_eq!(packed.bundle.plan, "config/plans/shop.yml");
    let names: Vec<&str> = packed.bundle.files.keys().map(String::as_str).collect();
    let expected = shop().map(|(name, _)| name);
    let mut expected: Vec<&str> = expected.into_iter().filter(|name| *name != "unused.txt").collect();
    expected.sort_unstable();
    assert_eq!(names, expected);
}

#[test]
fn a_bundle_compiles_to_the_same_plan_when_its_files_are_gone() {
    let folder = Folder::with("gone", &shop());
    let environment = |name: &str| (name == "USERS").then(|| "3".to_owned());
    let given = LoadOptions {
        env_flags: vec![("HOST".into(), "127.0.0.1".into())],
        environment: &environment,
        profile: None,
    };
    let packed = pack(&folder.0.join("config/plans/shop.yml"), &given).unwrap();
    drop(folder);
    let mut env = packed.env.clone();
    env.sort();
    assert_eq!(env, [("HOST".to_owned(), "127.0.0.1".to_owned()), ("USERS".to_owned(), "3".to_owned())]);
    let elsewhere = LoadOptions { env_flags: env, ..options() };
    let plan = packed.bundle.compile(&elsewhere, &Reach::default()).unwrap();
    assert_eq!((plan.max_vus(), plan.rule_files.len()), (3, 1));
    assert_eq!(plan.max_vus(), packed.plan.max_vus());
}

#[test]
fn a_plan_in_its_own_folder_is_packed_from_there() {
    let folder = Folder::with("own", &[("p.yml", "name: a\nscenarios: {}\n")]);
    let error = pack(&folder.0.join("p.yml"), &options()).unwrap_err().to_string();
    assert!(error.contains("p.yml:2"), "{error}");
    let missing = pack(&folder.0.join("none.yml"), &options()).unwrap_err().to_string();
    assert!(missing.starts_with("error: failed to read the plan"), "{missing}");
}

/// A bundle with a plan whose scenario sends the file `path`.
fn sending(path: &str) -> Bundle {
    let plan = format!(
        "name: a\nscenarios:\n  s:\n    executor: constant-vus\n    duration: 1s\n    flow:\n      - http: {{method: POST, url: \"http://localhost/\", file: {path:?}}}\n"
    );
    let files = [("in/plan.yml", plan.as_bytes()), ("in/body.txt", b"1"), ("top.txt", b"2")];
    let files = files.map(|(name, bytes)| (name.to_owned(), bytes.to_vec()));
    Bundle { plan: "in/plan.yml".to_owned(), files: files.into() }
}

#[test]
fn nothing_leads_out_of_a_bundle() {
    for (path, wrong) in [
        ("body.txt", None),
        ("./body.txt", None),
        ("../top.txt", None),
        ("../in/body.txt", None),
        ("none/../body.txt", None),
        ("/etc/passwd", Some("this path is absolute")),
        ("../../etc/passwd", Some("it leads out of what was sent with the plan")),
        ("../../../../../../etc/passwd", Some("it leads out of what was sent with the plan")),
        ("none.txt", Some("it was not sent with the plan")),
        ("../in", Some("it was not sent with the plan")),
    ] {
        let compiled =
            sending(path).compile(&options(), &Reach::default()).map(drop).map_err(|error| error.to_string());
        match wrong {
            None => assert_eq!(compiled, Ok(()), "{path}"),
            Some(wrong) => {
                assert!(compiled.as_ref().is_err_and(|error| error.contains(wrong)), "{path}: {compiled:?}")
            }
        }
    }
}

#[test]
fn what_is_no_bundle_is_refused() {
    let bundle = |plan: &str, names: &[&str]| Bundle {
        plan: plan.to_owned(),
        files: names.iter().map(|name| ((*name).to_owned(), Vec::new())).collect(),
    };
    for name in ["../a", "/a", "a/../b", "a//b", "./a", "", "a\\b", "a\nb", "a/", "a\0"] {
        let error = bundle(name, &[name]).check().unwrap_err().to_string();
        assert!(error.contains("is no path within it"), "{name:?}: {error}");
    }
    let missing = bundle("plan.yml", &["a"]).check().unwrap_err().to_string();
    assert!(missing.contains("the plan `plan.yml` is not in it"), "{missing}");
    bundle("a b.yml", &["a b.yml", "ä/..b"]).check().unwrap();
    let many: Vec<String> = (0..=MAX_FILES).map(|at| at.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(bundle("0", &many).check().unwrap_err().to_string().contains("10001 files"));
}

#[test]
fn a_pattern_matches_only_what_is_in_its_folder() {
    let files: BTreeMap<String, Bytes> =
        ["rules/a.yml", "rules/b.yml", "rules/deep/c.yml", "plans/p.yml", "x[1]/p.yml"]
            .map(|name| (name.to_owned(), Bytes::new()))
            .into();
    let matching = |base: &str, pattern: &str| {
        let found = Files::of_bundle(Path::new(base), files.clone()).matching(pattern)?;
        Ok::<_, String>(found.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(matching("plans", "../rules/*.yml").unwrap(), "rules/a.yml rules/b.yml");
    assert_eq!(matching("x[1]", "*.yml").unwrap(), "x[1]/p.yml");
    assert_eq!(matching("plans", "../../*.yml").unwrap_err(), "it leads out of what was sent with the plan");
    assert!(matching("plans", "/etc/*").unwrap_err().contains("absolute"));
    assert_eq!(matching("plans", "../rules/z*.yml").unwrap(), "");
}
