// Everything can be done without a mouse. Keys act only while nobody is typing; a list moves the real focus, so that Enter,
// the focus ring and a screen reader all agree on which row is meant.
import { el } from "./dom.js";
import { closeDialog, openDialog } from "./dialog.js";

const pages = { o: "", l: "letters", r: "runs", s: "recoveries", m: "mapping", p: "pauses" };
const shortcuts = [
  [["g", "o"], "overview"], [["g", "l"], "dead letters"], [["g", "r"], "runs"], [["g", "s"], "recoveries (search)"], [["g", "m"], "mapping"], [["g", "p"], "pauses"],
  [["/"], "to the filter or search"], [["j"], "or ↓: next row; on a letter: the next letter"], [["k"], "or ↑: row before; on a letter: the one before"],
  [["Enter"], "open the row"], [["x"], "select the row"], [["a"], "to what can be done with the selected"], [["c"], "on a letter: to the editor"], [["Ctrl", "Enter"], "in the editor: check now"],
  [["Esc"], "leave a field, close, clear the selection, or back to the list"], [["?"], "this help"],
];

export function showHelp() {
  openDialog({
    view: () => [
      el("h2", { id: "dialog-title" }, "Shortcuts"),
      el("dl", { class: "shortcuts", "data-test": "shortcuts" }, shortcuts.map(([keys, what]) => [
        el("dt", null, keys.map((key) => el("kbd", null, key))), el("dd", null, what)])),
      el("div", { class: "buttons" }, el("button", { type: "button", class: "main", "data-test": "cancel", on: { click: closeDialog } }, "Close")),
    ],
  });
}

const typing = (target) => target.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");

function step(direction) {
  const rows = [...document.querySelectorAll("#page [data-item]")].filter((row) => row.offsetParent !== null);
  if (rows.length === 0) return false;
  const at = rows.findIndex((row) => row === document.activeElement || row.closest("[data-row]")?.contains(document.activeElement));
  const next = rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + direction))];
  next.focus({ preventScroll: true });
  (next.closest("[data-row]") ?? next).scrollIntoView({ block: "nearest" });
  return true;
}

/** `keysOf` says which keys the page has of its own; null while the page is covered. */
export function listenToKeys(keysOf) {
  let waiting = 0;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const own = keysOf();
    if (own === null) return;
    if (typing(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const { key } = event;
    const handled = () => event.preventDefault();
    if (waiting > Date.now()) {
      waiting = 0;
      if (key in pages) {
        location.hash = `#/${pages[key]}`;
        return handled();
      }
    }
    if (key === "g") { waiting = Date.now() + 1500; return; }
    if (own[key]) { handled(); return own[key](); }
    if (key === "?") { handled(); return showHelp(); }
    if (key === "/") {
      const filter = document.querySelector("#page [data-filter]");
      if (filter) { handled(); filter.focus(); filter.select?.(); }
    } else if (key === "j" || key === "ArrowDown") {
      if (step(1)) handled();
    } else if (key === "k" || key === "ArrowUp") {
      if (step(-1)) handled();
    } else if (key === "x") {
      document.activeElement.closest?.("[data-row]")?.querySelector("input[type=checkbox]")?.click();
    }
  });
}
