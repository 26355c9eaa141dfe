// What may be done with a letter, why not, and the confirmation that says exactly what will happen to how many letters.
import { el, foreign } from "./dom.js";
import { act, debounced, get, post, query } from "./api.js";
import { closeDialog, openDialog } from "./dialog.js";
import { button, checkbox, desk, field, mayAct, problemBox, prose, redraw, say } from "./desk.js";
import { count, now, plural, stateWord } from "./words.js";
import { differenceList } from "./forecast.js";

const toDo = ["open", "failed_again"];

export const actions = {
  replay: {
    verb: "Replay", example: "merchant added to the configuration", role: "operator", states: toDo, note: true, handling: ["replay"], many: true,
    what: (letters, { onlyResults }) => (onlyResults
      ? `${letters} will be sent again to whatever queue is bound now. Nothing is charged by that. What no queue takes comes back to this list.`
      : `${letters} will be sent again to where ${letters.startsWith("1 ") ? "it" : "they"} came from, and worked on under today's `
        + "mapping and configuration. Customers may be charged, as by any decline that is worked on. A letter that fails again comes back to this list."),
  },
  reconcile: {
    verb: "Reconcile", example: "FlexFactor was down last night", role: "operator", states: toDo, note: false, handling: ["reconcile"], many: true,
    what: (letters) => `FlexFactor will be asked what became of the charge behind ${letters}; an order that is still open there is cancelled and `
      + "looked at once more. The CRM is told the truth. Nothing is charged again.",
  },
  resolve: {
    verb: "Resolve", example: "charged by hand at the gateway", role: "operator", states: toDo, note: true, many: true,
    what: (letters) => `${letters} will be marked as resolved by hand and leave the list. Nothing is sent to anybody. It can be restored.`,
  },
  discard: {
    verb: "Discard", example: "an order of a test", role: "admin", states: toDo, note: true, many: true, danger: true,
    what: (letters) => `${letters} will be discarded: the work in the message is given up and nobody is told. It can be restored as long as the letter is kept.`,
  },
  restore: {
    verb: "Restore", example: "it was put away by mistake", role: "operator", states: ["replayed", "resolved", "discarded"], note: false, many: true,
    what: (letters) => `${letters} will be put back into the list of what is to do. Nothing is sent to anybody.`,
  },
};

const handlingRefusals = {
  replay: {
    edit_first: "The message cannot go as it is: correct it first.",
    reconcile: "The charge may have happened: to be reconciled, never replayed.",
  },
};

/** Why this action is not for this letter and this person, or null where it is; its verb stands before it. `corrected`: a replay that brings a patch. */
export function refusal(name, letter, { corrected = false } = {}) {
  const action = actions[name];
  if (corrected && !mayAct("admin")) return `Replaying a corrected message needs the role admin; yours is ${desk.session?.role}.`;
  if (!mayAct(action.role)) return `needs the role ${action.role}; yours is ${desk.session?.role}.`;
  if (!action.states.includes(letter.state)) {
    return letter.state === "replayed" ? "It was replayed already; restore it if its message is lost." : `It is ${stateWord(letter.state)}${toDo.includes(letter.state) ? "" : ": restore it first"}.`;
  }
  if (name === "replay" && letter.state === "failed_again" && letter.successor) return "Its replay became another letter: see to that one.";
  if (corrected) return ["replay", "edit_first"].includes(letter.handling) ? null : handlingRefusals.replay[letter.handling];
  if (action.handling && !action.handling.includes(letter.handling)) {
    return handlingRefusals[name]?.[letter.handling] ?? "Only letters whose charge may have happened are reconciled.";
  }
  return null;
}

// ---- Whom an action reaches

/** The letters picked by hand, divided into those an action takes and those left out, by reason. */
function divide(name, letters) {
  const left = new Map();
  const taken = letters.filter((letter) => {
    const why = refusal(name, letter);
    if (why) left.set(why, (left.get(why) ?? 0) + 1);
    return !why;
  });
  return { taken, left };
}

