// How a dry run is told: the verdict first, then the rules that were asked, the deciding one marked; and differences, before and after.
import { el, foreign, lengthy, visible } from "./dom.js";
import { faultList, prose } from "./desk.js";
import { code, count, pill } from "./words.js";

const verdicts = {
  goes: ["good", "goes through"], skips: ["warn", "would be skipped"], fails: ["bad", "would fail again"], unknown: ["plain", "cannot be told"],
};

export function forecastView(forecast, stale = false) {
  if (!forecast) return null;
  const [tone, word] = verdicts[forecast.verdict] ?? ["plain", forecast.verdict];
  return el("div", { class: `forecast ${stale ? "stale" : ""}`, "data-test": "forecast", "data-state": forecast.verdict, "aria-busy": stale ? "true" : undefined },
    el("p", null, pill(tone, word), " ", prose(forecast.sentence)),
    forecast.rule && el("p", { class: "muted" }, "By rule ", code(forecast.rule)),
    faultList(forecast.faults),
    forecast.steps?.length > 0 && el("details", null, el("summary", null, "Rule by rule"), stepList(forecast.steps)));
}

/** The same faults twice on one card read like two. */
export const unlessSaid = (forecast, faults) => (JSON.stringify(forecast.faults) === JSON.stringify(faults) ? { ...forecast, faults: [] } : forecast);

export const stepList = (steps) => el("ol", { class: "steps", "data-test": "steps" }, steps.map((step, index) =>
  el("li", { key: index, class: step.decides ? "decides" : "", "data-test": step.decides ? "deciding-step" : "step" },
    el("span", { class: "asked" }, foreign(step.asked)),
    step.says ? pill(step.says === "soft" ? "good" : step.says === "hard" ? "bad" : "plain", step.says) : el("span", { class: "muted" }, "says nothing"),
    step.decides && pill("busy", "decides"),
    step.why && el("span", { class: "muted why" }, foreign(step.why)))));

const json = (value) => visible(JSON.stringify(value, null, typeof value === "object" && value !== null ? 1 : 0) ?? "");

export function differenceList(differences, test = "differences") {
  if (!differences?.length) return el("p", { class: "muted", "data-test": test }, "No difference.");
  return el("ul", { class: "differences", "data-test": test }, differences.map((difference) => el("li", { key: difference.path },
    el("p", null, code(difference.path), " ", el("small", { class: "muted" }, difference.kind)),
    difference.kind !== "added" && el("del", null, el("span", { class: "unseen" }, "before: "), lengthy(json(difference.before), 300)),
    difference.kind !== "removed" && el("ins", null, el("span", { class: "unseen" }, "after: "), lengthy(json(difference.after), 300)))));
}

/** What a dry run found: a number of letters is not the number that goes through. */
export function dryRunText({ dryRun, isTrying }) {
  if (!dryRun) return isTrying && el("p", { class: "muted", role: "status" }, "A dry run shows what would become of them …");
  const { goes, skips, unknown, leftOut, rehearsed, total, why } = dryRun;
  const bad = leftOut + skips > 0;
  return el("div", { class: `callout ${bad ? "warn" : ""} ${isTrying ? "stale" : ""}`, role: "status", "data-test": "rehearsal" },
    el("p", null, el("strong", null, rehearsed < total ? `Dry run of the first ${count(rehearsed)}: ` : "Dry run: "), [
      `${count(goes)} ${goes === 1 ? "goes" : "go"} through`, skips > 0 && `${count(skips)} would be skipped`,
      leftOut > 0 && `${count(leftOut)} ${leftOut === 1 ? "is" : "are"} left out`, unknown > 0 && `of ${count(unknown)} it cannot be told`,
    ].filter(Boolean).join(", "), "."),
    why.length > 0 && el("ul", null, why.map(({ sentence, count: number }) => el("li", { key: sentence }, el("strong", null, count(number)), ": ", prose(sentence)))));
}
