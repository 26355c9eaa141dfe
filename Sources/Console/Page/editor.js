// Correcting a letter. What is typed is a draft in this tab's memory only, kept per letter until it was replayed: no poll, no
// other page and no expired token loses it. Every check says what would differ and what would happen; nothing is sent by it.
import { el, foreign, visibleJSON } from "./dom.js";
import { debounced, part, post, Problem } from "./api.js";
import { button, exact, faultList, problemBox, redraw, say } from "./desk.js";
import { placeOf } from "./place.js";
import { differenceList, forecastView, unlessSaid } from "./forecast.js";

const drafts = new Map();

class Draft {
  text; base; checked = null; checkedText = null; problem = null; busy = false;

  constructor(id, body) {
    this.id = id;
    this.base = this.text = visibleJSON(body);
    this.checkLater = debounced(500, (isLatest) => this.#check({ body: this.text }, isLatest));
  }

  get isChanged() { return this.text !== this.base; }
  get isCurrent() { return this.checked !== null && this.checkedText === this.text && !this.busy; }

  get mayReplay() { return this.isCurrent && !this.problem && this.checked.mayReplay && this.checked.patch.length > 0; }
  get state() { return this.problem ? "problem" : this.isCurrent ? "current" : this.isChanged ? "stale" : "none"; }

  type(text) {
    this.text = text;
    if (this.isChanged) this.checkLater();
    else this.reset();
    redraw();
  }

  reset() {
    this.checkLater.cancel();
    this.text = this.checkedText = this.base;
    this.checked = this.problem = null;
    this.busy = false;
    redraw();
  }

  check() { return this.checkLater.now(); }

  /** A suggestion goes on top of what was corrected so far; its text comes back from the check. */
  async apply(suggestion) {
    if (this.isChanged && !this.isCurrent) await this.check();
    if (this.isChanged && !this.isCurrent) return;
    this.checkLater.cancel();
    const before = this.text;
    const patch = [...(this.isChanged ? this.checked.patch : []), ...suggestion.patch];
    // Typing meanwhile wins: the answer to a question of before is dropped.
    await this.#check({ patch }, () => this.text === before, (answer) => { this.text = visibleJSON(answer.body); });
    say(`Applied: ${suggestion.title}`);
  }

  async #check(question, isLatest, took = () => {}) {
    const asked = this.text;
    let latest = true;
    this.busy = true;
    redraw();
    try {
      const answer = await post(`/api/letters/${part(this.id)}/check`, question);
      latest = isLatest();
      if (!latest) return;
      this.text = asked;
      took(answer);
      this.checked = answer;
      this.checkedText = this.text;
      this.problem = null;
      say(answer.mayReplay ? "Checked: it can be replayed." : `Checked: it cannot be replayed. ${answer.why ?? ""}`);
    } catch (problem) {
      latest = isLatest();
      if (!latest) return;
      if (!(problem instanceof Problem)) throw problem;
      this.problem = problem;
    } finally {
      // Where another check has overtaken this one, that one says when it is done.
      if (latest) this.busy = false;
      redraw();
    }
  }
}

export function draftOf(id, original) {
  const known = drafts.get(id);
  if (known) return known;
  const draft = new Draft(id, original.body);
  drafts.set(id, draft);
  return draft;
}
export const dropDraft = (id) => drafts.delete(id);
export const isDrafted = (id) => drafts.get(id)?.isChanged ?? false;

addEventListener("beforeunload", (event) => {
  if ([...drafts.values()].some((draft) => draft.isChanged)) event.preventDefault();
});

/** `why` it cannot be replayed corrected, if so; `replay` gets the checked draft when "Replay corrected" is pressed. */
export function editorView(draft, suggestions, why, replay) {
  // One correction may make room for the next: what was checked last says which.
  const offered = draft.checked?.suggestions ?? suggestions ?? [];
  const leads = draft.mayReplay && draft.checked.forecast?.verdict !== "skips";
  return [
    offered.length > 0 && el("ul", { class: "suggestions", "data-test": "suggestions" }, offered.map((suggestion, index) => el("li", { key: suggestion.title },
      button(foreign(suggestion.title), "suggestion", () => draft.apply(suggestion), { "data-id": String(index), disabled: draft.busy }),
      el("span", { class: "muted" }, foreign(suggestion.why))))),
    el("div", { class: "editor" },
      el("div", null,
        el("label", { class: "unseen", for: "editor" }, "The message, as it would be replayed"),
        el("textarea", {
          id: "editor", class: "code", rows: String(Math.min(32, Math.max(12, draft.base.split("\n").length + 1))), ...exact, value: draft.text,
          "data-test": "editor", "aria-invalid": draft.problem ? "true" : undefined, on: {
            input: (event) => draft.type(event.target.value),
            keydown: (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); draft.check(); } },
          },
        }),
        el("div", { class: "buttons" },
          button(draft.busy ? "Checking …" : "Check", "check", () => draft.check(), { title: "Ctrl+Enter" }),
          draft.isChanged && button("Undo all changes", "undo", () => draft.reset(), { class: "quiet" }),
          el("span", { class: "grow" }),
          !why && draft.isChanged && button("Replay corrected …", "replay-corrected", () => replay(draft), { class: leads ? "main" : "", disabled: !draft.mayReplay })),
        why && el("p", { class: "muted", "data-test": "no-corrected-replay" }, "It cannot be replayed corrected: ", foreign(why), ". You can still try out changes here.")),
      el("div", { "data-test": "check-result", "data-state": draft.state }, result(draft, why)))];
}

/** Marks a place of the text and brings it into view. */
function goTo({ start, end }) {
  const field = document.getElementById("editor");
  const line = field.value.slice(0, start).split("\n").length;
  field.focus();
  field.setSelectionRange(start, end);
  field.scrollTop = Math.max(0, (line - 4) * parseFloat(getComputedStyle(field).lineHeight));
}

/** Leads to where a fault's path stands in the text of a draft. */
export const showPlace = (draft) => (path) => goTo(placeOf(draft.text, path));

function result(draft, why) {
  const show = showPlace(draft);
  if (draft.problem) {
    const { offset } = draft.problem;
    return [problemBox(draft.problem, "check-problem", show),
      offset !== undefined && button("Go there", "go-there", () => goTo({ start: offset, end: offset + 1 }))];
  }
  const { checked } = draft;
  if (!checked) return el("p", { class: "muted" }, draft.isChanged ? "Checking …"
    : "Change the text, or apply a suggestion: what would differ and what would happen then shows here. Nothing is sent by checking.");
  const stale = !draft.isCurrent;
  return el("div", { class: stale ? "stale" : "", "aria-busy": stale ? "true" : undefined },
    el("h3", null, "What you change"), differenceList(checked.differences),
    checked.faults?.length > 0 && [el("h3", null, "Faults that remain"), faultList(checked.faults, show)],
    el("h3", null, "What would happen"), forecastView(unlessSaid(checked.forecast, checked.faults), stale),
    !checked.mayReplay && checked.why && checked.why !== checked.forecast.sentence && !why && el("p", { class: "warn-text", "data-test": "may-not" }, foreign(checked.why)));
}