/** A filter, narrowed to the states that the action takes; null where none of them is shown. */
export function narrowed(name, filter) {
  const asked = filter.state === "all" ? ["open", "failed_again", "replayed", "resolved", "discarded"] : filter.state ? filter.state.split(",") : toDo;
  const states = asked.filter((state) => actions[name].states.includes(state));
  return states.length === 0 ? null : { ...filter, state: states.join(",") };
}

/** Results of ours on their way to the CRM: sending them again charges nobody. */
const areResults = (some) => some.length > 0 && some.every(({ stage }) => stage === "unrouted");

async function countMatching(name, filter) {
  const { total, groups } = await get(`/api/letters/groups${query(filter)}`);
  const { handling } = actions[name];
  const fits = (group) => !handling || handling.includes(group.handling);
  const sum = (some) => some.reduce((number, group) => number + group.count, 0);
  const left = new Map();
  for (const group of groups.filter((group) => !fits(group))) {
    const why = handlingRefusals[name]?.[group.handling] ?? "Only letters whose charge may have happened are reconciled.";
    left.set(why, (left.get(why) ?? 0) + group.count);
  }
  const underWay = name === "restore" && filter.state.split(",").includes("replayed")
    ? (await get(`/api/letters/groups${query({ ...filter, state: "replayed" })}`)).total : 0;
  return {
    number: handling ? sum(groups.filter(fits)) : total, left, underWay, consents: sum(groups.filter((group) => fits(group) && group.needsCrmConsent)),
    inDoubt: sum(groups.filter((group) => group.handling === "reconcile")), onlyResults: areResults(groups.filter(fits)),
  };
}

// ---- The confirmation

// Kept while the dialog is closed: Escape pressed by mistake does not cost the note.
const notes = new Map();
const noteKey = (name, target) => `${name} ${target.letters?.length === 1 ? target.letters[0].id : "many"}`;

/**
 * Asks for confirmation and starts the run.
 * `target`: {letters} picked by hand, or {filter}. `extra`: {patch, differences} of a corrected replay, {crmWasTold, forecast} of a single letter.
 * `started` gets the run.
 */
