// Is all well? The tiles answer in a second; below stands what one looks at when it is not.
import { el, foreign } from "./dom.js";
import { part, query } from "./api.js";
import { bar, card, desk, empty, mayAct, redraw, table } from "./desk.js";
import { age, code, count, localTime, momentAndAge, money, now, pill, plural, rate, span } from "./words.js";
import { flow } from "./flow.js";
import { pauseLine } from "./pauses.js";

const wide = new Set();
const sum = (list, of = (item) => item.count) => list.reduce((total, item) => total + of(item), 0);

export const overviewPage = {
  title: () => "Overview",
  enter() {},
  leave() {},
  keys: {},
  view() {
    const { overview } = desk;
    const heading = el("h1", { class: "unseen" }, "Overview");
    if (!overview) return [heading, !desk.overviewProblem && el("p", { class: "muted" }, "Asking the server …")];
    return [
      heading, readiness(overview), unread(overview), alarms(overview), wrong(overview), paused(overview), tiles(overview),
      card("Live flow", { "data-test": "flow" },
        el("p", { class: "muted" }, "Messages that left each stage, the last 60 minutes, and what became of them."), flow(overview.flow)),
      el("div", { class: "columns" },
        el("div", null, workers(overview), receivers(overview), circuits(overview), queues(overview), unknowns(overview), parked(overview)),
        el("div", null, byDay(overview), byCode(overview))),
    ];
  },
};

function readiness({ ready }) {
  const missing = [!ready.letters && "dead letters", !ready.journal && "journal"].filter(Boolean);
  return missing.length > 0 && el("div", { class: "callout warn", role: "status", "data-test": "not-ready" }, el("p", null,
    el("strong", null, `The ${missing.join(" and the ")} ${missing.length > 1 ? "are" : "is"} still being read.`),
    ready.behindRollup
      ? ` Sums are as of ${localTime(ready.journalUntil)}: what follows is counted as it is read, which takes seconds to minutes after a start.`
      : [" Until that is done the last two hours are shown, and numbers are too low; this takes seconds to minutes after a start, and more where no roll-up of a long journal stands.",
        ready.journalUntil && ` It is read up to ${localTime(ready.journalUntil)}.`]));
}

/** What stands among the letters and cannot be shown. */
export function unread({ unreadable }) {
  return unreadable?.count > 0 && el("div", { class: "callout warn", "data-test": "unreadable" },
    el("p", null, el("strong", null, `${plural(unreadable.count, "message")} among the dead letters cannot be read by this version.`),
      " A later version wrote them perhaps: upgrade the console. They stay in the stream, and are in no other number here."),
    el("details", { open: unreadable.last.length <= 3 }, el("summary", null, `The last ${unreadable.last.length}`),
      el("ul", { class: "rows" }, unreadable.last.map((sentence, index) => el("li", { key: index }, foreign(sentence))))));
}

// ---- What is wrong, before all numbers

const silentAfter = 15_000;
const isSilent = (worker) => now() - worker.seenAt > silentAfter;
/** That the broker takes no messages, and so nobody's word that he works. */
export const alarmOf = ({ faults = [] }) => faults.find(({ kind }) => kind === "broker_blocked");
/** Whether it is known that nobody works; no number of a page is good while that is so. */
export const isIdle = (overview) => overview.ready.workers && !alarmOf(overview) && overview.workers.every(isSilent);

const inQueues = (queues, kind) => sum(queues.filter((queue) => queue.kind === kind), ({ ready }) => ready);

function alarms({ ready, workers, queues, faults }) {
  if (!ready.workers) return null;
  const blocked = alarmOf({ faults });
  const silent = workers.filter(isSilent), lives = silent.length < workers.length;
  const waiting = inQueues(queues, "work");
  const found = [
    blocked && el("li", { key: "blocked" }, el("strong", null, foreign(blocked.what))),
    !blocked && !lives && el("li", { key: "none" }, el("strong", null, workers.length === 0 ? "No worker runs." : "No worker is heard of."),
      " ", waiting > 0 ? `${plural(waiting, "message waits", "messages wait")} in the queues, and nobody works on ${waiting === 1 ? "it" : "them"}.` : "What comes in will wait in its queue."),
    !blocked && lives && silent.length > 0 && el("li", { key: "silent" }, el("strong", null, `${plural(silent.length, "worker is", "workers are")} silent: `),
      silent.map(({ id, seenAt }, index) => [index > 0 && ", ", code(id), ` for ${span(now() - seenAt)}`])),
    gatewaysOf(workers).filter(({ worst }) => worst !== "closed").map((row) => el("li", { key: row.key },
      el("strong", null, "Circuit breaker ", circuitTones[row.worst]?.[1] ?? row.worst, ": "), foreign(row.merchant), " gateway ", code(row.gateway),
      placesOf(row)))].flat().filter(Boolean);
  return found.length > 0 && el("div", { class: "callout bad", "data-test": "alarms" }, el("ul", null, found));
}

