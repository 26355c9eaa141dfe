// The filter of the letters: it lives in the address, so that a link shows a colleague the same letters.
import { el } from "./dom.js";
import { query } from "./api.js";
import { button, desk, exact, field, toContent } from "./desk.js";

const fields = ["state", "reason", "stage", "merchant", "order", "gateway", "text", "since", "until"];
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

const states = [
  ["", "to do"], ["open", "open"], ["failed_again", "failed again"], ["replayed", "replayed"], ["resolved", "resolved"],
  ["discarded", "discarded"], ["all", "all"],
];
const pad = (number) => String(number).padStart(2, "0");
function localInput(milliseconds) {
  if (!milliseconds) return "";
  const date = new Date(Number(milliseconds));
  if (Number.isNaN(date.getTime())) return "";
  // A year is typed digit by digit: 2, 20, 202, 2026.
  const year = String(Math.max(0, date.getFullYear())).padStart(4, "0");
  return `${year}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}T${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

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
    type: "datetime-local", value: localInput(filter[name]), "data-test": `filter-${name}`,
    on: { change: take(name, (value) => { const at = new Date(value).getTime(); return Number.isNaN(at) ? "" : String(at); }) },
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
    text("merchant", "Merchant", { list: "known-merchants" }), known("known-merchants", merchants),
    el("div", { class: "more-filters" }, el("details", { open: more > 0 || undefined }, el("summary", null, "More filters", more > 0 && ` (${more} set)`),
      el("div", { class: "filters" }, text("order", "Order"), text("gateway", "Gateway"), time("since", "Since (local time)"), time("until", "Until (local time)"))),
    isFiltered() && button("Clear", "filter-clear", () => { location.hash = "#/letters"; }, { class: "quiet" })));
}
