// The filter of the letters: it lives in the address, so that a link shows a colleague the same letters.
import { el } from "./dom.js";
import { query } from "./api.js";
import { button, desk, exact, field, toContent } from "./desk.js";
import { inputOfTime, timeOfInput, zoneName } from "./words.js";

const fields = ["state", "reason", "stage", "handling", "merchant", "order", "gateway", "text", "since", "until"];
export const pageSize = 50;

export const filter = { ...Object.fromEntries(fields.map((name) => [name, ""])), offset: 0 };

export function readFilter(asked) {
  for (const name of fields) filter[name] = asked.get(name) ?? "";
  filter.offset = Math.max(0, Number.parseInt(asked.get("offset"), 10) || 0);
}

/** What is asked of the server, without the place in the list. */
export const asked = () => Object.fromEntries(fields.map((name) => [name, filter[name]]));
export const isFiltered = () => fields.some((name) => filter[name] !== "");
export const hashOf = (change = {}) => `#/letters${query({ ...asked(), offset: 0, ...change, ...(change.offset ? {} : { offset: "" }) })}`;

/** Typing changes the address without making an entry of the history of each letter typed. */
export const keepInAddress = () => history.replaceState(history.state, "", hashOf({ offset: filter.offset }));

/** What one looks for again and again. The address carries a filter: any can be kept and sent to somebody. */
const views = [
  ["To do", {}], ["Charge in doubt", { handling: "reconcile" }], ["Charged against what was told", { reason: "told_otherwise" }],
  ["Ask the CRM, then replay", { reason: "attempts_spent" }], ["Can be replayed", { handling: "replay" }], ["Correct first", { handling: "edit_first" }],
  ["Failed again", { state: "failed_again" }], ["All", { state: "all" }],
];
export const viewBar = () => el("nav", { class: "views", "aria-label": "Filters", "data-test": "views" }, views.map(([label, view]) => el("a", {
  key: label, href: `#/letters${query(view)}`, "data-test": "view", "aria-current": fields.every((name) => filter[name] === (view[name] ?? "")) ? "true" : undefined,
}, label)));

const states = [
  ["", "to do"], ["open", "open"], ["failed_again", "failed again"], ["replayed", "replayed"], ["resolved", "resolved"],
  ["discarded", "discarded"], ["all", "all"],
];
/** `changed(atOnce)` is called after each change. */
export function filterBar(changed) {
  const take = (name, read = (value) => value, atOnce = false) => (event) => { filter[name] = read(event.target.value); filter.offset = 0; changed(atOnce); };
  const text = (name, label, attributes = {}) => field(label, el("input", {
    type: "search", ...exact, value: filter[name], "data-test": `filter-${name}`, ...attributes, on: { input: take(name) },
  }));
  const select = (name, label, options) => field(label, el("select", {
    value: filter[name], "data-test": `filter-${name}`, on: { change: take(name, undefined, true) },
  }, options.map(([value, shown]) => el("option", { key: value, value }, shown))));
  const time = (name, label) => field(label, el("input", {
    type: "datetime-local", value: inputOfTime(filter[name]), "data-test": `filter-${name}`,
    on: { change: take(name, (value) => { const at = timeOfInput(value); return Number.isNaN(at) ? "" : String(at); }) },
  }));
  const merchants = desk.session?.merchants ?? [];
  const more = ["order", "gateway", "since", "until"].filter((name) => filter[name]).length;
  const offered = states.some(([value]) => value === filter.state) ? states : [...states, [filter.state, filter.state]];
  const submit = (event) => { event.preventDefault(); toContent(); changed(true); };
  const known = (id, values) => el("datalist", { id }, values.map((value) => el("option", { key: value, value })));
  return el("form", { class: "filters", role: "search", "aria-label": "Filter the letters", on: { submit } },
    text("text", "Text", { "data-filter": "", placeholder: "words or an id" }),
    select("state", "State", offered),
    select("reason", "Reason", [["", "any"], ...[...new Set([...(desk.session?.reasons ?? []), filter.reason])].filter(Boolean).map((reason) => [reason, reason])]),
    select("stage", "Stage", [["", "any"], ...["intake", "cascade", "retry", "outcomes", "suspects", "unrouted", "held"].map((stage) => [stage, stage])]),
    select("handling", "What to do", [["", "any"], ["replay", "can be replayed"], ["edit_first", "correct first"], ["reconcile", "reconcile"]]),
    text("merchant", "Merchant", { list: "known-merchants" }), known("known-merchants", merchants),
    el("div", { class: "more-filters" }, el("details", { open: more > 0 || undefined }, el("summary", null, "More filters", more > 0 && ` (${more} set)`),
      el("div", { class: "filters" }, text("order", "Order"), text("gateway", "Gateway"), time("since", `Since (${zoneName()})`), time("until", `Until (${zoneName()})`))),
    isFiltered() && button("Clear", "filter-clear", () => { location.hash = "#/letters"; }, { class: "quiet" })));
}