/** What is wrong besides, with what to do: workers and circuits stand above. */
function wrong({ faults = [] }) {
  return faults.length > 0 && el("details", { class: "callout bad", "data-test": "faults" },
    el("summary", null, plural(faults.length, "thing is wrong", "things are wrong"), ": what to do"),
    el("ul", null, faults.map(({ what, advice }) => el("li", { key: what }, foreign(what), " ", code(advice)))));
}

/** What an operator has paused: it looks like a fault to whoever does not know. */
function paused({ pauses = [] }) {
  return pauses.length > 0 && el("div", { class: "callout warn", id: "pauses", "data-test": "pauses" }, el("ul", null,
    pauses.map((pause) => el("li", { key: pause.target }, pauseLine(pause)))),
    el("p", null, "It begins nothing new; what was begun is brought to its end. ", el("a", { href: "#/pauses" }, "Resume it"), "."));
}

// ---- Tiles

function tile(test, href, label, tone, value, ...details) {
  const content = [el("span", { class: "label" }, label), el("span", { class: "value" }, value), el("span", { class: "details" }, details)];
  return href ? el("a", { class: `tile ${tone}`, href, "data-test": test }, content) : el("div", { class: `tile ${tone}`, "data-test": test }, content);
}

function tiles(overview) {
  const { letters, reasons, today, parked, parkedTotal, unknowns, unknownTotal, oldestUnknown, queues } = overview;
  const todo = letters.open + letters.failed_again;
  const { amounts } = today, gone = amounts.filter(({ returned }) => returned > 0);
  const settling = sum(unknowns), others = Math.max(0, inQueues(queues, "parked") - parkedTotal);
  return el("div", { class: "tiles" },
    tile("stat-letters", "#/letters", "Dead letters to do", todo ? "bad" : "good", count(todo),
      todo ? [`${count(letters.open)} open, ${count(letters.failed_again)} failed again`,
        reasons.filter(({ inDoubt }, index) => index < 2 || inDoubt > 0).map(({ reason, count: letters, inDoubt }) => [el("br"),
          inDoubt > 0 ? el("strong", { class: "bad-text" }, foreign(`${count(letters)} × ${reason}: reconcile`)) : foreign(`${count(letters)} × ${reason}`)])]
        : "Nothing waits for you.",
      letters.with_crm > 0 && [el("br"), `${plural(letters.with_crm, "more waits", "more wait")} for the CRM to send the event again`]),
    tile("stat-recovered", null, "Recovered today (UTC)", "plain",
      amounts.length ? amounts.slice(0, 3).map(({ currency, net }) => el("span", { class: "money", key: currency }, money(net, currency))) : "–",
      amounts.length > 3 && [`and ${plural(amounts.length - 3, "more currency", "more currencies")}`, el("br")],
      today.approved + today.returned === 0 ? "No approval was told yet today."
        : [`${plural(today.approved, "approval")} told today`, today.returned > 0 && [`, less ${plural(today.returned, "refund or chargeback", "refunds and chargebacks")}`,
          gone.length > 0 && [" of ", gone.map(({ currency, returned }) => money(returned, currency)).join(", ")]], ", whenever it was declined"],
      today.oldestRecord && [el("br"), `By the journal from ${localTime(today.oldestRecord)} on.`]),
    tile("stat-parked", null, "Parked recoveries", "plain", count(parkedTotal),
      parkedTotal ? parked.filter((slot) => slot.count > 0).slice(0, 2).map((slot, index) => [index > 0 && el("br"), `${count(slot.count)} due ${slot.label}`])
        : "No recovery waits for its time.",
      others > 0 && [el("br"), `${plural(others, "other message is", "other messages are")} put away: of recoveries that have ended, of news and commands`]),
    tile("stat-unknowns", letters.in_doubt > 0 ? "#/letters?handling=reconcile" : null, "Unknown outcomes",
      letters.in_doubt > 0 ? "bad" : unknownTotal ? "warn" : "good", count(unknownTotal),
      unknownTotal ? [settling > 0 && [`${count(settling)} being settled`, el("br")],
        letters.in_doubt > 0 && [el("strong", { class: "bad-text" }, `${plural(letters.in_doubt, "letter")}: reconcile`), el("br")],
        oldestUnknown && ["the oldest for ", span(now() - oldestUnknown)]]
        : "Every charge's outcome is known."));
}

