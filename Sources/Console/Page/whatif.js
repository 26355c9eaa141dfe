// What if: the declines of the last 30 days asked again under rules, or a policy, that nobody uses yet. Changes nothing.
import { el, foreign } from "./dom.js";
import { post } from "./api.js";
import { button, card, empty, exact, field, problemBox, redraw, table } from "./desk.js";
import { code, count, money, pill, plural } from "./words.js";

const example = `- { gateway: nmi, text: "expired card", class: soft }

or, in the place of what the merchant has:

policy: { correctableDeclines: soft }
declineMapping:
  - { gateway: nmi, code: 223, class: soft }`;
let draft = "", merchant = "", answer = null, problem = null, busy = false;

async function ask() {
  const question = { draft, merchant };
  busy = true;
  problem = null;
  redraw();
  try {
    answer = await post("/api/mapping/whatif", question);
  } catch (found) {
    problem = found;
    answer = null;
  }
  busy = false;
  redraw();
}

/** `merchants` are those of the configuration that runs. */
export const whatIfCard = (merchants) => card("What if", { "data-test": "mapping-whatif", "aria-busy": busy ? "true" : undefined },
  el("p", { class: "muted" }, "Asks the declines of the last 30 days again, by rules or a policy that you try. Nothing is changed, and nothing is sent."),
  el("form", { on: { submit: (submit) => { submit.preventDefault(); ask(); } } },
    field("Merchant", el("select", { value: merchant, "data-test": "whatif-merchant", on: { change: (input) => { merchant = input.target.value; redraw(); } } },
      [["", "all"], ...merchants.map((id) => [id, id])].map(([value, shown]) => el("option", { key: value, value }, shown)))),
    field("Rules to add, or a mapping (YAML)", el("textarea", {
      class: "code", rows: "8", ...exact, value: draft, placeholder: example, "data-test": "whatif-draft",
      on: { input: (input) => { draft = input.target.value; redraw(); } },
    }), { class: "field tall" }),
    button(busy ? "Asking…" : "Ask again", "whatif-ask", ask, { class: "main", disabled: busy || !draft.trim() })),
  problemBox(problem, "whatif-problem"), answer && changes(answer));

const changes = ({ asked, changed, unanswerable, changes: rows }) => el("div", { class: busy ? "stale" : "" },
  el("p", { "data-test": "whatif-sum" }, `Of ${plural(asked, "decline")}, ${count(changed)} would go another way.`,
    unanswerable > 0 && ` ${count(unanswerable)} cannot be asked again: another merchant's, or their text was not kept.`),
  rows.length === 0 ? empty("Nothing changes.", "Every decline would be decided as it was.") :
    table("Declines that would go another way", [["Declines"], ["Source"], ["Code"], ["Was"], ["Becomes"], ["Decided by"], ["Worth"]],
      rows.map((row, index) => ({ key: String(index), cells: [
        count(row.count), foreign(row.source), foreign(row.code), pill(row.was === "soft" ? "good" : "bad", row.was),
        pill(row.becomes === "soft" ? "good" : "bad", row.becomes), code(row.rule),
        row.worth.map(({ currency, minorUnits }) => el("span", { class: "money", key: currency }, money(minorUnits, currency))),
      ] }))));
