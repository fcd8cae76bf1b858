//! Each type of panel, drawn in the browser from a report's frames: what is shown, said, and done with the keyboard.

use serde_json::{Value, json};

use super::audit::audit;
use super::units::modules;
use crate::stage::Browser;

const DASHBOARD: &str = include_str!("panels.js");

/// A browser with the dashboard of `panels.js`, all of it drawn, in a window that shows all of it.
fn with_dashboard(test: impl FnOnce(&mut Browser)) {
    let Some(mut browser) = Browser::start() else { return };
    let server = modules("<main></main>", &[]);
    browser.size(1400, 1600);
    browser.open(&server.url());
    browser.evaluate(DASHBOARD);
    browser.wait(
        "[...document.querySelectorAll('.dashboard-grid:not([hidden]) [data-panel]')]
            .every(panel => panel.dataset.state !== 'loading')",
        "each panel",
    );
    browser.wait("document.querySelector('[data-panel=\"1\"] .mark')", "the mark of what happened");
    test(&mut browser);
}

fn text(browser: &mut Browser, panel: u32, selector: &str) -> String {
    browser.text(&format!("[data-panel=\"{panel}\"] {selector}"))
}

#[test]
fn each_type_of_panel_shows_what_it_was_given() {
    with_dashboard(|browser| {
        let states = browser.evaluate(
            "Object.fromEntries([...document.querySelectorAll('[data-panel]')]
                .map(panel => [panel.dataset.type + panel.dataset.panel, panel.dataset.state]))",
        );
        assert_eq!(
            states,
            json!({
                "timeseries1": "drawn", "stat2": "drawn", "gauge3": "drawn", "bargauge4": "drawn", "table5": "drawn",
                "heatmap6": "drawn", "text7": "drawn", "timeseries8": "error", "timeseries9": "empty", "stat11": "loading",
                "stat12": "drawn", "bargauge13": "drawn", "table14": "drawn",
            })
        );
        assert_eq!(text(browser, 2, ".stat-value"), "1.50 s");
        assert_eq!(browser.evaluate("document.querySelector('.dial-number').textContent"), "25%");
        assert_eq!(text(browser, 4, ".bar-value"), "3 s");
        assert_eq!(text(browser, 5, "tbody tr:nth-child(2) td:last-child"), "one!");
        assert_eq!(text(browser, 8, ".panel-message"), "no such function: evil(");
        assert_eq!(text(browser, 9, ".panel-message"), "Nothing was asked");
        assert!(text(browser, 1, ".legend").contains("40 s"), "the mean: {}", text(browser, 1, ".legend"));
    });
}

#[test]
fn what_is_to_be_read_is_neither_crossed_out_nor_cut() {
    with_dashboard(|browser| {
        let apart = "(() => {
            const at = (what) => document.querySelector(`[data-panel=\"12\"] ${what}`).getBoundingClientRect();
            return [at('.stat-value').bottom <= at('.stat-line').top, at('.stat-line').height > 10];
        })()";
        assert_eq!(browser.evaluate(apart), json!([true, true]), "the line is below the number");
        let is_whole = |browser: &mut Browser, what: &str| {
            let widths = format!(
                "(one => [one.scrollWidth, one.clientWidth, one.scrollHeight, one.clientHeight])(
                    document.querySelector('[data-panel=\"{what}'))"
            );
            let sizes: Vec<i64> = serde_json::from_value(browser.evaluate(&widths)).unwrap();
            assert!(sizes[0] <= sizes[1] && sizes[2] <= sizes[3], "{what}: {sizes:?}");
        };
        is_whole(browser, "13\"] .bar-name");
        let table = "document.querySelector('[data-panel=\"14\"] .panel-body')";
        assert_eq!(browser.evaluate(&format!("{table}.scrollWidth <= {table}.clientWidth")), true);
    });
}

#[test]
fn what_happened_can_be_read_by_keyboard() {
    with_dashboard(|browser| {
        browser.evaluate("document.querySelector('.happened summary').focus()");
        browser.press("Enter");
        let list = browser.text(".happened ol");
        assert!(list.contains("Fault: <img"), "{list}");
        assert_eq!(browser.text(".happened summary b"), "1");
        browser.press("Escape");
        assert_eq!(browser.evaluate("document.querySelector('.happened').open"), false);
    });
}

