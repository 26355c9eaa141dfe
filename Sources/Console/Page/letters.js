// The dead letters: groups first, because one cause kills many; then the list, and what is done with many at once.
import { el, foreign, save } from "./dom.js";
import { debounced, get, part, Poll, query } from "./api.js";
import { button, card, checkbox, desk, empty, mayAct, problemBox, prose, redraw, say, table, toHeading } from "./desk.js";
import { age, code, count, plural, state } from "./words.js";
import { actions, confirmAction, offered, offersFor, refusalList } from "./actions.js";
import { asked, filter, filterBar, viewBar, hashOf, isFiltered, keepInAddress, pageSize, readFilter } from "./filter.js";
import { Follow, isUnderWay, runView } from "./runs.js";
import { unread } from "./overview.js";

let shown = null, newer = null, groups = null, problem = null, loading = false, follow = null, allGroups = false;
// The letters picked by hand, also on other pages of the list; or everything that matches.
const picked = new Map();
let everything = false;

// ---- Asking

const idsOf = (answer) => answer.letters.map(({ id }) => id).join();

async function fetchList() {
  const { reason, stage, merchant, ...rest } = asked();
  const [list, grouped] = await Promise.all([
    get(`/api/letters${query({ ...asked(), offset: filter.offset, limit: pageSize })}`),
    get(`/api/letters/groups${query(rest)}`),
  ]);
  return { ...list, ...{ groups: grouped.groups } };
}

const load = debounced(250, async (isLatest) => {
  loading = true;
  redraw();
  try {
    const answer = await fetchList();
    if (!isLatest()) return;
    take(answer);
    // What could not be asked before can be now.
    if (problem) askedOf = null;
    problem = null;
    say(`${plural(answer.total, "letter")} found.`);
  } catch (found) {
    if (!isLatest()) return;
    problem = found;
  }
  loading = false;
  redraw();
});

function take(answer) {
  shown = answer;
  groups = answer.groups;
  newer = null;
  for (const letter of answer.letters) if (picked.has(letter.id)) picked.set(letter.id, letter);
  if (answer.letters.length === 0 && answer.total > 0 && filter.offset > 0) {
    // The last page was worked off: the one before it is the last now.
    shown = { ...answer, old: true };
    filter.offset = Math.floor((answer.total - 1) / pageSize) * pageSize;
    keepInAddress();
    load();
  }
}

// Rows do not move under the hand: where somebody is in the middle of the list, what is new is offered instead of shown.
const isInUse = () => picked.size > 0 || everything || filter.offset > 0 || document.activeElement?.closest?.("[data-test=letters-row]");

const poll = new Poll(async () => {
  if (problem?.mayPass && !loading) return load.now();
  if (loading || !shown) return;
  const before = JSON.stringify([asked(), filter.offset]);
  const answer = await fetchList();
  if (loading || before !== JSON.stringify([asked(), filter.offset])) return;
  if (idsOf(answer) === idsOf(shown) || !isInUse()) take(answer);
  else {
    newer = answer;
    groups = answer.groups;
    const states = new Map(answer.letters.map((letter) => [letter.id, letter]));
    shown = { ...shown, total: answer.total, letters: shown.letters.map((letter) => states.get(letter.id) ?? letter) };
  }
  redraw();
}, 5000);

function filterChanged(atOnce) {
  clearPicked();
  keepInAddress();
  if (atOnce) load.now();
  else load();
  redraw();
}

const announce = () => say(picked.size > 0 ? `${plural(picked.size, "letter")} selected; press a for what can be done.` : "No letter selected.");
function clearPicked() { picked.clear(); everything = false; }

let last = null;
/** Which letter was opened last: back in the list, one stands on it. */
export const opened = (id) => { last = id; };
const linkOf = (id) => [...document.querySelectorAll("[data-test=letters-row]")].find((row) => row.dataset.id === id)?.querySelector("[data-item]");

/** The letters before and after this one in the list as it was last shown. */
export function neighbours(id) {
  const letters = shown?.letters ?? [], at = letters.findIndex((letter) => letter.id === id);
  return at < 0 ? {} : { before: letters[at - 1]?.id, after: letters[at + 1]?.id, place: `${count(filter.offset + at + 1)} of ${count(shown.total)}` };
}
export const listHash = () => hashOf({ offset: filter.offset });

