// Asks again and again while somebody looks: one request under way, none while the tab is hidden.

export class Poll {
  #ask;
  #seconds;
  #timer = null;
  #running = null;
  #ended = false;
  #onVisible = () => document.hidden || this.now();

  /**
   * @param {(signal: AbortSignal) => Promise<void>} ask deals with its own errors
   * @param {() => number} seconds between the end of one request and the beginning of the next
   */
  constructor(ask, seconds) {
    this.#ask = ask;
    this.#seconds = seconds;
    document.addEventListener("visibilitychange", this.#onVisible);
  }

  /** At once, whatever is under way. */
  async now() {
    if (this.#ended) return;
    clearTimeout(this.#timer);
    this.#running?.abort();
    const mine = new AbortController();
    this.#running = mine;
    try {
      await this.#ask(mine.signal);
    } finally {
      if (this.#running === mine) {
        this.#running = null;
        this.#schedule();
      }
    }
  }

  end() {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#running?.abort();
    this.#running = null;
    document.removeEventListener("visibilitychange", this.#onVisible);
  }

  #schedule() {
    if (this.#ended) return;
    this.#timer = setTimeout(() => document.hidden ? this.#schedule() : this.now(), this.#seconds() * 1000);
  }
}
