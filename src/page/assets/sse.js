// Server-sent events out of a stream of bytes (https://html.spec.whatwg.org/multipage/server-sent-events.html).

/**
 * @param {ReadableStream<Uint8Array>} body
 * @param {() => void} heard called with each piece, heartbeats too
 * @returns {AsyncGenerator<{id: string, event: string, data: string}>}
 */
export async function* sentEvents(body, heard) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      heard();
      const blocks = (rest + decoder.decode(value, { stream: true })).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const event = read(block);
        if (event) yield event;
      }
    }
  } finally {
    // Whoever stops listening closes the connection.
    reader.cancel().catch(() => {});
  }
}

function read(block) {
  const event = { id: "", event: "message", data: [] };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const value = line.slice(colon + 1).replace(/^ /, "");
    const name = line.slice(0, colon);
    if (name === "data") event.data.push(value);
    else if (name === "id" || name === "event") event[name] = value;
  }
  return event.data.length > 0 ? { ...event, data: event.data.join("\n") } : null;
}