// ---- What was recovered

const recoveredOf = (amounts) => (amounts.length === 0 ? "–" : amounts.map(({ currency, offered, recovered }) =>
  el("span", { class: "amount" }, money(recovered, currency),
    el("span", { class: "muted nowrap" }, ` of ${money(offered, currency).replace(currency, "").trim()}`))));

function recovered(title, test, what, rows, name, few) {
  if (rows.length === 0) return card(title, { "data-test": test }, empty("Nothing was offered in the last 30 days.", "Rows appear when declines come in."));
  const shown = wide.has(test) ? rows : rows.slice(0, few);
  return card(title, { "data-test": test },
    el("p", { class: "muted" }, "Counted on the day of the decline, whenever it ended, as the page Money does. Rate: recovered of offered; what is open may still raise it. Amounts: recovered of offered, before refunds."),
    table(title, [[what], ["Offered", "number"], ["Ended", "number"], ["Recovered", "number"], ["Rate", "rate"], ["Amount", "number"]],
      shown.map((row) => ({ key: row.day ?? row.code, cells: [
        name(row), count(row.offered), count(row.ended), count(row.recovered),
        [el("span", { class: "percent" }, rate(row.recovered, row.offered)), bar(row.recovered / row.offered)], recoveredOf(row.amounts)] })), { class: "dense" }),
    rows.length > few && el("button", { type: "button", class: "quiet", "data-test": `${test}-all`, on: { click: () => {
      if (!wide.delete(test)) wide.add(test);
      redraw();
    } } }, wide.has(test) ? "Show fewer" : `Show all ${rows.length}`));
}

const byDay = ({ days }) => recovered("Recovered by day (UTC)", "days", "Day", days, ({ day }) => el("span", { class: "nowrap" }, day), 7);
const byCode = ({ codes }) => recovered("Recovered by decline code, 30 days", "codes", "Code", codes, ({ code: text }) => {
  const [source, ...rest] = text.split("/");
  return el("a", { href: `#/mapping${query({ source, code: rest.join("/") })}`, title: "How this code is mapped" }, code(text));
}, 8);

// ---- What waits

function unknowns({ unknowns: slots, oldestUnknowns, letters }) {
  const doubt = letters.in_doubt > 0 && el("p", { class: "bad-text", "data-test": "letters-in-doubt" },
    `${plural(letters.in_doubt, "charge")} could not be settled in time: `, el("a", { href: "#/letters?handling=reconcile" }, "reconcile the letters"), ".");
  if (sum(slots) === 0) return card("Unknown outcomes", null, doubt || empty("No charge is in doubt.",
    "Where FlexFactor's answer was lost, the recovery stands here until it is known what became of it."));
  return card("Unknown outcomes", { "data-test": "unknowns" },
    doubt, slotBars(slots),
    el("h3", null, "The oldest"),
    table("The oldest unknown outcomes", [["Recovery"], ["Merchant"], ["Phase"], ["Since", "number"]], oldestUnknowns.map((unknown) => ({
      key: unknown.reference, cells: [
        el("a", { href: `#/recoveries?order=${part(unknown.reference)}`, "data-test": "unknown-row" }, code(unknown.reference)),
        foreign(unknown.merchantId ?? "–"), foreign(unknown.phase), age(unknown.since)] }))));
}

function slotBars(slots) {
  const most = Math.max(1, ...slots.map((slot) => slot.count));
  return el("dl", { class: "slots" }, slots.map(({ label, count: number }) => [
    el("dt", { key: "t" + label }, label), el("dd", { key: "d" + label }, el("span", { class: number ? "" : "muted" }, count(number)), bar(number / most))]));
}

