// The one dialog. What it shows is drawn again with the page, so that progress and errors appear in it as well.
import { render } from "./dom.js";
import { redraw } from "./desk.js";

const dialog = document.getElementById("dialog");
let current = null;

export const dialogIsOpen = () => current !== null;
export const drawDialog = () => { if (current) render(dialog, current.view()); };

/** `view` describes the content, whose heading has the id dialog-title. */
export function openDialog(content) {
  current = content;
  render(dialog);
  render(dialog, current.view());
  if (!dialog.open) dialog.showModal();
  // The keyboard of a phone, or a large zoom, leaves little of the dialog to be seen: what has the focus is brought into it.
  const first = dialog.querySelector("textarea") ?? dialog.querySelector("input, button.main");
  first?.focus();
  first?.scrollIntoView({ block: "nearest" });
}

// Both the Escape key and our own buttons end here, once.
function finish() {
  const ended = current;
  current = null;
  render(dialog);
  ended?.closed?.();
  redraw();
}

export function closeDialog() {
  dialog.close();
  if (current) finish();
}

dialog.addEventListener("close", () => { if (current && !dialog.open) finish(); });
