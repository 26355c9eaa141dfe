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
  dialog.querySelector("textarea, input, button.main")?.focus();
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