/** A file of all that the filter means. */
async function download(format) {
  try {
    const { total, exported, csv, letters } = await get(`/api/letters/export${query({ ...asked(), format })}`);
    const day = new Date().toISOString().slice(0, 10);
    if (format === "csv") save(`salvage-letters-${day}.csv`, csv, "text/csv");
    else save(`salvage-letters-${day}.json`, JSON.stringify(letters, null, 1), "application/json");
    say(exported < total ? `The newest ${count(exported)} of ${plural(total, "letter")} are in the file.` : `${plural(total, "letter")} in the file.`);
    problem = exported < total ? { what: `The newest ${count(exported)} of ${plural(total, "letter")} are in the file.`, advice: "Filter by time to have the others." } : null;
  } catch (found) {
    problem = found;
  }
  redraw();
}

// ---- The page

export const lettersPage = {
  title: () => "Dead letters",
  enter(route) {
    const before = JSON.stringify([asked(), filter.offset]);
    const filterBefore = JSON.stringify(asked());
    readFilter(route.query);
    if (filterBefore !== JSON.stringify(asked())) clearPicked();
    if (before !== JSON.stringify([asked(), filter.offset])) shown = shown && { ...shown, old: true };
    newer = null;
    load.now();
    poll.start();
  },
  leave() { poll.stop(); load.cancel(); loading = false; },
  /** Where somebody who comes back to the list stands. */
  landing: () => linkOf(last),
  keys: {
    // Pressed before the server has said what there is, it waits for that.
    a() { if (picked.size || everything) wantsActions = !focusActions(); },
    Escape() {
      if (picked.size || everything) {
        // Out of the bar that vanishes, back to the row one came from.
        const row = document.activeElement.closest(".bulk") && linkOf([...picked.keys()].at(-1));
        clearPicked();
        redraw();
        if (row) row.focus();
      } else if (isFiltered()) location.hash = "#/letters";
    },
    r() { if (newer) { take(newer); redraw(); } },
  },
  view: () => [
    el("h1", null, "Dead letters"),
    desk.overview && unread(desk.overview),
    follow && card(isUnderWay(follow.run) ? "Under way" : "Last run", null, runView(follow.run, {
      ask: (verb) => follow.ask(verb), problem: follow.problem, dismiss: () => { follow.leave(); follow = null; redraw(); },
    })),
    groupView(),
    card("Letters", { class: "list-card" }, viewBar(), filterBar(filterChanged), problemBox(problem),
      shown ? listView() : !problem && el("p", { class: "muted" }, "Asking the server …")),
    bulkBar(),
  ],
};

// ---- Groups

const isActive = (group) => filter.reason === group.reason && filter.stage === group.stage && filter.merchant === (group.merchantId ?? "");
const fewGroups = 6, ungrouped = { reason: "", stage: "", merchant: "" };
const groupColumns = [["Letters", "number"], ["Reason", "reason"], ["Where", "where"], ["Oldest", "last"], ["What to do", "todo"]];

function groupView() {
  if (!groups || groups.length === 0) return null;
  const active = groups.filter(isActive);
  const few = active.length > 0 ? active : groups.filter(({ handling }, index) => index < fewGroups || handling === "reconcile");
  const rows = allGroups ? groups : few;
  return card("By cause", { "data-test": "groups" },
    table("Groups of letters with the same cause", groupColumns, rows.map((group) => {
      const key = [group.reason, group.stage, group.merchantId ?? ""].join(" ");
      const link = hashOf(isActive(group) ? ungrouped : { reason: group.reason, stage: group.stage, merchant: group.merchantId ?? "" });
      return { key, class: `row ${isActive(group) ? "active" : ""}`, "data-test": "group-row", "data-id": group.reason, "data-row": "",
        on: { click: follows }, cells: [
        el("strong", null, count(group.count)),
        [el("a", { href: link, "data-item": "", "aria-current": isActive(group) ? "true" : undefined,
          "aria-label": `${plural(group.count, "letter")}: ${group.reason} at ${group.stage}${group.merchantId ? ` of ${group.merchantId}` : ""}` }, code(group.reason)), el("br"), toDoWord(group)],
        [foreign(group.stage), group.merchantId && [" · ", foreign(group.merchantId)]],
        age(group.oldest),
        [el("span", { class: "clamp" }, prose(group.advice)), el("small", { class: "muted clamp one" }, "e.g. ", foreign(group.explanation.slice(0, 300)))]] };
    }), { class: "groups" }),
    groups.length > few.length && button(allGroups ? "Show fewer" : `Show all ${groups.length} groups`, "groups-all", () => {
      allGroups = !allGroups;
      redraw();
    }, { class: "quiet" }),
    active.length > 0 && el("a", { href: hashOf(ungrouped), "data-test": "group-clear", class: "quiet-link" }, "Letters of all groups"));
}

