// Asks what may be done with letters, and the confirmation that says exactly what will happen to how many. What is allowed, why not, and
// what comes of it are the server's words: this page knows no rule.
import { el, foreign } from "./dom.js";
import { act, debounced, post } from "./api.js";
import { closeDialog, openDialog } from "./dialog.js";
import { button, checkbox, desk, field, problemBox, redraw, say } from "./desk.js";
import { count, now, plural } from "./words.js";
import { differenceList, dryRunText } from "./forecast.js";

/** How each act looks; `example` is of a note. */
export const actions = {
  replay: { verb: "Replay", example: "merchant added to the configuration" },
  reconcile: { verb: "Reconcile", example: "FlexFactor was down last night" },
  resolve: { verb: "Resolve", example: "charged by hand at the gateway" },
  discard: { verb: "Discard", example: "an order of a test", danger: true },
  restore: { verb: "Restore", example: "it was put away by mistake" },
};

/**
 * What the server offers for letters: one entry for each act that somebody would look for, with `why` where it is not offered.
 * `target`: {letters} picked by hand, or {filter}.
 */
export async function offersFor(target, more = {}) {
  const meant = target.letters ? { letters: target.letters.map(({ id }) => id) } : { filter: target.filter };
  return (await post("/api/letters/actions", { ...meant, ...more })).actions;
}

// ---- The confirmation

// Kept while the dialog is closed: Escape pressed by mistake does not cost the note.
const notes = new Map();
const noteKey = (name, target) => `${name} ${target.letters?.length === 1 ? target.letters[0].id : "many"}`;

/**
 * Asks for confirmation and starts the run.
 * `target`: {letters} picked by hand, or {filter}. `extra`: {offer} where the server was asked already, {patch, differences} of a corrected
 * replay, {crmWasTold, forecast} of a single letter.
 * `started` gets the run.
 */
