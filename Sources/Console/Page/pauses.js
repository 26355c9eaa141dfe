// What is paused, by whom, why and until when; pausing, and going on before the time. `salvage pause`, `resume` and `pauses` do the same.
import { el, foreign, visible } from "./dom.js";
import { act, get, Poll } from "./api.js";
import { button, card, checkbox, desk, empty, exact, field, mayAct, problemBox, redraw, say, table } from "./desk.js";
import { age, momentAndAge, timeOfInput, zoneName } from "./words.js";
import { closeDialog, openDialog } from "./dialog.js";

let answer = null, problem = null;
/** The worker whose link led here. */
let wanted = null;

const poll = new Poll(async () => {
  try {
    answer = await get("/api/pauses");
    problem = null;
    if (wanted !== null && mayAct("operator")) begin({ kind: "worker", worker: wanted });
    wanted = null;
  } catch (found) {
    problem = found;
    throw found;
  } finally {
    redraw();
  }
}, 5000);

export const pausesPage = {
  title: () => "Pauses",
  enter(route) {
    wanted = route.query.get("worker");
    // Whoever loads the page again, or comes back to it, has not asked again.
    if (wanted !== null) history.replaceState(history.state, "", "#/pauses");
    poll.start();
  },
  leave() { poll.stop(); },
  retry() { if (problem?.mayPass) poll.now(); },
  keys: {},
  view: () => [
    el("h1", null, "Pauses"),
    problemBox(problem),
    answer ? card("Paused now", { "data-test": "pauses-now" }, list()) : !problem && el("p", { class: "muted" }, "Asking the server …"),
    answer && mayAct("operator") && el("div", { class: "buttons" }, button("Pause …", "pause", () => begin(), { class: "main" })),
    answer && card("What a pause does", null, el("ul", { class: "sentences" }, Object.values(kinds).map(({ does }) => el("li", { key: does }, does))),
      el("p", null, "What was begun is brought to its end, always: whatever may have been charged is asked after until it is known.")),
  ],
};

/** The same in a line, where it stands among other news. */
export const pauseLine = ({ target, since, until, by, why }) => [
  el("strong", null, "Paused: ", foreign(target)), " by ", foreign(by), " ", age(since), ", until ", momentAndAge(until), ": ", foreign(why)];

const isGone = ({ worker }) => worker !== undefined && !answer.workers.some(({ id }) => id === worker);

function list() {
  if (answer.pauses.length === 0) return empty("Nothing is paused.", "Every merchant, gateway, stage and worker begins what comes.");
  return table("What is paused", [["What"], ["Since"], ["Until"], ["By"], ["Why"], ["", "actions"]], answer.pauses.map((pause) => ({
    key: pause.target, "data-test": "pause-row", cells: [
      [el("strong", null, foreign(pause.target)), isGone(pause) && el("small", { class: "muted" }, " is not heard of: it has ended, or is silent"),
        pause.remembered && el("small", { class: "muted", "data-test": "pause-remembered" }, " was paused on a stream of pauses that is no more: workers begun since do not heed it")], age(pause.since), momentAndAge(pause.until), foreign(pause.by), foreign(pause.why),
      mayAct("operator") && button("Resume …", "resume-pause", () => lift(pause))] })));
}

// ---- Pausing

const stages = ["intake", "cascade", "retry", "outcomes", "suspects", "unrouted", "held"];
const kinds = {
  merchant: { label: "a merchant", does: "A merchant: nothing new of it is charged. A cascade is told skipped, reason paused, at once, for its customer waits; a retry waits, and loses no attempt." },
  gateway: { label: "a FlexFactor gateway", does: "A FlexFactor gateway: the same, for what goes through it." },
  worker: { label: "a worker", does: "A worker: it takes nothing new for any stage and finishes what it has in work; the others do all else. It stays ready and takes webhooks. Once nothing is in work it can be ended." },
  stage: { label: "a stage", does: "A stage: its queue is not read, and whoever waits for that stage waits. To have customers answered, pause merchants instead of the stage cascade." },
};
const spans = [["900", "15 minutes"], ["1800", "30 minutes"], ["3600", "1 hour"], ["7200", "2 hours"], ["14400", "4 hours"], ["43200", "12 hours"],
  ["86400", "1 day"], ["259200", "3 days"], ["604800", "7 days"], ["own", "until …"]];