// The whole row leads where its link leads; a press on something with a meaning of its own, or marking text, does not.
function follows(event) {
  if (event.target.closest("a, button, input, label, summary") || String(getSelection()) !== "") return;
  event.currentTarget.querySelector("a[data-item]").click();
}

// Of a letter that came to rest one asks how, and no longer what to do.
const restWord = ({ state, outcome, successor }) => el("small", { class: "muted" },
  foreign(state === "resolved" ? outcome ?? "" : successor ? "became another letter" : ""));
const toDoWord = ({ handling, toDo }) => el("small", { class: handling === "reconcile" ? "warn-text" : "muted" }, toDo);

// ---- The list

const letterColumns = [["Order", "order"], ["Reason", "reason"], ["Where", "where"], ["Last", "last"], ["State", "state"]];

function listView() {
  const { letters, total } = shown;
  if (total === 0 && letters.length === 0) return nothing();
  const allOnPage = letters.length > 0 && letters.every(({ id }) => everything || picked.has(id));
  const selects = mayAct("operator");
  const selectPage = (test) => selects && checkbox(allOnPage, test, (checked) => {
    everything = false;
    for (const letter of letters) if (checked) picked.set(letter.id, letter); else picked.delete(letter.id);
    announce();
  }, { "aria-label": "Select the letters of this page", indeterminate: !allOnPage && picked.size > 0 });
  return [
    el("div", { class: "list-head" },
      selects && el("label", { class: "check phone-only" }, selectPage("select-page"), el("span", null, "this page")),
      el("p", { class: "muted", "data-test": "letters-total" }, loading || shown.old ? "Asking the server …" : range(letters, total)),
      el("span", { class: "grow" }),
      total > 0 && button("Export as CSV", "export-csv", () => download("csv"), { class: "quiet" }),
      total > 0 && button("as JSON", "export-json", () => download("json"), { class: "quiet" }),
      newer && button("The list has changed: show it (r)", "show-newer", () => { take(newer); redraw(); }),
      shown.connected === false && el("p", { class: "warn-text", "data-test": "not-connected" },
        "The broker cannot be reached: these are the letters as they were last known."),
      shown.ready === false && el("p", { class: "warn-text" }, "The letters are still being read: more may come.")),
    el("div", { "aria-busy": loading ? "true" : undefined, class: shown.old ? "stale" : "" },
      table("Dead letters, newest first", selects ? [[selectPage("select-page-head"), "pick"], ...letterColumns] : letterColumns,
        letters.map((letter) => row(letter, selects)), { class: selects ? "letters" : "letters unpicked" })),
    paging(total),
  ];
}

const range = (letters, total) => `${count(filter.offset + 1)}–${count(filter.offset + letters.length)} of ${plural(total, "letter")}, newest first`;

function nothing() {
  if (loading || shown.old) return el("p", { class: "muted" }, "Asking the server …");
  if (shown.ready === false) return empty("No dead letter was read yet.", "The letters are still being read; this takes seconds to minutes after a start.");
  if (isFiltered()) return empty("No letter matches this filter.", "Take a part of the filter away, or ", el("a", { href: "#/letters" }, "clear it"), ".");
  return empty("No dead letters are open.",
    "Nothing waits for you: every message was processed, resolved or discarded. Choose the state “all” to see what was.");
}

function row(letter, selects) {
  const { id, orderId, recoveryReference, merchantId, gatewayId, occurrences, attempts } = letter;
  return {
    key: id, class: `row ${everything || picked.has(id) ? "picked" : ""}`, "data-test": "letters-row", "data-id": id, "data-row": "", on: { click: follows },
    cells: [
      ...(selects ? [el("label", { class: "check" }, checkbox(everything || picked.has(id), "select", (checked) => {
        // Taking one out of "everything" leaves those of this page: the others were never seen.
        if (everything) for (const other of shown.letters) picked.set(other.id, other);
        everything = false;
        if (checked) picked.set(id, letter); else picked.delete(id);
        announce();
      }, { "aria-label": `Select the letter of order ${orderId ?? id}` }))] : []),
      [el("a", { href: `#/letters/${part(id)}`, "data-item": "", "data-test": "letter-link" }, foreign(orderId ?? recoveryReference ?? `letter ${id.slice(0, 8)}`)),
        recoveryReference && recoveryReference !== orderId && [el("br"), el("small", { class: "muted clamp" }, foreign(recoveryReference))]],
      [code(letter.reason), el("span", { class: "clamp muted" }, foreign(letter.explanation.slice(0, 400)))],
      [foreign(letter.stage), el("br"),
        el("small", { class: "muted" }, foreign([merchantId, gatewayId && `gateway ${gatewayId}`].filter(Boolean).join(" · ") || "–"))],
      [age(letter.lastAt), (occurrences > 1 || attempts > 0) && [el("br"), el("small", { class: "muted" },
        [occurrences > 1 && `seen ${count(occurrences)} times`, attempts > 0 && plural(attempts, "attempt")].filter(Boolean).join(", "))]],
      [state(letter.state), el("br"), letter.isToDo ? toDoWord(letter) : restWord(letter)],
    ],
  };
}

