// The daemon's API: tokens, errors in words, events that go on where they were cut, and whether the daemon is there.

import { sentEvents } from "loadgate/sse.js";

const TOKEN_KEY = "loadgate.token";
/** The server says something at least every 15 seconds. */
const SILENCE_MS = 40_000;
const LOOK_AGAIN_MS = 2_000;
const LONGEST_PAUSE_MS = 10_000;
const SCOPES = ["query", "run", "admin"];

/** Why a request was not answered as it was meant; status 0: there was no answer at all. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }

  /** The same request may succeed later. */
  get passes() {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

/** Fires `connection` when the daemon is lost or found again (see `isLost`) and `access` when another token counts. */
export class Api extends EventTarget {
  #base;
  #token;
  #askToken;
  #asking = null;
  /** Whoever does not give a token is not asked for it again, but by a button. */
  #declined = false;
  #access = null;
  isLost = false;

  /** @param {{base?: string, token?: string, askToken?: (why: string) => Promise<string | undefined>}} options */
  constructor({ base = "", token, askToken } = {}) {
    super();
    this.#base = base;
    this.#token = token ?? sessionStorage.getItem(TOKEN_KEY);
    this.#askToken = askToken;
  }

  /** @returns {Promise<object>} what the answer's JSON says */
  async get(path, { signal } = {}) {
    return (await this.#fetch(path, { signal })).json();
  }

  async text(path, { signal } = {}) {
    return (await this.#fetch(path, { signal })).text();
  }

  async blob(path) {
    return (await this.#fetch(path, {})).blob();
  }

  async post(path, body, { signal, headers = {} } = {}) {
    const said = body === undefined ? {} : { body: JSON.stringify(body) };
    const type = body === undefined ? {} : { "Content-Type": "application/json" };
    return (await this.#fetch(path, { method: "POST", signal, headers: { ...type, ...headers }, ...said })).json();
  }

  async delete(path) {
    await this.#fetch(path, { method: "DELETE" });
  }

  /** Whether the token allows what takes this scope. A daemon that does not say is asked, and refuses. */
  async may(scope) {
    this.#access ??= this.get("/api/v1/access").then(({ scope }) => scope, () => {
      this.#access = null;
      return "admin";
    });
    return SCOPES.indexOf(await this.#access) >= SCOPES.indexOf(scope);
  }

  /** Another token, from a dialog; whether there is one now. */
  async changeToken(why = "Which token shall be used?") {
    this.#asking ??= (this.#askToken?.(why) ?? Promise.resolve()).finally(() => { this.#asking = null; });
    const token = await this.#asking;
    this.#declined = !token;
    if (!token) return false;
    if (token !== this.#token) {
      this.#token = token;
      sessionStorage.setItem(TOKEN_KEY, token);
      this.#access = null;
      this.dispatchEvent(new Event("access"));
    }
    return true;
  }

  /**
   * What happens to a run, from after the event `after` until it has ended; goes on where it was cut.
   * @returns {AsyncGenerator<{id: number, event: string, data: object}>}
   */
  async *events(runId, { after, signal } = {}) {
    const path = `/api/v1/runs/${encodeURIComponent(runId)}`;
    let last = after;
    let isOver = false;
    for (let attempt = 0; !signal?.aborted; attempt += 1) {
      try {
        for await (const event of this.#stream(`${path}/events`, last, signal)) {
          attempt = 0;
          last = event.id;
          isOver ||= event.event === "finished";
          yield event;
        }
        if (isOver) return;
        const { state } = await this.get(path, { signal });
        if (state === "finished" || state === "interrupted") return;
      } catch (error) {
        if (signal?.aborted) return;
        if (!(error instanceof ApiError) || !error.passes) throw error;
      }
      await pause(Math.min(LONGEST_PAUSE_MS, 250 * 2 ** attempt), signal);
    }
  }

  async *#stream(path, last, signal) {
    const silent = new AbortController();
    let timer = setTimeout(() => silent.abort(), SILENCE_MS);
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENCE_MS);
    };
    // A page that is left may be kept by the browser for the way back, with its streams: six of them, and no connection to
    // this host is free for anything else. Whoever comes back is connected anew.
    const left = () => silent.abort();
    addEventListener("pagehide", left);
    const headers = last === undefined ? {} : { "Last-Event-ID": String(last) };
    const signals = AbortSignal.any([silent.signal, signal].filter(Boolean));
    try {
      const response = await this.#fetch(path, { headers, signal: signals });
      for await (const { id, event, data } of sentEvents(response.body, heard)) {
        yield { id: Number(id), event, data: JSON.parse(data) };
      }
    } catch (error) {
      throw error instanceof ApiError || error instanceof SyntaxError ? error : this.#lost();
    } finally {
      clearTimeout(timer);
      removeEventListener("pagehide", left);
    }
  }

  async #fetch(path, { method = "GET", headers = {}, body, signal }) {
    for (;;) {
      const token = this.#token;
      const authorization = token ? { Authorization: `Bearer ${token}` } : {};
      const response = await this.#reach(path, { method, body, signal, headers: { ...headers, ...authorization } });
      if (response.ok) return response;
      const error = await refusal(response);
      if (response.status !== 401) throw error;
      // How a program sends one is of no use to a reader.
      if (!token) error.message = "This daemon lets in who has one of its tokens: give one by Token, above.";
      // Somebody may have given another one meanwhile.
      if (token !== this.#token) continue;
      if (this.#declined || !(await this.changeToken(token ? error.message : "This daemon lets in who has one of its tokens."))) throw error;
    }
  }

  async #reach(path, request) {
    try {
      const response = await fetch(this.#base + path, { cache: "no-store", ...request });
      this.#found();
      return response;
    } catch (error) {
      if (request.signal?.aborted) throw error;
      throw this.#lost();
    }
  }

  #lost() {
    if (!this.isLost) {
      this.isLost = true;
      this.dispatchEvent(new Event("connection"));
      this.#lookAgain();
    }
    return new ApiError(0, "the daemon cannot be reached");
  }

  #found() {
    if (!this.isLost) return;
    this.isLost = false;
    this.dispatchEvent(new Event("connection"));
  }

  async #lookAgain() {
    while (this.isLost) {
      await pause(LOOK_AGAIN_MS);
      await fetch(`${this.#base}/-/healthy`, { cache: "no-store" }).then((answer) => answer.ok && this.#found(), () => {});
    }
  }
}

async function refusal(response) {
  const text = await response.text();
  try {
    return new ApiError(response.status, JSON.parse(text).error ?? text);
  } catch {
    return new ApiError(response.status, text || `the answer was ${response.status}`);
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