#[test]
fn canvases_are_painted_in_light_and_in_dark() {
    with_dashboard(|browser| {
        let pictures = "[...document.querySelectorAll('canvas')].map(canvas => {
            const blank = Object.assign(document.createElement('canvas'), { width: canvas.width, height: canvas.height });
            return canvas.toDataURL() === blank.toDataURL() ? '' : canvas.toDataURL();
        })";
        browser.scheme("light");
        let light = browser.evaluate(pictures);
        let painted = light.as_array().unwrap().iter().filter(|picture| *picture != "");
        assert!(painted.count() >= 2, "curves and cells");
        browser.scheme("dark");
        browser.wait(
            &format!("({pictures}).every((picture, at) => !picture || picture !== {light}[at])"),
            "the other colours",
        );
    });
}

#[test]
fn what_targets_say_is_never_markup_and_never_too_long() {
    with_dashboard(|browser| {
        assert_eq!(browser.evaluate("document.querySelectorAll('main img, main script').length"), 0);
        assert_eq!(browser.evaluate("globalThis.ran ?? null"), Value::Null);
        assert!(text(browser, 1, ".panel-title").starts_with("Curves of <img"), "the title is words");
        assert!(text(browser, 7, ".panel-body").ends_with("x <img src=x onerror=globalThis.ran=1>"));
        assert_eq!(browser.evaluate("document.querySelectorAll('[data-panel=\"7\"] a').length"), 0);
        assert_eq!(browser.evaluate("document.documentElement.scrollWidth <= innerWidth"), true);
        browser.phone();
        assert_eq!(browser.evaluate("document.documentElement.scrollWidth <= innerWidth"), true);
    });
}

#[test]
fn a_legend_shows_one_curve_alone_and_all_again_by_keyboard() {
    with_dashboard(|browser| {
        let pressed = "[...document.querySelectorAll('[data-panel=\"1\"] .legend-name')]
            .map(one => one.getAttribute('aria-pressed')).join()";
        assert_eq!(browser.evaluate(pressed), "true,true,true");
        browser.evaluate("document.querySelector('[data-panel=\"1\"] .legend-name').focus()");
        browser.press("Enter");
        assert_eq!(browser.evaluate(pressed), "true,false,false");
        assert_eq!(browser.evaluate("document.activeElement.textContent"), "a", "the focus stays");
        browser.press("Enter");
        assert_eq!(browser.evaluate(pressed), "true,true,true");
    });
}

#[test]
fn arrow_keys_tell_the_values_at_a_time_and_what_happened_then() {
    with_dashboard(|browser| {
        browser.evaluate("document.querySelector('[data-panel=\"1\"] .chart').focus()");
        for _ in 0..30 {
            browser.press("ArrowLeft");
        }
        let tip = text(browser, 1, ".chart-tip");
        assert!(tip.contains("40 s") && tip.contains("Fault: <img"), "{tip}");
        browser.press("Escape");
        assert_eq!(browser.evaluate("document.querySelector('[data-panel=\"1\"] .chart-tip').hidden"), true);
    });
}

#[test]
fn a_table_is_sorted_by_keyboard() {
    with_dashboard(|browser| {
        let first = "tbody tr:first-child td:last-child";
        assert_eq!(text(browser, 5, first), "2");
        browser.evaluate("[...document.querySelectorAll('[data-panel=\"5\"] th button')].at(-1).focus()");
        browser.press("Enter");
        assert_eq!(text(browser, 5, first), "one!");
        assert_eq!(
            browser.evaluate("document.querySelector('[aria-sort]').getAttribute('aria-sort')"),
            "ascending"
        );
    });
}

#[test]
fn a_folded_row_asks_for_nothing_until_it_is_opened() {
    with_dashboard(|browser| {
        let state = "document.querySelector('[data-panel=\"11\"]').dataset.state";
        assert_eq!(browser.evaluate(state), "loading");
        browser.evaluate("document.querySelector('.row-fold').focus()");
        browser.press("Enter");
        browser.wait(&format!("{state} === 'empty'"), "the panel of the row");
        assert_eq!(
            browser.evaluate("document.querySelector('.row-fold').getAttribute('aria-expanded')"),
            "true"
        );
    });
}

#[test]
fn everybody_can_read_and_reach_the_panels() {
    with_dashboard(|browser| {
        browser.evaluate("document.querySelector('main').prepend(Object.assign(document.createElement('h1'), { textContent: 'All' }))");
        browser.evaluate("document.querySelector('.happened').open = true");
        for scheme in ["light", "dark"] {
            browser.scheme(scheme);
            audit(browser, scheme);
        }
    });
}
