// What is shown, by the part of the address after `#`.

/** @typedef {{path: string, parameters: object, query: URLSearchParams}} Place */

export class Router {
  #routes;
  #show;

  /**
   * @param {Array<[string, Function]>} routes patterns such as `/runs/:id`, and what makes their views
   * @param {(place: Place, make: Function | null) => void} show
   */
  constructor(routes, show) {
    this.#routes = routes.map(([pattern, make]) => ({ parts: parts(pattern), make }));
    this.#show = show;
  }

  start() {
    window.addEventListener("hashchange", () => this.#look());
    this.#look();
  }

  #look() {
    const [path, query = ""] = (location.hash.slice(1) || "/").split("?", 2);
    for (const { parts: pattern, make } of this.#routes) {
      const parameters = match(pattern, parts(path));
      if (parameters) return this.#show({ path, parameters, query: new URLSearchParams(query) }, make);
    }
    return this.#show({ path, parameters: {}, query: new URLSearchParams(query) }, null);
  }
}

/** The address of a place; a name may have several values. */
export function address(path, query = {}) {
  const all = Object.entries(query).flatMap(([name, values]) => [values].flat().map((value) => [name, value]));
  const known = all.filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(known).toString();
  return text ? `#${path}?${text}` : `#${path}`;
}

export const runAddress = (id, query) => address(`/runs/${encodeURIComponent(id)}`, query);

/** Another query of the same place, without a step in the browser's history. */
export function replaceQuery(path, query) {
  history.replaceState(null, "", address(path, query));
}

const parts = (path) => path.split("/").filter((part) => part !== "");

function match(pattern, found) {
  if (pattern.length !== found.length) return null;
  const parameters = {};
  for (const [at, part] of pattern.entries()) {
    if (!part.startsWith(":")) {
      if (part !== found[at]) return null;
      continue;
    }
    try {
      parameters[part.slice(1)] = decodeURIComponent(found[at]);
    } catch {
      return null;
    }
  }
  return parameters;
}
