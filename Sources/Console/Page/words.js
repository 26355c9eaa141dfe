// How numbers, times and money are said. Times are in one zone, which the header names, with the exact UTC in the title; ages are by the
// server's clock.
import { el } from "./dom.js";

const zoneKey = "salvage.zone";
let isUTC = false;
try { isUTC = localStorage.getItem(zoneKey) === "UTC"; } catch { /* a browser that keeps nothing: the reader's zone */ }

/** In which zone times are shown, by its name. */
export const zoneName = () => (isUTC ? "UTC" : new Intl.DateTimeFormat().resolvedOptions().timeZone);
/** Between UTC and the reader's own. */
export function switchZone() {
  isUTC = !isUTC;
  try { localStorage.setItem(zoneKey, isUTC ? "UTC" : ""); } catch { /* it holds for this page */ }
}

/** A time as a field for date and time has it, and back; in the zone that is shown. */
export function inputOfTime(at) {
  const date = new Date(Number(at));
  if (!at || Number.isNaN(date.getTime())) return "";
  const shown = isUTC ? date : new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  // A year is typed digit by digit: 2, 20, 202, 2026.
  return shown.getUTCFullYear() < 0 || shown.getUTCFullYear() > 9999 ? "" : shown.toISOString().slice(0, 16);
}
export const timeOfInput = (text) => new Date(isUTC && text ? `${text}Z` : text).getTime();

let ahead = 0;
/** The server's clock as this page knows it: an operator's laptop may be minutes off. */
export const now = () => Date.now() + ahead;
export const setClock = (serverTime) => { ahead = serverTime - Date.now(); };

const counts = new Intl.NumberFormat("en");
const rates = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
const clocks = ["UTC", undefined].map((timeZone) => {
  const format = (parts) => new Intl.DateTimeFormat("en-GB", { timeZone, ...parts });
  return {
    day: format({ day: "numeric", month: "short" }), date: format({ day: "numeric", month: "short", year: "numeric" }), year: format({ year: "numeric" }),
    time: format({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
  };
});

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
  const { day, date, year, time } = clocks[isUTC ? 0 : 1], today = now();
  const on = date.format(at) === date.format(today) ? "" : (year.format(at) === year.format(today) ? day : date).format(at) + " ";
  return on + time.format(at);
}
const utc = (at) => { try { return new Date(at).toISOString(); } catch { return String(at); } };
const time = (at, text, title) => el("time", { datetime: utc(at), title }, text);

export const age = (at) => time(at, ago(at), `${localTime(at)} ${zoneName()}, ${utc(at)}`);
export const moment = (at) => time(at, localTime(at), utc(at));
export const momentAndAge = (at) => el("span", { class: "nowrap" }, moment(at), el("span", { class: "muted" }, ` (${ago(at)})`));

const stateWords = { open: "open", failed_again: "failed again", replayed: "replayed", resolved: "resolved", discarded: "discarded" };
const stateTones = {
  open: "warn", failed_again: "bad", replayed: "plain", resolved: "good", discarded: "plain",
  proposed: "warn", approved: "good", withdrawn: "plain", lapsed: "warn",
  running: "busy", watching: "busy", waiting: "busy", finished: "good", stopped: "warn", failed: "bad", interrupted: "bad",
};
export const stateWord = (state) => stateWords[state] ?? state;
export const pill = (tone, text, test) => el("span", { class: `pill ${tone}`, "data-test": test }, text);
export const state = (word, test) => pill(stateTones[word] ?? "plain", stateWord(word), test);
export const code = (text, title) => el("code", { title }, text);
