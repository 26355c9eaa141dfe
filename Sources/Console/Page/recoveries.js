// The story of an order: every transition of its recoveries, and what comes next.
import { el, foreign } from "./dom.js";
import { get, part, Poll, query } from "./api.js";
import { button, card, empty, exact, field, problemBox, redraw, toContent } from "./desk.js";
import { code, moment, momentAndAge, plural, state } from "./words.js";

let order = "", days = "45", answer = null, problem = null, loading = false, typed = "", turn = 0, took = 0;

// Where the journal is long each look costs the server seconds: it is looked at the more seldom.
const poll = new Poll(async () => {
  const isOver = answer?.outlooks.length > 0 && answer.outlooks.every(({ over }) => over);
  if (order && !loading && (problem ? problem.mayPass : !isOver)) await load();
}, () => Math.max(10_000, took * 20));

async function load() {
  const mine = ++turn, begun = Date.now();
  loading = true;
  redraw();
  try {
    const found = await get(`/api/recoveries${query({ order, days })}`);
    if (mine !== turn) return;
    answer = { ...found, order };
    problem = null;
    took = Date.now() - begun;
  } catch (found) {
    if (mine !== turn) return;
    problem = found;
  }
  loading = false;
  redraw();
}

export const recoveriesPage = {
  title: () => (order ? `Recovery ${order}` : "Recoveries"),
  enter(route) {
    const wanted = route.query.get("order") ?? "", wantedDays = String(Math.min(90, Math.max(1, Number.parseInt(route.query.get("days"), 10) || 45)));
    if (wanted !== order || wantedDays !== days) answer = problem = null;
    if (wanted !== order) typed = wanted;
    order = wanted;
    days = wantedDays;
    if (order) load();
    poll.start();
  },
  retry() { if (order && problem?.mayPass && !loading) load(); },
  leave() { turn += 1; loading = false; poll.stop(); },
  keys: {},
  view: () => [
    el("h1", null, "Recoveries"),
    el("form", { class: "filters search", role: "search", on: { submit: (event) => { event.preventDefault(); toContent(); search(); } } },
      field("Order id, or another id of it, or a part", el("input", {
        type: "search", ...exact, value: typed, title: "The CRM's order id, a recovery reference, FlexFactor's id of the order, the declined transaction's id, the event's id, or at least four characters of one", "data-test": "recovery-search", "data-filter": "",
        on: { input: (event) => { typed = event.target.value; } },
      })),
      field("Look back", el("select", { value: days, "data-test": "recovery-days", on: { change: (event) => { days = event.target.value; if (order) search(); } } },
        [...new Set(["7", "21", "45", days])].map((number) => el("option", { key: number, value: number }, plural(Number(number), "day"))))),
      el("button", { type: "submit", class: "main", "data-test": "recovery-go" }, "Search")),
    problemBox(problem),
    order && answer && answer.records.length > 0 && button("Ask again", "recovery-again", load, { class: "quiet" }),
    order ? answer ? story(answer) : loading && el("p", { class: "muted", role: "status" }, "Reading the journal …")
      : empty("Which order?", "Type the CRM's order id, a recovery reference, FlexFactor's id of the order, the declined transaction's id, the event's id, or a part of one. You see what was decided, sent and told, and what comes next."),
  ],
};

function search() {
  const wanted = typed.trim();
  const hash = `#/recoveries${query({ order: wanted, days: days === "45" ? "" : days })}`;
  if (location.hash === hash) { if (wanted) load(); } else location.hash = hash;
}

function story({ records, outlooks, letters, found }) {
  const references = [...new Set([...records.map(({ reference }) => reference), ...outlooks.map(({ reference }) => reference)])];
  if (references.length === 0 && letters.length === 0) {
    return empty("No recovery of this order was found.", `Nothing in the journal of the last ${plural(Number(days), "day")} names it. `
      + "Compare the id with the CRM's, letter by letter; a decline that never arrived is not here either.");
  }
  return [
    found && el("p", { class: "muted", "data-test": "found-by" }, found),
    references.map((reference) => {
      const isOfThis = (item) => item.reference === reference;
      return timeline(reference, records.filter(isOfThis), outlooks.find(isOfThis));
    }),
    letters.length > 0 && card("Its dead letters", { "data-test": "recovery-letters" }, el("ul", { class: "rows of-recovery" }, letters.map((letter) => el("li", {
      key: letter.id, "data-row": "",
    },
      el("span", { class: "grow" },
        el("a", { href: `#/letters/${part(letter.id)}`, "data-item": "" }, code(letter.reason)), el("span", { class: "muted" }, " at ", foreign(letter.stage)),
        el("span", { class: "clamp muted" }, foreign(letter.explanation.slice(0, 300)))),
      momentAndAge(letter.lastAt), state(letter.state))))),
  ];
}

function timeline(reference, records, outlook) {
  return el("section", { class: "card", key: reference },
    el("h2", null, code(reference)),
    outlook && el("p", { class: "outlook", "data-test": "outlook" }, foreign(outlook.sentence), outlook.until && [" at ", momentAndAge(outlook.until)]),
    records.length === 0 ? el("p", { class: "muted" }, "No record in this time.")
      : el("ol", { class: "timeline" }, folded([...records].sort((one, other) => one.at - other.at)).map(({ record, before }, index) => el("li", {
        key: `${index} ${record.stage} ${record.fate}`, class: `${record.tone} ${record.repeat ? "repeat" : ""}`, "data-test": "timeline-row",
      },
      el("p", { class: "muted" }, momentAndAge(record.at), " · ", foreign(record.stage), record.repeat && " · a repeat of the same step"),
      el("p", null, foreign(record.sentence)),
      facts(record),
      before.length > 0 && el("details", { "data-test": "timeline-same" },
        el("summary", null, `${plural(before.length, "time")} the same before, from `, moment(before[0].at)),
        el("ul", null, before.map((same) => el("li", { key: same.at, class: "muted" }, moment(same.at), " by ", foreign(same.worker)))))))));
}

/** Looks that found nothing new are one entry, the last, with those before it folded away. */
function folded(records) {
  const entries = [];
  for (const record of records) {
    const last = entries.at(-1);
    const isSame = last && ["stage", "fate", "sentence"].every((name) => last.record[name] === record[name]);
    if (isSame) { last.before.push(last.record); last.record = record; } else entries.push({ record, before: [] });
  }
  return entries;
}

// What the sentence does not say.
function facts({ merchantId, gatewayId, until, attempts, worker }) {
  return el("p", { class: "muted facts" },
    until && el("span", null, "until ", momentAndAge(until)),
    attempts > 0 && el("span", null, plural(attempts, "attempt")),
    (merchantId || gatewayId) && el("span", null, foreign(merchantId ?? ""), gatewayId && [" gateway ", foreign(gatewayId)]),
    el("span", null, "by ", foreign(worker)));
}