export function confirmAction(name, target, extra, started) {
  const action = actions[name], key = noteKey(name, target);
  const ask = {
    note: notes.get(key) ?? "", canary: true, rate: "50", consent: false, busy: false, problem: null, noteMissing: false, consentMissing: false, reach: null,
    skips: false, skipsMissing: false, doubt: false, doubtMissing: false, dryRun: null, isTrying: false,
    // A letter that arrives while the dialog is read was seen by nobody: it is not part of what is confirmed.
    filter: target.filter && { ...narrowed(name, target.filter), until: target.filter.until || String(now()) },
  };
  if (target.letters) {
    const { taken, left } = extra.patch ? { taken: target.letters, left: new Map() } : divide(name, target.letters);
    ask.reach = {
      number: taken.length, ids: taken.map(({ id }) => id), left,
      consents: taken.filter(({ needsCrmConsent }) => extra.needsConsent || needsCrmConsent).length,
      underWay: name === "restore" ? taken.filter(({ state }) => state === "replayed").length : 0,
      inDoubt: taken.filter(({ handling }) => handling === "reconcile").length, onlyResults: areResults(taken),
    };
  } else {
    countMatching(name, ask.filter).then((reach) => { ask.reach = reach; }, (problem) => { ask.problem = problem; }).then(redraw);
  }
  const meant = () => ({
    action: name, note: ask.note.trim(), ...(target.letters ? { letters: ask.reach.ids } : { filter: ask.filter }),
    ...(name === "replay" && { crmConsent: ask.consent, acceptSkips: ask.skips }),
  });
  // Of one letter the forecast is known already.
  const tryOut = name === "replay" && !extra.forecast && ask.reach?.number !== 0 ? debounced(0, async (isLatest) => {
    ask.isTrying = true;
    try {
      const dryRun = await post("/api/runs/rehearse", target.letters ? meant() : { action: name, filter: ask.filter, crmConsent: ask.consent, acceptSkips: ask.skips });
      if (isLatest()) ask.dryRun = dryRun;
    } catch { /* what is asked for can be done without a dry run */ }
    if (isLatest()) ask.isTrying = false;
    redraw();
    // What it says came between: the note one is at stays in view.
    queueMicrotask(() => document.querySelector("#dialog :focus")?.scrollIntoView({ block: "nearest" }));
  }) : null;
  tryOut?.now();

  async function confirm(event) {
    event.preventDefault();
    if (ask.busy || !ask.reach?.number) return;
    ask.noteMissing = action.note && !ask.note.trim();
    if (ask.noteMissing) {
      document.querySelector("#dialog textarea").focus();
      return redraw();
    }
    ask.consentMissing = name === "replay" && isOne(target) && ask.reach.consents === 1 && !ask.consent;
    ask.skipsMissing = name === "replay" && isOne(target) && wouldOnlySkip(target, extra) && !ask.skips;
    ask.doubtMissing = abandonsCharges(name, ask) && !ask.doubt;
    if (ask.consentMissing || ask.skipsMissing || ask.doubtMissing) return redraw();
    ask.busy = true;
    ask.problem = null;
    redraw();
    try {
      const run = await act("/api/runs", {
        ...meant(), ...(name === "replay" && { canary: ask.reach.number > 1 && ask.canary, rate: rateOf(ask) }),
        ...(extra.patch && { patch: extra.patch }),
      });
      notes.delete(key);
      closeDialog();
      say(`${action.verb} started for ${plural(ask.reach.number, "letter")}.`);
      started(run);
    } catch (problem) {
      ask.problem = problem;
    }
    ask.busy = false;
    redraw();
  }

  const view = () => {
    const number = ask.reach?.number;
    const letters = number === undefined ? "letters" : plural(number, "letter");
    const sent = wasWhole(ask) ? plural(sentOf(ask.dryRun), "letter") : letters;
    return el("form", { on: { submit: confirm } },
      el("h2", { id: "dialog-title" }, extra.patch ? "Replay 1 letter, corrected" : `${action.verb} ${sent}`),
      ask.reach ? reachText(action, ask, target) : !ask.problem && el("p", { role: "status" }, "Counting what matches …"),
      extra.patch && [el("h3", null, "The correction"), differenceList(extra.differences)],
      extra.forecast?.verdict === "fails" && !extra.patch && name === "replay" && el("div", { class: "callout bad", "data-test": "will-fail" }, el("p", null,
        el("strong", null, "The forecast says that it would fail again: "), foreign(extra.forecast.sentence))),
      extra.forecast?.verdict === "skips" && name === "replay" && el("div", { class: "callout warn", "data-test": "will-skip" }, el("p", null,
        el("strong", null, "Nothing would be charged: "), foreign(extra.forecast.sentence))),
      name === "replay" && skips(ask, target, extra, () => tryOut?.now()),
      tryOut && dryRunText(ask),
      name === "replay" && number > 1 && pace(ask),
      name === "replay" && consent(ask, target, extra, () => tryOut?.now()),
      abandonsCharges(name, ask) && doubt(ask, action),
      action.note || name !== "restore" ? noteField(ask, action, key) : null,
      problemBox(ask.problem, "dialog-problem"),
      el("div", { class: "buttons" },
        button("Cancel", "cancel", closeDialog),
        el("button", { type: "submit", class: action.danger ? "danger" : "main", "data-test": "confirm", disabled: ask.busy || !number || sendsNothing(ask) },
          ask.busy ? "Starting …" : number === undefined ? action.verb : `${action.verb} ${sent}`)));
  };
  openDialog({ view });
}

const wasWhole = ({ dryRun }) => dryRun !== null && dryRun.rehearsed === dryRun.total;
const sentOf = ({ goes, skips, unknown }) => goes + skips + unknown;
const sendsNothing = (ask) => wasWhole(ask) && sentOf(ask.dryRun) === 0;

