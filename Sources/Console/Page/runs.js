// Runs: an action on one letter or many, under way or ended. Followed here, and in place on the pages that start one.
import { el, foreign, visible } from "./dom.js";
import { act, get, part, Poll } from "./api.js";
import { button, card, desk, empty, mayAct, problemBox, redraw, say, table } from "./desk.js";
import { differenceList, dryRunText } from "./forecast.js";
import { count, momentAndAge, pill, plural, span, state } from "./words.js";

export const isUnderWay = (run) => ["proposed", "waiting", "running", "watching"].includes(run.state);
const stateSentences = {
  waiting: "Waits for its turn.", running: "Sending.", watching: "All sent; waiting to see what becomes of them.", finished: "Finished.",
  stopped: "Stopped: the rest was left as it was.", failed: "Failed.", interrupted: "The process that ran it ended. It can be resumed: no letter is sent twice.",
};

/** Watches one run each second until it ends, then calls `ended`. */
export class Follow {
  run; problem = null; #poll; #spoken = "";

  constructor(run, ended) {
    this.run = run;
    this.#poll = new Poll(async () => {
      this.take(await get(`/api/runs/${part(this.run.id)}`));
      if (!isUnderWay(this.run)) {
        this.#poll.stop();
        desk.acted();
        ended?.(this.run);
      }
    }, 1000);
    this.#poll.start();
  }

  take(run) {
    this.run = run;
    const spoken = `${run.action}: ${run.state}`;
    if (spoken !== this.#spoken) say(`${spoken}. ${run.message ?? ""}`);
    this.#spoken = spoken;
    redraw();
  }

  async ask(verb) {
    try {
      this.problem = null;
      this.take(await act(`/api/runs/${part(this.run.id)}/${verb}`));
      this.#poll.start();
    } catch (problem) {
      this.problem = problem;
      redraw();
    }
  }

  leave() { this.#poll.stop(); }
}

/** A run with its progress, what came of it so far, and the buttons that fit. */
export function runView(run, { ask, problem, dismiss, link = true, results = false } = {}) {
  const share = run.total > 0 ? run.done / run.total : 0;
  return el("article", { class: `run ${run.state}`, "data-test": "run", "data-id": run.id },
    el("p", { class: "run-head" },
      link && el("strong", null, el("a", { href: `#/runs/${part(run.id)}`, "data-item": "", "data-test": "run-link" }, title(run))),
      didNothing(run) ? pill("warn", "finished, nothing was done", "run-state") : state(run.state, "run-state"), run.canary && el("small", { class: "muted" }, "carefully"),
      el("span", { class: "grow" }),
      ask && run.state === "proposed" && mayAct("admin") && (run.approvedBy || run.by !== desk.session?.name) && button(run.approvedBy ? "Begin" : "Approve", "approve", () => ask("approve"), { class: "main" }),
      ask && isUnderWay(run) && mayAct("operator") && button(run.state === "proposed" ? "Withdraw" : "Stop", "stop", () => ask("stop"), { class: "danger" }),
      ask && run.resumable && mayAct("operator") && button(`Resume (${count(run.total - run.done)} left)`, "resume", () => ask("resume"), { class: "main" }),
      dismiss && !isUnderWay(run) && button("Dismiss", "dismiss", dismiss, { class: "quiet" })),
    run.state === "proposed" && el("div", { class: "callout warn", "data-test": "proposal" },
      el("p", null, run.approvedBy ? ["Approved by ", foreign(run.approvedBy), "; nothing was sent, and it can be begun"] : "Nothing is sent before another admin approves it", run.letter && [": ", el("a", { href: `#/letters/${part(run.letter)}` }, "the letter")], "."),
      el("p", { "data-test": "proposal-order" }, orderOf(run)),
      run.patch && el("ul", { class: "sentences" }, run.patch.map(({ op, from, path, value }, index) => el("li", { key: index },
        el("code", null, from === undefined ? `${op} ${path}` : `${op} ${from} to ${path}`), value !== undefined && el("pre", null, visible(JSON.stringify(value, null, 1)))))),
      run.differences && [el("p", null, "What it changes:"), differenceList(run.differences, "proposal-differences")],
      run.dryRun && dryRunText({ dryRun: run.dryRun }),
      run.letters?.length > 1 && el("details", null, el("summary", null, run.letters.length < run.total ? `The first ${run.letters.length} letters` : "The letters"),
        el("ul", { class: "sentences" }, run.letters.map((letter) => el("li", { key: letter }, el("a", { href: `#/letters/${part(letter)}` }, letter)))))),
    isUnderWay(run) && run.state !== "proposed" && el("progress", {
      max: String(run.total || 1), value: run.done, "data-test": "run-progress", "aria-label": `${count(run.done)} of ${plural(run.total, "letter")} done`,
    }),
    el("p", { class: "run-counts" },
      run.total > 0 && el("span", null, `${count(run.done)} of ${plural(run.total, "letter")} (${Math.floor(share * 100)} %)`),
      el("span", { class: run.succeeded ? "good-text" : "muted" }, `${count(run.succeeded)} succeeded`),
      (run.action === "replay" || run.failed > 0) && el("span", { class: run.failed ? "bad-text" : "muted" },
        `${count(run.failed)} ${run.action === "replay" ? "failed again" : "not settled"}`),
      run.action === "replay" && el("span", { class: "muted" }, `${count(run.pending)} pending`),
      run.leftOut > 0 && el("span", { class: "warn-text" }, `${count(run.leftOut)} left out`)),
    el("p", null, foreign(run.message || stateSentences[run.state] || run.state)),
    !results && becauseOf(run),
    el("p", { class: "muted" }, foreign(run.by), run.via === "command_line" && " at the command line", ", ", momentAndAge(run.startedAt), run.endedAt ? `, took ${span(run.endedAt - run.startedAt)}` : "",
      run.note && [": ", foreign(`“${run.note}”`)]),
    problemBox(problem),
    results && resultList(run));
}

/** What else is approved with a correction. */
const orderOf = (run) => [
  run.rerun ? "Each is made a rerun, which FlexFactor tries without the customer." : "The message is corrected as follows.",
  run.crmConsent ? " The CRM's people are said to agree." : " Nobody said that the CRM's people agree.",
  run.acceptSkips && " Sent even where the CRM would only be told that it was skipped.",
  run.total > 1 && ` At most ${count(run.rate)} a second${run.canary ? ", few first" : ""}.`,
];

const verbs = { replay: "Replay", reconcile: "Reconcile", discard: "Discard", restore: "Restore", resolve: "Resolve" };
// The total counts what was meant after a first look; some are left out then, others on the way.
const chosen = (run) => (run.state === "finished" && run.leftOut > 0 ? run.done : run.total) + run.leftOut;
const title = (run) => (verbs[run.action] ?? run.action) + (chosen(run) > 0 ? ` of ${plural(chosen(run), "letter")}` : "");
const didNothing = (run) => run.state === "finished" && run.done === 0 && run.leftOut > 0;

/** What became of the one letter, or why letters were left out; the rest stands on the run's own page. */
function becauseOf(run) {
  const results = run.results ?? [];
  if (chosen(run) === 1 && results.length > 0) return el("p", { "data-test": "run-because" }, foreign(results.at(-1).sentence ?? ""));
  const reasons = new Map();
  for (const { outcome, sentence } of results) if (outcome === "left_out") reasons.set(sentence, (reasons.get(sentence) ?? 0) + 1);
  const [commonest] = [...reasons].sort((one, other) => other[1] - one[1]);
  return commonest && el("p", { class: "warn-text", "data-test": "run-because" }, "Left out: ", foreign(commonest[0]), reasons.size > 1 && ", and for other reasons");
}

const outcomeTones = { succeeded: "good-text", failed: "bad-text" };

function resultList(run) {
  const results = run.results ?? [];
  if (results.length === 0) return el("p", { class: "muted" }, "No result yet.");
  return [
    el("h3", null, results.length < run.done + run.leftOut ? `The last ${results.length} results of ${count(run.done + run.leftOut)}` : "Results"),
    table("Results", [["Letter"], ["Outcome"], ["What happened"]], results.map((result) => ({
      key: result.letter, "data-test": "run-result", "data-row": "", cells: [
        el("a", { href: `#/letters/${part(result.letter)}`, "data-item": "" }, foreign(result.orderId ?? result.letter.slice(0, 8))),
        el("span", { class: outcomeTones[result.outcome] ?? "muted" }, foreign(result.outcome.replaceAll("_", " "))), foreign(result.sentence ?? "")] })), { class: "results" }),
  ];
}

// ---- The page

let id = null, runs = null, follow = null, problem = null;
const problems = new Map();

const poll = new Poll(async () => {
  try {
    ({ runs } = await get("/api/runs"));
    problem = null;
  } catch (found) {
    problem = found;
    throw found;
  } finally {
    redraw();
  }
}, () => (runs?.some(isUnderWay) ? 1000 : 5000));

async function command(run, verb) {
  problems.delete(run.id);
  try {
    const answer = await act(`/api/runs/${part(run.id)}/${verb}`);
    runs = runs.map((known) => (known.id === run.id ? answer : known));
  } catch (found) {
    problems.set(run.id, found);
  }
  redraw();
  poll.now();
}

async function open(wanted) {
  try {
    const run = await get(`/api/runs/${part(wanted)}`);
    if (id !== wanted || follow) return;
    problem = null;
    follow = new Follow(run);
  } catch (found) {
    if (id === wanted) problem = found;
  }
  redraw();
}

export const runsPage = {
  title: () => (id ? "Run" : "Runs"),
  enter(route) {
    this.leave();
    id = route.id ?? null;
    problem = null;
    if (id) open(id);
    else poll.start();
  },
  retry() { if (id && !follow && problem?.mayPass) open(id); },
  leave() {
    poll.stop();
    follow?.leave();
    follow = null;
  },
  keys: { Escape() { if (id) location.hash = "#/runs"; } },
  view() {
    if (id) {
      return [
        el("p", { class: "crumbs" }, el("a", { href: "#/runs", "data-test": "back" }, "‹ All runs")),
        el("h1", null, follow ? title(follow.run) : "Run"),
        problemBox(problem),
        follow ? card("Progress", null, runView(follow.run, { ask: (verb) => follow.ask(verb), problem: follow.problem, link: false, results: true }))
          : !problem && el("p", { class: "muted" }, "Asking the server …"),
      ];
    }
    return [
      el("h1", null, "Runs"),
      el("p", { class: "muted" }, "Everything that people did to dead letters from here or from the command line, newest first."),
      problemBox(problem),
      runs === null ? !problem && el("p", { class: "muted" }, "Asking the server …")
        : runs.length === 0 ? empty("No run yet.",
          "A run starts when somebody replays, reconciles, resolves, discards or restores ", el("a", { href: "#/letters" }, "dead letters"), ".")
          : el("div", { class: "card list" }, runs.map((run) => el("div", { key: run.id, "data-row": "" },
            runView(run, { ask: (verb) => command(run, verb), problem: problems.get(run.id) })))),
    ];
  },
};
