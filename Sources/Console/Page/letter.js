// One letter: what is wrong and what to do in plain view first; then correcting and acting; then the evidence.
import { el, foreign, lengthy } from "./dom.js";
import { get, part, Poll } from "./api.js";
import { button, card, faultList, problemBox, prose, redraw, toHeading } from "./desk.js";
import { age, code, count, momentAndAge, money, now, pill, plural, state } from "./words.js";
import { actions, confirmAction, offered, refusalList } from "./actions.js";
import { draftOf, dropDraft, editorView, isDrafted, showPlace } from "./editor.js";
import { differenceList, forecastView, unlessSaid } from "./forecast.js";
import { Follow, isUnderWay, runView } from "./runs.js";
import { lettersPage, listHash, neighbours, opened } from "./letters.js";

let id = null, answer = null, problem = null, follow = null, cameFromList = false;

const poll = new Poll(async () => {
  const wanted = id;
  try {
    const found = await get(`/api/letters/${part(wanted)}`);
    if (wanted !== id) return;
    answer = found;
    problem = null;
    // Somebody acts on it at the moment, here or elsewhere: show how it goes.
    const { run } = found.letter;
    if (run && !follow) watch(run);
  } catch (found) {
    if (wanted !== id) return;
    problem = found;
    throw found;
  } finally {
    redraw();
  }
}, 5000);

async function watch(runId) {
  const wanted = id;
  try {
    const run = await get(`/api/runs/${part(runId)}`);
    if (wanted === id && !follow && isUnderWay(run)) follow = new Follow(run, ended);
  } catch { /* the run's own page says why; the letter is complete without it */ }
}

function ended(run) {
  if (run.action === "replay" && run.succeeded > 0) dropDraft(id);
  poll.now();
}

export const letterPage = {
  title: () => (answer ? `${answer.letter.reason} ${answer.letter.orderId ?? ""}` : "Dead letter"),
  enter(route, previous) {
    if (route.id !== id) cameFromList = previous === lettersPage;
    opened(route.id);
    if (route.id !== id) {
      follow?.leave();
      follow = null;
      answer = problem = null;
      id = route.id;
    }
    poll.start();
  },
  leave() {
    poll.stop();
    follow?.leave();
    follow = null;
    id = answer = null;
  },
  keys: {
    // Back, and not anew: the list stands where it was left.
    Escape() { if (cameFromList) history.back(); else location.hash = listHash(); },
    j() { turn("after"); },
    k() { turn("before"); },
    c() { document.getElementById("editor")?.focus(); },
  },
  view() {
    // The same heading before and after: whoever came by key or screen reader stands on it.
    if (!answer) return [crumbs(), el("div", { class: "letter-head" }, el("h1", null, "Dead letter")), problem ? problemBox(problem) : el("p", { class: "muted" }, "Asking the server …")];
    return [crumbs(), head(answer.letter), problemBox(problem),
      el("div", { class: "columns letter" }, el("div", null, cause(answer), acting(answer)), el("div", null, facts(answer))),
      correcting(answer),
      el("div", { class: "columns letter" }, el("div", null, original(answer.original)), el("div", null, past(answer.history)))];
  },
};

function turn(side) {
  const next = neighbours(id)[side];
  if (next) location.hash = `#/letters/${part(next)}`;
}

function crumbs() {
  const { before, after, place } = neighbours(id);
  const step = (to, label, test) => to && el("a", { href: `#/letters/${part(to)}`, "data-test": test }, label);
  return el("p", { class: "crumbs" }, el("a", { href: listHash(), "data-test": "back" }, "‹ Dead letters"), el("span", { class: "grow" }),
    step(before, "‹ Newer (k)", "letter-before"), place && el("span", { class: "muted" }, place), step(after, "Older (j) ›", "letter-after"));
}

function head(letter) {
  return el("div", { class: "letter-head" },
    el("h1", null, code(letter.reason)), state(letter.state, "letter-state"),
    el("p", { class: "muted" }, [
      letter.orderId && ["order ", foreign(letter.orderId)], letter.merchantId && [" of ", foreign(letter.merchantId)], " at ", foreign(letter.stage),
      ", ", age(letter.lastAt),
      letter.outcome && [", ended as ", el("strong", null, foreign(letter.outcome))]]),
    letter.successor && el("p", null, el("a", { href: `#/letters/${part(letter.successor)}`, "data-test": "successor" }, "It failed again as a new letter ›")));
}