/** What a dry run found: a number of letters is not the number that goes through. */
function dryRunText({ dryRun, isTrying }) {
  if (!dryRun) return isTrying && el("p", { class: "muted", role: "status" }, "A dry run shows what would become of them …");
  const { goes, skips, unknown, leftOut, rehearsed, total, why } = dryRun;
  const bad = leftOut + skips > 0;
  return el("div", { class: `callout ${bad ? "warn" : ""} ${isTrying ? "stale" : ""}`, role: "status", "data-test": "rehearsal" },
    el("p", null, el("strong", null, rehearsed < total ? `Dry run of the first ${count(rehearsed)}: ` : "Dry run: "), [
      `${count(goes)} ${goes === 1 ? "goes" : "go"} through`, skips > 0 && `${count(skips)} would be skipped`,
      leftOut > 0 && `${count(leftOut)} ${leftOut === 1 ? "is" : "are"} left out`, unknown > 0 && `of ${count(unknown)} it cannot be told`,
    ].filter(Boolean).join(", "), "."),
    why.length > 0 && el("ul", null, why.map(({ sentence, count: number }) => el("li", { key: sentence }, el("strong", null, count(number)), ": ", prose(sentence)))));
}

// Whoever puts these away may leave a customer charged for nothing.
const abandonsCharges = (name, { reach }) => ["discard", "resolve"].includes(name) && reach?.inDoubt > 0;

function doubt(ask, action) {
  const { number, inDoubt } = ask.reach;
  return el("div", { class: "callout bad", "data-test": "in-doubt" },
    el("p", null, el("strong", null, number === 1 ? "This may have been charged. " : `${count(inDoubt)} of these may have been charged. `),
      `Reconcile first: it asks FlexFactor and tells the CRM. ${action.verb} asks nobody.`),
    el("label", { class: "check" }, checkbox(ask.doubt, "doubt", (checked) => { ask.doubt = checked; ask.doubtMissing = false; }),
      el("span", null, "What became of the money was found out by other means.")),
    ask.doubtMissing && el("p", { class: "error", role: "alert" }, "Find out what became of the money, then tick the box."));
}

function reachText(action, ask, target) {
  const { number, left, underWay, onlyResults } = ask.reach;
  const sent = wasWhole(ask) ? sentOf(ask.dryRun) : number;
  const leftOut = [...left].map(([why, letters]) => el("li", { key: why }, el("strong", null, plural(letters, "letter")), " left out. ", why));
  return [
    el("p", { "data-test": "consequence" }, number === 0 ? el("strong", null, "None of these letters takes this action.")
      : sent === 0 ? el("strong", null, "None of these letters would be sent.") : action.what(plural(sent, "letter"), { onlyResults })),
    underWay > 0 && el("div", { class: "callout warn", "data-test": "under-way" }, el("p", null,
      `${number === 1 ? "Its message was" : `The messages of ${count(underWay)} of them were`} replayed and may still be under way. `
        + "Restore only what is lost to sight; the order's timeline says how far it came.")),
    target.filter && number > 0 && el("p", { class: "muted" },
      "These are all letters that match the filter at this moment, not only those of the page shown; later ones are not touched."),
    leftOut.length > 0 && !(target.filter && wasWhole(ask)) && el("ul", { class: "left-out", "data-test": "left-out" }, leftOut),
  ];
}

const rateOf = ({ rate }) => Math.min(1000, Math.max(1, Math.round(Number(rate)) || 50));

function pace(ask) {
  return el("fieldset", null, el("legend", null, "Pace"),
    el("label", { class: "check" }, checkbox(ask.canary, "canary", (checked) => { ask.canary = checked; }),
      el("span", null, el("strong", null, "Carefully"), ": first 1, then 2, 5, 20, then the rest; stops by itself when they fail again.")),
    el("label", { class: "field inline" }, el("span", null, "At most"), el("input", {
      type: "number", min: "1", max: "1000", step: "1", inputmode: "numeric", value: ask.rate, "data-test": "rate",
      on: { input: (event) => { ask.rate = event.target.value; }, change: () => { ask.rate = String(rateOf(ask)); redraw(); } },
    }), el("span", null, "messages a second")));
}