function paging(total) {
  if (total <= pageSize && filter.offset === 0) return null;
  const page = Math.floor(filter.offset / pageSize) + 1, pages = Math.max(1, Math.ceil(total / pageSize));
  const link = (offset, label, test, possible) => (possible ? el("a", { class: "button", href: hashOf({ offset }), "data-test": test }, label)
    : el("span", { class: "button off", "aria-hidden": "true" }, label));
  return el("nav", { class: "paging", "aria-label": "Pages of the list" },
    link(Math.max(0, filter.offset - pageSize), "‹ Newer", "page-newer", filter.offset > 0),
    el("span", { class: "muted" }, `page ${count(page)} of ${count(pages)}`),
    link(filter.offset + pageSize, "Older ›", "page-older", filter.offset + pageSize < total));
}

// ---- Many at once

// What the server offers for what is picked; what was offered before stays until the answer is there.
let offers = null, offersOf = null, askedOf = null, wantsActions = false;

const target = () => (everything ? { filter: asked() } : { letters: [...picked.values()] });
const keyOf = () => (everything ? JSON.stringify([asked(), shown?.total]) : [...picked.values()].map(({ id, state }) => id + state).join());

const askOffers = debounced(20, async (isLatest) => {
  try {
    const found = await offersFor(target());
    if (!isLatest()) return;
    [offers, offersOf] = [found, askedOf];
  } catch (found) {
    if (!isLatest()) return;
    problem = found;
  }
  redraw();
  queueMicrotask(() => { if (wantsActions) focusActions(); wantsActions = false; });
});

function focusActions() {
  const first = document.querySelector(".bulk button.main") ?? document.querySelector(".bulk .buttons button");
  first?.focus();
  return Boolean(first);
}

// What was taken in is no instant decline any more; of everything that matches nobody knows before the dry run.
const mayBeReruns = () => (everything ? filter.stage === "" || filter.stage === "intake" : [...picked.values()].some(({ stage }) => stage === "intake"));

function bulkBar() {
  const number = everything ? shown?.total ?? 0 : picked.size;
  if (number === 0) {
    askOffers.cancel();
    offers = askedOf = null;
    return null;
  }
  if (askedOf !== keyOf()) {
    askedOf = keyOf();
    askOffers();
  }
  const begin = (name, more) => confirmAction(name, target(), { offer: offersOf === keyOf() ? offers.find(({ action }) => action === name) : undefined, ...more }, (run) => {
    clearPicked();
    follow?.leave();
    follow = new Follow(run, () => load.now());
    load.now();
    toHeading();
    scrollTo(0, 0);
  });
  return el("div", { class: "bulk", role: "region", "aria-label": "Actions on the selected letters", "data-test": "bulk" },
    el("p", null,
      el("strong", { "data-test": "selected-count" }, everything ? `All ${plural(number, "letter")} that match` : `${plural(number, "letter")} selected`),
      !everything && shown && shown.total > number && button(`Select all ${count(shown.total)} that match`, "select-all", () => {
        everything = true;
        picked.clear();
        redraw();
      }, { class: "quiet" }),
      button("Clear", "select-none", () => { clearPicked(); redraw(); }, { class: "quiet" })),
    el("div", { class: "buttons" }, offered(offers).map((name) => button(`${actions[name].verb} …`, name, () => begin(name), {
      key: name, class: actions[name].danger ? "danger" : name === "replay" ? "main" : "",
    })),
      mayAct("admin") && mayBeReruns() && offered(offers).includes("replay") && button("Make reruns …", "rerun", () => begin("replay", { rerun: true }), { key: "rerun" })),
    offers === null && el("p", { class: "muted" }, "Asking what can be done …"),
    refusalList(offers));
}