const parked = ({ parked: slots, parkedTotal, overdue = [] }) => card("Parked, by due time", { "data-test": "parked" },
  parkedTotal === 0 ? empty("Nothing is parked.", "Recoveries that wait for their next try stand here.") : slotBars(slots),
  overdue.length > 0 && [el("h3", null, "Overdue, the oldest"),
    table("The oldest overdue recoveries", [["Recovery"], ["Merchant"], ["Phase"], ["Due", "number"]], overdue.map(({ reference, merchantId, until, phase }) => ({
      key: reference, cells: [el("a", { href: `#/recoveries${query({ order: reference })}`, "data-test": "overdue-row" }, code(reference)),
        foreign(merchantId ?? "–"), foreign(phase), age(until)] })))]);

function queues({ queues: all, parkedTotal }) {
  if (all.length === 0) return card("Queues", null, empty("No queue is known.", "Run ", code("salvage topology apply"), " once."));
  const filled = all.filter(({ ready }) => ready > 0);
  const away = inQueues(all, "parked"), waiting = inQueues(all, "work"), results = inQueues(all, "results");
  const row = ({ name, what, ready, readers, kind }) => el("li", { key: name, class: !ready ? "muted" : kind === "parked" ? "" : "filled" },
    el("span", { class: "grow" }, code(name), el("br"), el("small", { class: "muted" }, foreign(what)),
      kind === "results" && ready > 0 && readers === 0 && el("small", { class: "bad-text", "data-test": "results-unread" }, el("br"),
        "Nobody reads it: ", code("docs/runbooks/SalvageResultsUnread.md"))),
    el("span", { class: "depth" }, count(ready)));
  return card("Queues", { "data-test": "queues" },
    el("p", { class: "muted" }, filled.length === 0
      ? `All ${all.length} are empty.` : `${plural(waiting, "message waits", "messages wait")} to be worked on, ${count(away)} ${away === 1 ? "is" : "are"} put away until ${away === 1 ? "its" : "their"} time`
        + (away > parkedTotal ? ` (${plural(parkedTotal, "recovery", "recoveries")} under way; the others belong to recoveries that have ended, to news and to commands)` : "")
        + (results > 0 ? `, ${plural(results, "result waits", "results wait")} for the CRM.` : ".")),
    el("ul", { class: "rows" }, filled.map(row)),
    filled.length < all.length && el("details", null, el("summary", null, plural(all.length - filled.length, "empty queue")),
      el("ul", { class: "rows" }, all.filter(({ ready }) => !ready).map(row))));
}

// ---- Who works

const circuitTones = { closed: ["good", "closed"], trying: ["warn", "trying again"], open: ["bad", "open"] };

/** What the workers that live say of their breakers, the worst gateway first. */
function gatewaysOf(workers) {
  // A gateway is as bad as its worst worker says; the others are told beside it.
  const gateways = new Map();
  for (const worker of workers.filter((worker) => !isSilent(worker))) for (const { merchant, gateway, state } of worker.circuits) {
    const key = JSON.stringify([merchant, gateway]);
    if (!gateways.has(key)) gateways.set(key, { key, merchant, gateway, states: [], at: [] });
    gateways.get(key).states.push(state);
    if (state !== "closed") gateways.get(key).at.push(worker.id);
  }
  const severity = ["open", "trying", "closed"];
  return [...gateways.values()].map((row) => ({ ...row, worst: severity.find((state) => row.states.includes(state)) ?? row.states[0] }))
    .sort((one, other) => severity.indexOf(one.worst) - severity.indexOf(other.worst));
}

/** At how many workers it is as bad, and at which where it is closed at others: their way out may be at fault, and not FlexFactor. */
const placesOf = ({ worst, states, at }) => [` at ${states.filter((state) => state === worst).length} of ${plural(states.length, "worker")}`,
  at.length < states.length && [" (", at.map((id, index) => [index > 0 && ", ", code(id)]), ")"]];

