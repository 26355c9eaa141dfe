// What every page shares: who sits here, the latest overview, asking for a redraw, and the small pieces all pages show.
import { el, foreign, visible } from "./dom.js";

export const desk = { session: null, overview: null, /** Why there is no newer one. */ overviewProblem: null, /** Letters were acted on: what counts them is out of date. */ acted() {} };

const ranks = { viewer: 0, operator: 1, admin: 2 };
export const mayAct = (role) => (ranks[desk.session?.role] ?? -1) >= ranks[role];

let drawing = null, due = false;
export const drawWith = (draw) => { drawing = draw; };
/** Many changes, one drawing. */
export function redraw() {
  if (due) return;
  due = true;
  queueMicrotask(() => { due = false; drawing?.(); });
}

/** Says something to people who listen instead of look. */
export function say(text) {
  document.getElementById("said").textContent = visible(text);
}

/** To where a page begins, for whoever does not see it change. */
export function toHeading() {
  const heading = document.querySelector("#page h1");
  if (heading) heading.tabIndex = -1;
  (heading ?? document.getElementById("page")).focus({ preventScroll: true });
}

/** A sentence of ours, with what stands in backticks as code. */
export const prose = (text) => foreign(String(text ?? "").split("`").map((piece, index) => (index % 2 ? el("code", null, piece) : piece)));

/** After Enter in a search the hands are free again: the keys act on what was found. */
export const toContent = () => document.getElementById("page").focus({ preventScroll: true });

export function problemBox(problem, test = "problem", show = undefined) {
  if (!problem) return null;
  return el("div", { class: "callout bad", role: "alert", "data-test": test },
    el("p", null, el("strong", null, prose(problem.what ?? String(problem)))),
    problem.advice && el("p", null, prose(problem.advice)),
    faultList(problem.faults, show));
}

/** `show` leads to the place of a fault. */
export const faultList = (faults, show) => faults?.length > 0 && el("ul", { class: "faults", "data-test": "faults" },
  faults.map((fault) => el("li", null, show ? button(el("code", null, fault.path), "fault-place", () => show(fault.path), { class: "quiet" })
    : el("code", null, fault.path), " ", foreign(fault.message))));

export const empty = (title, ...advice) => el("div", { class: "empty", "data-test": "empty" }, el("p", null, el("strong", null, title)), el("p", null, advice));

export const card = (title, attributes, ...content) => el("section", { ...attributes, class: `card ${attributes?.class ?? ""}` }, el("h2", null, title), content);

export const button = (label, test, click, extra = {}) => el("button", { type: "button", "data-test": test, ...extra, on: { click } }, label);

/** A table that becomes cards on a phone: each cell carries its column's name. Columns: [head, class]; rows: arrays of cells. */
export function table(caption, columns, rows, attributes = {}) {
  return el("table", { ...attributes, class: `cards ${attributes.class ?? ""}` },
    el("caption", { class: "unseen" }, caption),
    el("thead", null, el("tr", null, columns.map(([head, kind]) => el("th", { scope: "col", class: kind }, head)))),
    el("tbody", null, rows.map(({ key, cells, ...row }) => el("tr", { key, ...row },
      cells.map((cell, index) => el("td", { class: columns[index][1], "data-label": columns[index][0] },
        el("span", { class: "cell" }, cell)))))));
}

/** For what machines read: nothing completes, corrects or capitalises it. */
export const exact = { autocomplete: "off", autocapitalize: "off", spellcheck: "false" };

export const checkbox = (checked, test, change, attributes = {}) => el("input", {
  type: "checkbox", checked, "data-test": test, ...attributes, on: { change: (event) => { change(event.target.checked); redraw(); } },
});

const bars = (share) => `${Math.max(0, Math.min(1, share || 0)) * 100}%`;
export const bar = (share) => el("span", { class: "bar", "aria-hidden": "true" }, el("span", { style: { width: bars(share) } }));

/** A control with its label. */
export const field = (label, control) => el("label", { class: "field" }, el("span", null, label), control);