export function confirmAction(name, target, extra, started) {
  const action = actions[name], key = noteKey(name, target);
  const ask = {
    note: notes.get(key) ?? "", canary: true, rate: "50", consent: false, busy: false, problem: null, noteMissing: false, consentMissing: false, reach: null,
    skips: false, skipsMissing: false, doubt: false, doubtMissing: false, dryRun: null, isTrying: false,
    needsNote: extra.offer?.needsNote,
    // A letter that arrives while the dialog is read was seen by nobody: it is not part of what is confirmed.
    filter: target.filter && { ...target.filter, until: target.filter.until || String(now()) },
  };
  const reachIs = (offer) => {
    ask.reach = { takes: 0, leftOut: [], ...offer };
    ask.needsNote = ask.reach.needsNote;
    if (extra.needsConsent && ask.reach.takes) ask.reach.needCrmConsent = 1;
    // Each becomes another recovery of its order.
    if (extra.rerun) ask.reach.needCrmConsent = ask.reach.takes;
  };
  const meant = () => ({
    action: name, note: ask.note.trim(), ...(target.letters ? { letters: ask.reach.letters } : { filter: ask.filter }),
    ...(name === "replay" && { crmConsent: ask.consent, acceptSkips: ask.skips }), ...(extra.rerun && { rerun: true }),
  });
  // Of one letter the forecast is known already.
  const tryOut = name === "replay" && !extra.forecast ? debounced(0, async (isLatest) => {
    if (!ask.reach?.takes) return;
    ask.isTrying = true;
    try {
      const dryRun = await post("/api/runs/rehearse", meant());
      if (isLatest()) ask.dryRun = dryRun;
    } catch { /* what is asked for can be done without a dry run */ }
    if (isLatest()) ask.isTrying = false;
    redraw();
    // What it says came between: the note one is at stays in view.
    queueMicrotask(() => document.querySelector("#dialog :focus")?.scrollIntoView({ block: "nearest" }));
  }) : null;
  if (target.letters && extra.offer) {
    reachIs(extra.offer);
    tryOut?.now();
  } else {
    offersFor(target.letters ? target : { filter: ask.filter }, { action: name }).then(([offer]) => {
      reachIs(offer);
      tryOut?.now();
    }).catch((problem) => { ask.problem = problem; }).then(redraw);
  }

  async function confirm(event) {
    event.preventDefault();
    if (ask.busy || !ask.reach?.takes) return;
    ask.noteMissing = ask.needsNote && !ask.note.trim();
    if (ask.noteMissing) {
      document.querySelector("#dialog textarea").focus();
      return redraw();
    }
    ask.consentMissing = name === "replay" && isOne(target) && ask.reach.needCrmConsent === 1 && !ask.consent;
    // Of reruns none goes without the CRM's word.
    if (extra.rerun && !ask.consent) ask.consentMissing = true;
    ask.skipsMissing = name === "replay" && wouldOnlySkip(target, extra) && !ask.skips;
    ask.doubtMissing = ask.reach.inDoubt > 0 && !ask.doubt;
    if (ask.consentMissing || ask.skipsMissing || ask.doubtMissing) return redraw();
    ask.busy = true;
    ask.problem = null;
    redraw();
    try {
      const run = await act("/api/runs", {
        ...meant(), ...(name === "replay" && { canary: ask.reach.takes > 1 && ask.canary, rate: rateOf(ask) }),
        ...(extra.patch && { patch: extra.patch }),
      });
      notes.delete(key);
      closeDialog();
      say(run.state === "proposed" ? "Proposed: another admin must approve it." : `${action.verb} started for ${plural(ask.reach.takes, "letter")}.`);
      started(run);
    } catch (problem) {
      ask.problem = problem;
    }
    ask.busy = false;
    redraw();
  }

  const view = () => {
    const number = ask.reach?.takes;
    const letters = number === undefined ? "letters" : plural(number, "letter");
    const sent = wasWhole(ask) ? plural(sentOf(ask.dryRun), "letter") : letters;
    return el("form", { on: { submit: confirm } },
      el("h2", { id: "dialog-title" }, extra.patch ? "Replay 1 letter, corrected" : extra.rerun ? `Make ${wasWhole(ask) ? plural(sentOf(ask.dryRun), "rerun") : "reruns"}` : `${action.verb} ${sent}`),
      extra.rerun && el("p", null, "Instant declines whose time is over, and who nobody waits for any more, are sent again as reruns, each to a FlexFactor gateway of its own merchant. Others are left out."),
      ask.reach ? reachText(ask, target) : !ask.problem && el("p", { role: "status" }, "Counting what matches …"),
      extra.patch && [el("h3", null, "The correction"), differenceList(extra.differences)],
      extra.forecast?.verdict === "fails" && !extra.patch && name === "replay" && el("div", { class: "callout bad", "data-test": "will-fail" }, el("p", null,
        el("strong", null, "The forecast says that it would fail again: "), foreign(extra.forecast.sentence))),
      extra.forecast?.verdict === "skips" && name === "replay" && el("div", { class: "callout warn", "data-test": "will-skip" }, el("p", null,
        el("strong", null, "Nothing would be charged: "), foreign(extra.forecast.sentence))),
      name === "replay" && skips(ask, target, extra, () => tryOut?.now()),
      tryOut && dryRunText(ask),
      name === "replay" && number > 1 && pace(ask),
      name === "replay" && consent(ask, target, extra, () => tryOut?.now()),
      ask.reach?.inDoubt > 0 && doubt(ask, action),
      (extra.patch || extra.rerun) && desk.session?.secondPerson && el("div", { class: "callout", "data-test": "needs-second" }, el("p", null,
        "Another admin must approve it: it is proposed first, and nothing is sent until then.")),
      noteField(ask, action, key),
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

// Whoever puts these away may leave a customer charged for nothing.
function doubt(ask, action) {
  const { takes, inDoubt } = ask.reach;
  return el("div", { class: "callout bad", "data-test": "in-doubt" },
    el("p", null, el("strong", null, takes === 1 ? "This may have been charged. " : `${count(inDoubt)} of these may have been charged. `),
      `Reconcile first: it asks FlexFactor and tells the CRM. ${action.verb} asks nobody.`),
    el("label", { class: "check" }, checkbox(ask.doubt, "doubt", (checked) => { ask.doubt = checked; ask.doubtMissing = false; }),
      el("span", null, "What became of the money was found out by other means.")),
    ask.doubtMissing && el("p", { class: "error", role: "alert" }, "Find out what became of the money, then tick the box."));
}

function reachText(ask, target) {
  const { takes, why, leftOut, consequence, caution } = ask.reach;
  const sent = wasWhole(ask) ? sentOf(ask.dryRun) : takes;
  return [
    el("p", { "data-test": "consequence" }, takes === 0 ? el("strong", null, "None of these letters takes this action", why ? [": ", foreign(why)] : "", ".")
      : sent === 0 ? el("strong", null, "None of these letters would be sent.") : wasWhole(ask) ? ask.dryRun.consequence : consequence),
    caution && el("div", { class: "callout warn", "data-test": "under-way" }, el("p", null, caution)),
    target.filter && takes > 0 && el("p", { class: "muted" },
      "These are all letters that match the filter at this moment, not only those of the page shown; later ones are not touched."),
    leftOut.length > 0 && !(target.filter && wasWhole(ask)) && el("ul", { class: "left-out", "data-test": "left-out" },
      leftOut.map(({ why: reason, count: letters }) => el("li", { key: reason }, el("strong", null, plural(letters, "letter")), " left out: ", foreign(reason), "."))),
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

const wouldOnlySkip = (target, { forecast }) => isOne(target) && forecast?.onlySkips;

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

function consent(ask, target, { crmWasTold, needsConsent, rerun }, changed) {
  const { takes: number, needCrmConsent: consents } = ask.reach ?? {};
  if (!consents) return null;
  const single = isOne(target);
  const told = rerun ? " Each would be another recovery of its order: both would be charged if the CRM has sent the order again by itself." : needsConsent ? [" ", foreign(needsConsent[0].toUpperCase() + needsConsent.slice(1)), "."]
    : crmWasTold ? [" The CRM was told ", el("strong", null, foreign(crmWasTold)), " and may have charged the customer by its own rules since."]
    : ` The CRM was told that nothing was charged and may have charged the ${consents === 1 ? "customer" : "customers"} by its own rules since.`;
  return el("div", { class: "callout warn", "data-test": "needs-consent" },
    el("p", null, single ? "This letter needs the CRM's word." : el("strong", null,
      `${consents === number ? `All ${count(number)}` : `${count(consents)} of the ${count(number)}`} `
        + (consents === 1 ? "needs the CRM's word; without it, it is left out." : "need the CRM's word; without it they are left out.")), told),
    el("label", { class: "check" }, checkbox(ask.consent, "consent", (checked) => { ask.consent = checked; ask.consentMissing = false; changed(); }),
      el("span", null, `The CRM's people confirmed that ${single ? "this order was" : "these orders were"} not charged elsewhere${single || rerun ? "." : " (optional)."}`)),
    ask.consentMissing && el("p", { class: "error", id: "consent-missing", role: "alert" },
      "Without the CRM's word it is not sent: ask them, then tick the box."));
}

function noteField(ask, action, key) {
  return [
    field(ask.needsNote ? "Why (required; everybody who opens the letter will read it)" : "Why (optional)", el("textarea", {
      rows: "2", "aria-required": ask.needsNote ? "true" : undefined, value: ask.note, "data-test": "note",
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
export function refusalList(offers) {
  const refused = (offers ?? []).filter(({ why }) => why);
  return refused.length > 0 && el("ul", { class: "refusals", "data-test": "refusals" },
    refused.map(({ action, why }) => el("li", { key: action }, `${actions[action].verb}: `, foreign(why), ".")));
}

/** The names of the acts that are offered, in the server's order. */
export const offered = (offers) => (offers ?? []).filter(({ why }) => !why).map(({ action }) => action);
