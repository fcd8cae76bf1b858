// What a run's state and verdict are called, with a sign beside each colour.

/** What comes from elsewhere is looked up in it: nothing is inherited. How a run stands: `tone` is `ok`, `bad`, `warn`, `busy` or `idle`. */
const STANDINGS = {
  __proto__: null,
  queued: { sign: "…", word: "queued", tone: "idle" },
  preflight: { sign: "●", word: "preflight", tone: "busy" },
  setup: { sign: "●", word: "setup", tone: "busy" },
  running: { sign: "●", word: "running", tone: "busy" },
  paused: { sign: "‖", word: "paused", tone: "warn" },
  draining: { sign: "●", word: "draining", tone: "busy" },
  verifying: { sign: "●", word: "verifying", tone: "busy" },
  teardown: { sign: "●", word: "teardown", tone: "busy" },
  interrupted: { sign: "⚡", word: "interrupted", tone: "warn" },
  passed: { sign: "✓", word: "passed", tone: "ok" },
  failed: { sign: "✗", word: "failed", tone: "bad" },
  inconclusive: { sign: "?", word: "inconclusive", tone: "warn" },
  preflight_failed: { sign: "!", word: "preflight failed", tone: "bad" },
  stopped: { sign: "■", word: "stopped", tone: "warn" },
};

/** The states of a run's life, in their order. */
export const LIFE = ["queued", "preflight", "setup", "running", "draining", "verifying", "teardown", "finished"];

export const STATES = ["queued", "preflight", "setup", "running", "paused", "draining", "verifying", "teardown", "finished", "interrupted"];

export const ACTIVE = STATES.filter((state) => !hasEnded({ state }));

export function hasEnded(run) {
  return run.state === "finished" || run.state === "interrupted" || run.state === undefined;
}

/** @returns {{sign: string, word: string, tone: string}} */
export function standing(run) {
  const name = run.state === "interrupted" || !hasEnded(run) ? run.state : run.verdict;
  return STANDINGS[name] ?? { sign: "·", word: String(name ?? "unknown"), tone: "idle" };
}

/** For the title of the document. */
export function titleOf(run) {
  const { sign, word } = standing(run);
  return `${sign} ${word} · ${run.test}`;
}
