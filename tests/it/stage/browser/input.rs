//! What a user does: real clicks and keys, which reach what is in front, not what a script would call.

use serde_json::json;

use super::Browser;

/// (key, code, the text it types, its number)
const KEYS: [(&str, &str, &str, u32); 10] = [
    ("Enter", "Enter", "\r", 13),
    ("Tab", "Tab", "", 9),
    ("Escape", "Escape", "", 27),
    (" ", "Space", " ", 32),
    ("ArrowUp", "ArrowUp", "", 38),
    ("ArrowDown", "ArrowDown", "", 40),
    ("ArrowLeft", "ArrowLeft", "", 37),
    ("ArrowRight", "ArrowRight", "", 39),
    ("Home", "Home", "", 36),
    ("End", "End", "", 35),
];

impl Browser {
    /// In the middle of what a selector finds, once it is there.
    pub(crate) fn click(&mut self, selector: &str) {
        self.click_at(&format!("document.querySelector({})", json!(selector)), selector);
    }

    /// On what a user would call so: a button, a link, a tab; in the dialog, if one is open.
    pub(crate) fn click_on(&mut self, name: &str) {
        self.click_at(&named(name), name);
    }

    fn click_at(&mut self, element: &str, what: &str) {
        self.wait(element, &format!("{what} to click on"));
        let at = self.evaluate(&format!(
            "(() => {{ const element = {element};
                element.scrollIntoView({{block: 'center', behavior: 'instant'}});
                const box = element.getBoundingClientRect();
                return {{x: box.x + box.width / 2, y: box.y + box.height / 2}}; }})()"
        ));
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            self.page(
                "Input.dispatchMouseEvent",
                &json!({"type": kind, "x": at["x"], "y": at["y"], "button": button, "clickCount": 1}),
            );
        }
    }

    /// Into whatever has the focus.
    pub(crate) fn type_text(&mut self, text: &str) {
        self.page("Input.insertText", &json!({"text": text}));
    }

    /// A key by its name, such as `Tab`, `Shift+Tab`, `Enter`, ` ` or `ArrowDown`; or a letter.
    pub(crate) fn press(&mut self, key: &str) {
        let (modifiers, key) = key.strip_prefix("Shift+").map_or((0, key), |key| (8, key));
        let known = KEYS.iter().find(|(name, ..)| *name == key);
        let (key, code, text, number) = known.copied().unwrap_or((key, "", key, 0));
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({"type": kind, "key": key, "code": code, "modifiers": modifiers,
                "windowsVirtualKeyCode": number});
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = text.into();
            }
            self.page("Input.dispatchKeyEvent", &event);
        }
    }

    /// Tabs on until what a selector finds has the focus.
    pub(crate) fn tab_to(&mut self, selector: &str) {
        self.tab_until(&format!("document.querySelector({})", json!(selector)), selector);
    }

    /// As [`click_on`](Self::click_on), by keys alone.
    pub(crate) fn enter_on(&mut self, name: &str) {
        self.tab_until(&named(name), name);
        self.press("Enter");
    }

    /// # Panics
    /// When it cannot be reached by the keyboard.
    fn tab_until(&mut self, element: &str, what: &str) {
        self.wait(element, &format!("{what} to tab to"));
        let mut passed = Vec::new();
        for _ in 0..200 {
            if self.evaluate(&format!("document.activeElement === {element}")) == true {
                return;
            }
            self.press("Tab");
            passed.push(self.evaluate("document.activeElement.outerHTML.slice(0, 80)").to_string());
        }
        passed.truncate(20);
        panic!("the keyboard does not reach {what}; it passes {}", passed.join("\n"));
    }
}

/// Finds what is in view, not disabled, and has this text.
fn named(name: &str) -> String {
    format!(
        "[...(document.querySelector('dialog[open]') ?? document).querySelectorAll('button, a, [role=tab], summary')]
            .find(element => element.checkVisibility() && !element.disabled && element.textContent.trim() === {})",
        json!(name)
    )
}