function circuits({ workers, circuits: troubles = [] }) {
  const rows = gatewaysOf(workers);
  const troubleOf = ({ merchant, gateway }) => troubles.find((one) => one.merchant === merchant && one.gateway === gateway);
  if (rows.length === 0) return card("Circuit breakers", null, empty("No worker reports a gateway.",
    "Breakers show once a worker with the cascade or retry stage runs."));
  return card("Circuit breakers", { "data-test": "circuits" },
    el("p", { class: "muted" }, "Open: FlexFactor is down or refuses there; cascades answer at once, retries wait."),
    el("ul", { class: "rows" }, rows.map((row) => el("li", { key: row.key },
      el("span", { class: "grow" }, foreign(row.merchant), el("span", { class: "muted" }, " gateway "), code(row.gateway), trouble(troubleOf(row))),
      row.worst !== "closed" && el("small", { class: "muted" }, placesOf(row)),
      pill(...(circuitTones[row.worst] ?? ["plain", row.worst]))))));
}

/** Since when and why a circuit is not closed, and when a call is tried again. */
function trouble(found) {
  return found?.since && el("small", { class: "muted", "data-test": "circuit-trouble" }, el("br"), "since ", momentAndAge(found.since),
    found.why && [": ", foreign(found.why)], found.triedAt && ["; tried again ", found.triedAt > now() ? age(found.triedAt) : "now"]);
}

/** How far a worker is behind with the claims; nothing where it is not. */
function claimsOf({ claims }) {
  if (!claims || (claims.caughtUp && claims.behind === 0 && claims.lagMilliseconds < 1000)) return null;
  return el("small", { class: claims.caughtUp && claims.lagMilliseconds < 5000 ? "muted" : "bad-text", "data-test": "claims-behind" }, el("br"),
    !claims.caughtUp ? "reads what was claimed, and takes nothing yet"
      : claims.behind > 0 ? `${plural(claims.behind, "claim")} behind, for ${span(claims.lagMilliseconds)}` : `behind with the claims for ${span(claims.lagMilliseconds)}`);
}

/** That it takes nothing new, since when, by whom and why. */
function quietOf({ quiet }) {
  return quiet && el("small", { class: "muted", "data-test": "worker-quiet" }, el("br"), "takes nothing new since ", age(quiet.since), ", until ", momentAndAge(quiet.until),
    ", by ", foreign(quiet.by), ": ", foreign(quiet.why), " ", el("a", { href: "#/pauses" }, "Resume it"));
}

function workers({ workers: all }) {
  if (all.length === 0) return card("Workers", null, empty("No worker runs.", "Declines wait in their queues. Start one with ", code("salvage run"), "."));
  return card("Workers", { "data-test": "workers" },
    el("ul", { class: "rows" }, all.map((worker) => {
      const silent = isSilent(worker);
      const busy = worker.inFlight.filter((stage) => stage.count > 0);
      return el("li", { key: worker.id, class: silent ? "silent" : "", "data-test": "worker-row" },
        el("span", { class: "grow" }, code(worker.id), el("br"),
          el("small", { class: "muted" }, foreign(`v${worker.version} on ${worker.host}: ${[...worker.stages, ...(worker.webhooks ? ["webhooks"] : [])].join(", ")}`)), el("br"),
          el("small", null, busy.length ? foreign(busy.map((stage) => `${count(stage.count)} in ${stage.stage}`).join(", ")) : "idle"), claimsOf(worker), quietOf(worker),
          !silent && !worker.quiet && mayAct("operator") && [" ", el("a", { href: `#/pauses${query({ worker: worker.id })}`, "data-test": "pause-worker-link" }, "Pause …")]),
        worker.quiet && !silent ? pill("warn", "paused") : seenOf(worker));
    })));
}

const seenOf = (process) => isSilent(process) ? pill("bad", ["not seen for ", span(now() - process.seenAt)].join(""))
  : process.notReady ? pill("bad", "not ready") : el("small", { class: "muted" }, "seen ", age(process.seenAt));

/** Who takes FlexFactor's webhooks and nothing else. */
function receivers({ receivers: all = [] }) {
  return all.length > 0 && card("Webhook receivers", { "data-test": "receivers" },
    el("ul", { class: "rows" }, all.map((receiver) => el("li", { key: receiver.id, class: isSilent(receiver) ? "silent" : "", "data-test": "receiver-row" },
      el("span", { class: "grow" }, code(receiver.id), el("br"), el("small", { class: "muted" }, foreign(`v${receiver.version} on ${receiver.host}`))),
      seenOf(receiver)))));
}
