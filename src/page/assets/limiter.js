// Lets only so many requests be under way at once: a browser has six connections to a host, and the run's own may not wait.

export class Limiter {
  #free;
  #waiting = [];

  constructor(limit) {
    this.#free = limit;
  }

  /** Runs `task` when there is a place; one that was aborted while it waited is not begun. */
  async run(task, signal) {
    if (this.#free === 0) await new Promise((enter) => this.#waiting.push(enter));
    else this.#free -= 1;
    try {
      signal?.throwIfAborted();
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}
