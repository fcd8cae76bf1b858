// What of a page somebody cannot read, reach or understand: a sentence each. Chromium's own tree of names and roles is
// looked at by the test (audit.rs); this is what only the document knows.
(() => {
  const complaints = [];
  const where = (element) => {
    const text = element.textContent.trim().replace(/\s+/g, " ").slice(0, 40);
    return `<${element.tagName.toLowerCase()} class="${element.getAttribute("class") ?? ""}"> “${text}”`;
  };
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d", { willReadFrequently: true });

  /** Any colour of CSS, in words that a canvas knows, as [r, g, b, alpha]. */
  const colour = (text) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = text;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((value, at) => value * a + below[at] * (1 - a));
  const backdrop = (element) => {
    if (!element) return document.documentElement.matches(":root") && matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
    const own = colour(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own.slice(0, 3) : over(own, backdrop(element.parentElement));
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
  };

  // Contrast: WCAG 2.2, 1.4.3.
  const told = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (texts.currentNode.textContent.trim() === "" || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (element.closest("option, svg, :disabled, .visually-hidden, noscript")) continue;
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ink = colour(style.color);
    // Said again for those who only hear it.
    if (ink[3] === 0) continue;
    const below = backdrop(element);
    const ratio = contrast(over(ink, below), below);
    const name = `${element.tagName} ${element.className} ${style.color}`;
    if (ratio < (isLarge ? 3 : 4.5) - 0.05 && !told.has(name)) {
      told.add(name);
      complaints.push(`contrast of ${ratio.toFixed(2)}: ${where(element)}`);
    }
  }

  // References and ids.
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) complaints.push(`the id ${id} is there more than once`);
  for (const name of ["aria-labelledby", "aria-describedby", "aria-controls", "for"]) {
    for (const element of document.querySelectorAll(`[${name}]`)) {
      for (const id of element.getAttribute(name).split(/\s+/)) {
        if (!document.getElementById(id)) complaints.push(`${name}="${id}" leads nowhere: ${where(element)}`);
      }
    }
  }

  // Headings, from the first level on and without a gap; of an open dialog those that are in it.
  const dialog = document.querySelector("dialog[open]");
  let level = dialog ? 1 : 0;
  for (const heading of (dialog ?? document).querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    if (!heading.checkVisibility()) continue;
    const next = Number(heading.tagName[1]);
    if (next > level + 1) complaints.push(`a heading of level ${next} after one of level ${level}: ${where(heading)}`);
    level = next;
  }
  const first = document.querySelectorAll("h1").length;
  if (first !== 1 && !dialog) complaints.push(`${first} headings of the first level`);
  if (document.querySelectorAll("main").length !== 1) complaints.push("not one main");
  if (!document.documentElement.lang) complaints.push("no language");
  if (!document.title) complaints.push("no title");

  // Nothing is wider than the window, but for what scrolls by itself.
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) {
    const wide = [...document.body.querySelectorAll("*")].filter((element) => element.getBoundingClientRect().right > clientWidth + 1);
    const scrolled = (element) => element && (["auto", "scroll", "hidden"].includes(getComputedStyle(element).overflowX) || scrolled(element.parentElement));
    const culprit = wide.find((element) => !scrolled(element.parentElement));
    complaints.push(`${scrollWidth} px in a window of ${clientWidth}: ${culprit ? where(culprit) : "?"}`);
  }
  // What is pressed is large enough for a finger (2.5.8), unless it stands in a line of text.
  for (const control of document.querySelectorAll("button, input, select, [role=tab]")) {
    const { width, height } = control.getBoundingClientRect();
    if (control.checkVisibility() && (width < 24 || height < 24) && !["checkbox", "radio"].includes(control.type) && !control.matches(".skip")) {
      complaints.push(`${Math.round(width)} × ${Math.round(height)} px to press: ${where(control)}`);
    }
  }
  return complaints;
})();
