// Puts a file into the reader's downloads. A link could not send the token.

export function save(blob, name) {
  const href = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = href;
  link.download = name.replace(/[^A-Za-z0-9._-]/g, "_");
  link.click();
  // The browser has the address by then.
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
