// Talks to the server, and knows when it was last heard. The token lives in this tab only.
const tokenKey = "salvage.token";
let token = sessionStorage.getItem(tokenKey);

export const access = {
  get known() { return token !== null; },
  use(text) { token = text; sessionStorage.setItem(tokenKey, text); },
  forget() { token = null; sessionStorage.removeItem(tokenKey); },
};

/** When the server last answered, and what is wrong since. */
export const link = { seenAt: null, problem: null, onRefused: () => {} };

/** What went wrong and what to do about it, in the server's words where it has any. */
export class Problem extends Error {
  constructor(status, { what, advice, faults, offset } = {}) {
    super(what);
    this.status = status;
    this.what = what;
    this.advice = advice;
    this.faults = faults ?? [];
    /** Where in the text that was sent. */
    this.offset = offset;
  }

  /** It may be over by itself: the same again is worth asking. */
  get mayPass() { return this.status === 0 || this.status >= 500; }
}

const unreachable = () => new Problem(0, {
  what: "The server cannot be reached.", advice: "The page keeps trying. Check your network, and whether the console still runs.",
});
// The same holds here as for a charge: no answer is not a no.
const unanswered = () => new Problem(0, {
  what: "No answer came: it may have been done, or not.", advice: "Look at the letter's history or at the runs before you do it again.",
});

async function ask(method, path, body, acts = false) {
  const headers = { "X-Salvage-Console": "1" };
  if (token !== null) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const sent = token;
  let response, text;
  try {
    response = await fetch(path, { method, headers, body: body && JSON.stringify(body), cache: "no-store", redirect: "error", signal: AbortSignal.timeout(20_000) });
    text = await response.text();
  } catch {
    link.problem = unreachable();
    throw acts ? unanswered() : link.problem;
  }
  link.seenAt = Date.now();
  link.problem = null;
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    answer = null;
  }
  // A late answer to a token that was replaced meanwhile says nothing about the new one.
  if (response.status === 401 && sent === token) link.onRefused();
  if (response.ok && answer !== null) return answer;
  throw (answer?.error?.what ? new Problem(response.status, answer.error) : new Problem(response.status, {
    what: `The server answered ${response.status} without words.`, advice: "Look into the console's log; a proxy in between may have answered instead.",
  }));
}

export const get = (path) => ask("GET", path);
export const post = (path, body = {}) => ask("POST", path, body);
/** A question that changes something: without an answer nobody knows whether it did. */
export const act = (path, body = {}) => ask("POST", path, body, true);

/** Text for an address: every part that comes from data goes through here. */
export const part = encodeURIComponent;
export function query(fields) {
  const pairs = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return pairs.length ? "?" + pairs.map(([name, value]) => `${part(name)}=${part(value)}`).join("&") : "";
}

/** Repeats a task while the page is seen: the next turn begins when the last one ended, later each time it fails. */
export class Poll {
  #task; #interval; #timer = null; #failures = 0; #running = false; #on = false;

  constructor(task, interval) {
    this.#task = task;
    this.#interval = interval;
    document.addEventListener("visibilitychange", () => { if (this.#on && !document.hidden) this.now(); });
  }

  start() { this.#on = true; this.now(); }
  stop() { this.#on = false; clearTimeout(this.#timer); }

  async now() {
    clearTimeout(this.#timer);
    if (this.#running || document.hidden) return;
    this.#running = true;
    try {
      await this.#task();
      this.#failures = 0;
    } catch (problem) {
      if (!(problem instanceof Problem)) console.error(problem);
      this.#failures += 1;
    }
    this.#running = false;
    clearTimeout(this.#timer);
    const interval = typeof this.#interval === "function" ? this.#interval() : this.#interval;
    if (this.#on) this.#timer = setTimeout(() => this.now(), Math.min(interval * 2 ** this.#failures, Math.max(interval, 15_000)));
  }
}

/** Calls only after a pause in typing, and drops answers that a later question has overtaken. */
export function debounced(milliseconds, task) {
  let timer = null, latest = 0;
  const run = () => { const mine = ++latest; return task(() => mine === latest); };
  const later = () => { latest += 1; clearTimeout(timer); timer = setTimeout(run, milliseconds); };
  later.now = () => { clearTimeout(timer); return run(); };
  later.cancel = () => { latest += 1; clearTimeout(timer); };
  return later;
}
