// The last hour as bars, one row a stage, each on its own scale: a retry stage with two messages a minute must not vanish
// beneath an intake with two thousand.
import { el, foreign } from "./dom.js";
import { empty } from "./desk.js";
import { count, localTime, plural } from "./words.js";

const height = 36, slot = 6;
const lost = new Set(["dead_lettered", "rejected"]);

export function flow({ minutes, stages }) {
  if (stages.length === 0) return empty("Nothing has flowed in the last hour.", "Stages appear with their first message.");
  return el("div", { class: "flow" }, stages.map((stage) => {
    const numbers = minutes.map(({ at, stages: counts }) => ({ at, number: counts[stage.stage] ?? 0 }));
    const peak = Math.max(0, ...numbers.map(({ number }) => number));
    return el("div", { class: "stage", key: stage.stage, "data-test": "flow-stage", "data-id": stage.stage },
      el("h3", null, foreign(stage.stage)),
      el("div", { class: "chart" }, bars(stage.stage, numbers, peak), el("small", { class: "muted" }, `peak ${count(peak)}/min`)),
      el("p", { class: "rates" },
        el("span", null, el("strong", null, count(stage.lastMinute)), el("small", { class: "muted" }, " last minute")),
        el("span", null, el("strong", null, count(stage.lastHour)), el("small", { class: "muted" }, " last hour"))),
      el("p", { class: "fates" }, stage.fates.length === 0 ? el("span", { class: "muted" }, "no message ended here") : stage.fates.map(({ fate, count: number }) =>
        el("span", { class: lost.has(fate) && number > 0 ? "fate lost" : "fate", key: fate },
          foreign(fate.replaceAll("_", " ")), " ", el("strong", null, count(number))))));
  }));
}

function bars(stage, numbers, peak) {
  const width = numbers.length * slot;
  const total = numbers.reduce((sum, { number }) => sum + number, 0);
  const said = `${stage}: ${plural(total, "message")} in the last ${numbers.length} minutes, at most ${count(peak)} in one minute`;
  return el("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": said },
    el("line", { x1: "0", x2: String(width), y1: String(height - 0.5), y2: String(height - 0.5) }),
    numbers.map(({ at, number }, index) => {
      const tall = number > 0 ? Math.max(2, (number / peak) * (height - 2)) : 0;
      // The key is the minute: bars move left as time goes on instead of all changing their height.
      return el("g", { key: at }, el("rect", {
        x: String(index * slot), y: String(height - 1 - tall), width: String(slot - 1.5), height: String(tall),
      }), el("rect", { class: "touch", x: String(index * slot), y: "0", width: String(slot), height: String(height) },
        el("title", null, `${localTime(at)}: ${plural(number, "message")}`)));
    }));
}