// ---- Why, and what to do

const standings = {
  untouched: ["plain", "no money was taken"], may_be_taken: ["bad", "the money may have been taken"], taken: ["bad", "the money was taken"],
  may_be_returned: ["warn", "the money may have been given back"],
};

/** What is lost, or who, while nobody acts. */
function stakesView({ amount, money: standing, until, customerWaits, sentences }) {
  const [tone, word] = standings[standing] ?? ["plain", standing];
  return [
    el("h3", null, "What it costs not to act"),
    el("div", { "data-test": "stakes" },
      el("p", null, amount && [el("strong", null, money(amount.minorUnits, amount.currency)), " "], pill(tone, word), " ",
        customerWaits && pill("bad", "a customer waits"), until && [until > now() ? " until " : " its time was over ", momentAndAge(until)]),
      sentences.map((sentence) => el("p", { key: sentence }, prose(sentence))))];
}

function cause({ letter, original, advice, faults, handling, forecast, stakes }) {
  return card("What happened", { "data-test": "cause" },
    el("div", { class: "said", "data-test": "explanation" }, lengthy(letter.explanation)),
    faultList(faults, letter.isToDo && original.editable && original.isJson ? showPlace(draftOf(letter.id, original)) : undefined),
    handling.crmWasTold && el("p", null, "The CRM was told ", el("strong", null, foreign(handling.crmWasTold)), letter.isToDo ? "." : " then."),
    letter.isToDo && [
      el("h3", null, "What to do"),
      el("p", { "data-test": "advice" }, prose(advice)),
      el("p", { class: letter.handling === "reconcile" ? "warn-text" : "", "data-test": "handling" }, prose(handling.why)),
      stakes && stakesView(stakes),
      ["replay", "edit_first"].includes(letter.handling) && forecast
        && [el("h3", null, "If it were replayed now, as it is"), forecastView(unlessSaid(forecast, faults))]]);
}

const labels = {
  replay: "Replay as it is …", reconcile: "Ask FlexFactor and settle …", resolve: "Mark as resolved …", discard: "Discard …", restore: "Restore …",
};

function acting({ letter, handling, forecast, actions: offers }) {
  const names = offered(offers);
  const busy = follow !== null && isUnderWay(follow.run);
  const begin = (name) => confirmAction(name, { letters: [letter] }, {
    offer: offers.find(({ action }) => action === name), crmWasTold: handling.crmWasTold, forecast,
  }, started);
  // What the forecast says would fail again is possible, but not what the eye should be led to.
  const isMain = (name) => name === "reconcile" || (name === "replay" && forecast?.verdict !== "fails");
  return card("Act", { "data-test": "acting" },
    follow && runView(follow.run, { ask: (verb) => follow.ask(verb), problem: follow.problem, dismiss: () => { follow.leave(); follow = null; redraw(); } }),
    el("div", { class: "buttons" }, names.map((name) => button(labels[name], name, () => begin(name), {
      key: name, disabled: busy, class: actions[name].danger ? "danger" : isMain(name) ? "main" : "" }))),
    busy && el("p", { class: "muted" }, "Buttons come back when this run has ended."),
    isDrafted(letter.id) && names.includes("replay") && el("p", { class: "warn-text" },
      "You have a correction below; “as it is” sends the message without it."),
    offers.length === 0 && el("p", { class: "muted" }, "Nothing is left to do here."),
    refusalList(offers));
}

function started(run) {
  follow?.leave();
  follow = new Follow(run, ended);
  poll.now();
  // The button that was pressed is off or gone by now.
  toHeading();
}

// ---- Correcting

