// How numbers, times and money are said. Times are local with the exact UTC in the title; ages are by the server's clock.
import { el } from "./dom.js";

let ahead = 0;
/** The server's clock as this page knows it: an operator's laptop may be minutes off. */
export const now = () => Date.now() + ahead;
export const setClock = (serverTime) => { ahead = serverTime - Date.now(); };

const counts = new Intl.NumberFormat("en");
const rates = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
const days = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const years = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export const count = (number) => counts.format(number ?? 0);
export const plural = (number, noun, nouns = noun + "s") => `${count(number)} ${number === 1 ? noun : nouns}`;
export const rate = (part, whole) => (whole > 0 ? rates.format(part / whole) : "–");

/** Minor units as money. Intl knows each currency's decimals; a code it does not know is said as it came. */
export function money(minorUnits, currency) {
  try {
    const format = new Intl.NumberFormat("en", { style: "currency", currency, currencyDisplay: "code" });
    return format.format(minorUnits / 10 ** format.resolvedOptions().maximumFractionDigits);
  } catch {
    return `${count(minorUnits)} minor units of ${currency}`;
  }
}

const steps = [[60, "s", 1], [3600, "min", 60], [86400, "h", 3600], [Infinity, "d", 86400]];
export function span(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const [, unit, size] = steps.find(([limit]) => seconds < limit);
  const whole = Math.floor(seconds / size);
  const rest = unit === "h" && whole < 10 ? Math.floor((seconds % 3600) / 60) : 0;
  return `${whole} ${unit}${rest ? ` ${rest} min` : ""}`;
}
const ago = (at) => (at > now() + 1500 ? `in ${span(at - now())}` : `${span(now() - at)} ago`);

export function localTime(at) {
  const date = new Date(at), today = new Date(now());
  const day = date.toDateString() === today.toDateString() ? "" : (date.getFullYear() === today.getFullYear() ? days : years).format(date) + " ";
  return day + clock.format(date);
}
const utc = (at) => { try { return new Date(at).toISOString(); } catch { return String(at); } };
const time = (at, text, title) => el("time", { datetime: utc(at), title }, text);

export const age = (at) => time(at, ago(at), `${localTime(at)} local, ${utc(at)}`);
export const moment = (at) => time(at, localTime(at), utc(at));
export const momentAndAge = (at) => el("span", { class: "nowrap" }, moment(at), el("span", { class: "muted" }, ` (${ago(at)})`));

const stateWords = { open: "open", failed_again: "failed again", replayed: "replayed", resolved: "resolved", discarded: "discarded" };
const stateTones = {
  open: "warn", failed_again: "bad", replayed: "plain", resolved: "good", discarded: "plain",
  running: "busy", watching: "busy", waiting: "busy", finished: "good", stopped: "warn", failed: "bad", interrupted: "bad",
};
export const stateWord = (state) => stateWords[state] ?? state;
export const pill = (tone, text, test) => el("span", { class: `pill ${tone}`, "data-test": test }, text);
export const state = (word, test) => pill(stateTones[word] ?? "plain", stateWord(word), test);
export const code = (text, title) => el("code", { title }, text);
