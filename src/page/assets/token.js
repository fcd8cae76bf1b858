// Asks for a token: a password field, so that browsers neither show nor remember it on the way.

import { element, openDialog } from "loadgate/elements.js";

/** @returns {Promise<string | undefined>} */
export function askToken(why) {
  return openDialog("A token is needed", (close) => {
    const input = element("input", { type: "password", id: "token", autocomplete: "off", required: true, autofocus: true, spellcheck: "false" });
    const submit = (event) => {
      event.preventDefault();
      close(input.value.trim() || undefined);
    };
    return [
      element("p", {}, why),
      element("form", { onsubmit: submit },
        element("label", { for: "token" }, "Token, one of the daemon's token file"),
        input,
        element("p.muted", {}, "It is kept until this tab is closed."),
        element("div.buttons", {},
          element("button", { type: "button", onclick: () => close(undefined) }, "Cancel"),
          element("button.primary", { type: "submit" }, "Use token"))),
    ];
  });
}