const isOne = (target) => target.letters?.length === 1;

// At intake a skip ends it: the sale is not tried at all.
const wouldOnlySkip = (target, { forecast }) => forecast?.verdict === "skips" && target.letters?.[0].stage === "intake";

function skips(ask, target, extra, changed) {
  const single = wouldOnlySkip(target, extra);
  const number = single ? 1 : ask.skips ? ask.dryRun?.skips : ask.dryRun?.wouldSkip;
  if (!number) return null;
  return el("div", { class: "callout warn", "data-test": "needs-skips" },
    el("label", { class: "check" }, checkbox(ask.skips, "accept-skips", (checked) => { ask.skips = checked; ask.skipsMissing = false; changed(); }),
      el("span", null, single ? "Send it all the same: the CRM is told that it is skipped."
        : `Send the ${count(number)} that would only be skipped all the same (optional): the CRM is told so, and nothing is charged.`)),
    ask.skipsMissing && el("p", { class: "error", role: "alert" }, "It would be lost as a sale: correct it, or tick the box."));
}

function consent(ask, target, { crmWasTold, needsConsent }, changed) {
  const { number, consents } = ask.reach ?? {};
  if (!consents) return null;
  const single = isOne(target);
  const told = needsConsent ? [" ", foreign(needsConsent[0].toUpperCase() + needsConsent.slice(1)), "."]
    : crmWasTold ? [" The CRM was told ", el("strong", null, foreign(crmWasTold)), " and may have charged the customer by its own rules since."]
    : ` The CRM was told that nothing was charged and may have charged the ${consents === 1 ? "customer" : "customers"} by its own rules since.`;
  return el("div", { class: "callout warn", "data-test": "needs-consent" },
    el("p", null, single ? "This letter needs the CRM's word." : el("strong", null,
      `${consents === number ? `All ${count(number)}` : `${count(consents)} of the ${count(number)}`} `
        + (consents === 1 ? "needs the CRM's word; without it, it is left out." : "need the CRM's word; without it they are left out.")), told),
    el("label", { class: "check" }, checkbox(ask.consent, "consent", (checked) => { ask.consent = checked; ask.consentMissing = false; changed(); }),
      el("span", null, `The CRM's people confirmed that ${single ? "this order was" : "these orders were"} not charged elsewhere${single ? "." : " (optional)."}`)),
    ask.consentMissing && el("p", { class: "error", id: "consent-missing", role: "alert" },
      "Without the CRM's word this letter is not replayed: ask them, then tick the box."));
}

function noteField(ask, action, key) {
  return [
    field(action.note ? "Why (required; everybody who opens the letter will read it)" : "Why (optional)", el("textarea", {
      rows: "2", "aria-required": action.note ? "true" : undefined, value: ask.note, "data-test": "note",
      "aria-invalid": ask.noteMissing ? "true" : undefined, "aria-describedby": ask.noteMissing ? "note-missing" : undefined,
      placeholder: `e.g. ${action.example}, OPS-1234`,
      on: { input: (event) => {
        ask.note = event.target.value;
        notes.set(key, ask.note);
        if (ask.noteMissing && ask.note.trim()) { ask.noteMissing = false; redraw(); }
      } },
    })),
    ask.noteMissing && el("p", { class: "error", id: "note-missing", role: "alert" }, "Say why: a word for the next person who wonders."),
  ];
}

/** What is not offered here, and why, in words: a missing button alone would leave one guessing. */
export function refusalList(refusals) {
  const reasons = [...new Set(refusals.filter(Boolean))];
  return reasons.length > 0 && el("ul", { class: "refusals", "data-test": "refusals" }, reasons.map((reason) => el("li", { key: reason }, reason)));
}
