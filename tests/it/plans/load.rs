//! Every plan, in every profile, can be run as it stands.

use std::fs;

use loadgate::config::{LoadOptions, load};
use loadgate::plan::compile;

use super::folder;

#[test]
fn every_profile_of_every_plan_loads() {
    let mut plans = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yml") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let of = |profile: Option<&str>| {
            let options = LoadOptions { profile: profile.map(str::to_owned), ..LoadOptions::default() };
            let loaded =
                load(name, &text, &options).unwrap_or_else(|problems| panic!("{profile:?}: {problems}"));
            compile(&loaded, &folder()).unwrap_or_else(|problems| panic!("{profile:?}: {problems}"));
            loaded
        };
        let plan = of(None);
        for profile in &plan.profiles {
            of(Some(profile));
        }
        // `loadgate runs` and the daemon find a plan by its name.
        assert_eq!(format!("{}.yml", plan.config.name.value), name);
        plans.push(name.to_owned());
    }
    assert!(plans.len() >= 10, "{plans:?}");
}