function begin(chosen = {}) {
  const merchants = answer.merchants;
  const ask = {
    kind: "merchant", merchant: merchants.length === 1 ? merchants[0].id : "", gateway: "", stage: "cascade", worker: "", span: "3600", until: "", why: "",
    replace: false, whyMissing: false, busy: false, problem: null, ...chosen,
  };
  const gateways = () => merchants.find(({ id }) => id === ask.merchant)?.gateways ?? [];
  const named = () => (ask.kind === "stage" ? { stage: ask.stage } : ask.kind === "worker" ? { worker: ask.worker } : ask.kind === "gateway" ? { merchant: ask.merchant, gateway: ask.gateway } : { merchant: ask.merchant });
  const isNamed = () => Object.values(named()).every((name) => name.trim() !== "") && (ask.span !== "own" || ask.until !== "");
  // What nobody would serve.
  const alone = () => {
    const [mine, others] = [answer.workers.filter(({ id, quiet }) => id === ask.worker && !quiet), answer.workers.filter(({ id, quiet, ready }) => id !== ask.worker && !quiet && ready)];
    return mine.flatMap((worker) => worker.stages).filter((stage) => !others.some((worker) => worker.stages.includes(stage)));
  };
  const before = () => answer.pauses.find((pause) => pause.kind === ask.kind && Object.entries(named()).every(([name, value]) => pause[name] === value));
  const take = (name) => (event) => { ask[name] = event.target.value; ask.replace = false; redraw(); };
  const choose = (label, name, options) => field(label, el("select", { value: ask[name], "data-test": `pause-${name}`, on: { change: take(name) } },
    options.map(([value, shown]) => el("option", { key: value, value }, shown))));
  // Without a configuration nobody knows the names: they are typed.
  const name = (label, which, known) => (known.length > 0 ? choose(label, which, [["", "choose …"], ...known.map((id) => [id, id])])
    : field(label, el("input", { ...exact, value: ask[which], "data-test": `pause-${which}`, on: { input: take(which) } })));

  async function confirm(event) {
    event.preventDefault();
    if (ask.busy || !isNamed()) return;
    ask.whyMissing = !ask.why.trim();
    if (ask.whyMissing) return redraw();
    [ask.busy, ask.problem] = [true, null];
    redraw();
    try {
      const end = ask.span === "own" ? { until: timeOfInput(ask.until) } : { seconds: Number(ask.span) };
      const pause = await act("/api/pauses", { ...named(), ...end, why: ask.why.trim(), replace: ask.replace });
      closeDialog();
      say(`Paused: ${pause.target}.`);
    } catch (found) {
      ask.problem = found;
    }
    ask.busy = false;
    poll.now();
    desk.acted();
  }

  openDialog({ view: () => el("form", { on: { submit: confirm } },
    el("h2", { id: "dialog-title" }, "Pause"),
    choose("What", "kind", Object.entries(kinds).map(([kind, { label }]) => [kind, label])),
    (ask.kind === "merchant" || ask.kind === "gateway") && name("Merchant", "merchant", merchants.map(({ id }) => id)),
    ask.kind === "gateway" && name("Gateway", "gateway", gateways()),
    ask.kind === "worker" && choose("Worker", "worker", [["", answer.workers.length > 0 ? "choose …" : "none is heard of"], ...answer.workers.map(({ id, stages: served }) => [id, visible(`${id}: ${served.join(", ")}`)])]),
    ask.kind === "stage" && choose("Stage", "stage", stages.map((stage) => [stage, stage])),
    choose("It ends by itself after", "span", spans),
    ask.span === "own" && field(`Until (${zoneName()})`, el("input", { type: "datetime-local", value: ask.until, "data-test": "pause-until", on: { change: take("until") } })),
    el("p", { "data-test": "pause-does" }, kinds[ask.kind].does),
    ask.kind === "worker" && alone().length > 0 && el("p", { class: "callout warn", "data-test": "pause-alone" }, `Nobody else serves ${alone().join(", ")}: what comes for it waits.`),
    before() && el("div", { class: "callout warn", "data-test": "pause-before" }, el("p", null, pauseLine(before())),
      el("label", { class: "check" }, checkbox(ask.replace, "pause-replace", (checked) => { ask.replace = checked; }),
        el("span", null, "Mine takes the place of that one."))),
    reason(ask, "Why (required; everybody sees it on every page)"),
    problemBox(ask.problem, "dialog-problem"),
    buttons(ask, "Pause", !isNamed() || (before() !== undefined && !ask.replace))) });
}

const reason = (ask, label) => [
  field(label, el("textarea", {
    rows: "2", value: ask.why, "data-test": "why", "aria-invalid": ask.whyMissing ? "true" : undefined, "aria-describedby": ask.whyMissing ? "why-missing" : undefined,
    placeholder: "e.g. FlexFactor charges twice, OPS-1234",
    on: { input: (event) => { ask.why = event.target.value; if (ask.whyMissing && ask.why.trim()) { ask.whyMissing = false; redraw(); } } },
  })),
  ask.whyMissing && el("p", { class: "error", id: "why-missing", role: "alert" }, "Say why: a word for the next person who wonders.")];

const buttons = (ask, label, off) => el("div", { class: "buttons" }, button("Cancel", "cancel", closeDialog),
  el("button", { type: "submit", class: "main", "data-test": "confirm", disabled: ask.busy || off }, ask.busy ? "Asking …" : label));

// ---- Going on

function lift(pause) {
  const { merchant, gateway, stage, worker } = pause;
  const ask = { why: "", whyMissing: false, busy: false, problem: null };

  async function confirm(event) {
    event.preventDefault();
    if (ask.busy) return;
    [ask.busy, ask.problem] = [true, null];
    redraw();
    try {
      await act("/api/pauses/lift", { merchant, gateway, stage, worker, why: ask.why.trim() });
      closeDialog();
      say(`Goes on: ${pause.target}.`);
    } catch (found) {
      ask.problem = found;
    }
    ask.busy = false;
    poll.now();
    desk.acted();
  }

  openDialog({ view: () => el("form", { on: { submit: confirm } },
    el("h2", { id: "dialog-title" }, "Resume ", foreign(pause.target)),
    el("p", null, pauseLine(pause)),
    el("p", null, stage || worker ? `The ${stage ? "stage" : "worker"} goes on at once.` : "What waits goes on within a quarter of the time that the pause lasted, half an hour at the most: not all at once."),
    reason(ask, "Why (optional)"),
    problemBox(ask.problem, "dialog-problem"),
    buttons(ask, "Resume", false)) });
}