function correcting({ letter, original, suggestions, handling, corrected }) {
  if (!letter.isToDo && !isDrafted(letter.id)) return null;
  if (!original.editable) {
    return card("Correct the message", null, el("p", { class: "muted", "data-test": "not-editable" }, original.notEditable));
  }
  const draft = draftOf(letter.id, original);
  const replay = ({ checked }) => confirmAction("replay", { letters: [letter] }, {
    offer: corrected, patch: checked.patch, differences: checked.differences, forecast: checked.forecast, needsConsent: checked.needsCrmConsent, crmWasTold: handling.crmWasTold,
  }, started);
  return card("Correct the message", { "data-test": "correcting" },
    !original.isJson && el("p", null, "It is not JSON: replace it as a whole with the message that was meant, or have its publisher send it again."),
    editorView(draft, suggestions, corrected.why, replay));
}

// ---- Evidence

const row = (label, ...value) => [el("dt", { key: "t" + label }, label), el("dd", { key: "d" + label }, value)];

const story = (order, test, shown) => el("a", { href: `#/recoveries?order=${part(order)}`, "data-test": test, title: "Its timeline" }, shown);

function facts({ letter, worker, trace }) {
  const { orderId, recoveryReference } = letter;
  return card("Facts", { "data-test": "facts" }, el("dl", { class: "facts-list" },
    orderId && row("Order", story(orderId, "order-timeline", foreign(orderId))),
    recoveryReference && row("Recovery", story(recoveryReference, "recovery-timeline", code(recoveryReference))),
    letter.merchantId && row("Merchant", foreign(letter.merchantId)),
    letter.gatewayId && row("Gateway", foreign(letter.gatewayId)),
    row("Stage", foreign(letter.stage)),
    row("First", momentAndAge(letter.firstAt)),
    row("Last", momentAndAge(letter.lastAt)),
    row("Seen", plural(letter.occurrences, "time")),
    row("Attempts", count(letter.attempts)),
    letter.run && row("Run", el("a", { href: `#/runs/${part(letter.run)}`, "data-test": "letter-run" }, code(letter.run.slice(0, 8)))),
    worker && row("Worker", foreign(`${worker.id}, v${worker.version}`), worker.mapping && el("small", { class: "muted" }, " mapping ", code(worker.mapping))),
    trace && row("Trace", code(trace)),
    row("Letter", code(letter.id))));
}

const propertyNames = {
  exchange: "Exchange", routingKey: "Routing key", redelivered: "Redelivered", messageId: "Message id", type: "Type", contentType: "Content type",
  correlationId: "Correlation id", replyTo: "Reply to",
};

function original(message) {
  return card("The original message", { "data-test": "original" },
    el("dl", { class: "facts-list" }, Object.entries(propertyNames).filter(([name]) => message[name] !== undefined && message[name] !== null).map(([name, label]) =>
      row(label, typeof message[name] === "boolean" ? (message[name] ? "yes" : "no") : code(message[name])))),
    message.headers?.length > 0 && el("details", { open: message.headers.length <= 8 }, el("summary", null, plural(message.headers.length, "header")),
      el("dl", { class: "facts-list" }, message.headers.map(({ name, value }, index) => [
        el("dt", { key: `t${index}` }, foreign(name)), el("dd", { key: `d${index}` }, code(value))]))),
    el("details", { open: !message.editable }, el("summary", null, `Body, ${plural(message.bytes, "byte")}${message.isJson ? ", JSON" : ", not JSON"}`),
      el("pre", { tabindex: "0", "data-test": "body", "aria-label": "Body of the original message" }, message.body)));
}

const means = { console: ", at the console", command_line: ", at the command line", worker: ", by itself" };

function past(entries) {
  return card("History", { "data-test": "history" }, el("ol", { class: "timeline" }, entries.map((entry, index) => el("li", {
    key: `${entry.at} ${index}`, class: "plain", "data-test": "history-row",
  },
    el("p", { class: "muted" }, momentAndAge(entry.at), " · ", entry.via === "worker" && (entry.by ? "worker " : "a worker"),
      entry.by && foreign(entry.by), means[entry.via]),
    el("p", null, lengthy(entry.sentence, 400)),
    entry.note && el("p", { class: "note-said" }, lengthy(entry.note, 600)),
    entry.differences?.length > 0 && el("details", null, el("summary", null, plural(entry.differences.length, "correction")),
      differenceList(entry.differences, "history-differences")),
    entry.run && el("p", null, el("a", { href: `#/runs/${part(entry.run)}` }, "its run"))))));
}
