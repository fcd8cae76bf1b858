// The panel of text.

import { interpolateText } from "loadgate/interpolate.js";
import { markdown } from "loadgate/markdown.js";

export function text(body, panel, dashboard) {
  const content = interpolateText(panel.options?.content, dashboard.scope({}));
  const show = () => body.replaceChildren(markdown(content));
  show();
  return { render: show };
}
