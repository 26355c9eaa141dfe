// The mapping explorer: how a decline would be classed and routed, rule by rule, while one types. Nothing is sent to anybody.
import { el, foreign } from "./dom.js";
import { debounced, get, post, query } from "./api.js";
import { card, desk, empty, exact, field, problemBox, redraw, table } from "./desk.js";
import { code, pill } from "./words.js";
import { stepList } from "./forecast.js";
import { whatIfCard } from "./whatif.js";

const blank = { source: "", code: "", text: "", networkCode: "", advice: "", crmClass: "", merchant: "", gateway: "", orderType: "new_sale" };
let gaps = null;
let asked = { ...blank }, event = "", whole = false, options = null, result = null, problem = null, busy = false;

const explain = debounced(300, async (isLatest) => {
  const question = whole ? event.trim() && { event } : asked.source && (asked.code || asked.text) && asked;
  if (!question) {
    result = problem = null;
    busy = false;
    return redraw();
  }
  busy = true;
  redraw();
  try {
    const answer = await post("/api/mapping", question);
    if (!isLatest()) return;
    result = answer;
    problem = null;
  } catch (found) {
    if (!isLatest()) return;
    problem = found;
    result = null;
  }
  busy = false;
  redraw();
});

function changed() {
  // A pasted event holds a customer's data: it never goes into the address.
  const { orderType, ...rest } = asked;
  history.replaceState(history.state, "", `#/mapping${query(whole ? {} : { ...rest, orderType: orderType === blank.orderType ? "" : orderType })}`);
  explain();
  redraw();
}

function ask() {
  if (!options) get("/api/mapping/options").then((answer) => { options = answer; redraw(); }, (found) => { problem = found; redraw(); });
  get("/api/mapping/gaps").then((answer) => { gaps = answer.gaps; redraw(); }, () => { gaps = null; redraw(); });
  explain.now();
}

export const mappingPage = {
  title: () => "Mapping",
  enter(route) {
    if ([...route.query.keys()].length > 0) {
      whole = false;
      for (const name of Object.keys(blank)) asked[name] = route.query.get(name) ?? blank[name];
    }
    ask();
  },
  retry() { if (problem?.mayPass && !busy) ask(); },
  leave() { explain.cancel(); },
  keys: {},
  view: () => [
    el("h1", null, "Mapping"),
    el("p", { class: "muted" }, "Is a decline soft or hard, and where would it go? Asked of the configuration that runs now; nothing is sent."),
    desk.session?.hasConfiguration === false && el("div", { class: "callout warn" }, el("p", null,
      "This console runs without a configuration: the merchants' own rules and routes are not known, only the built-in tables.")),
    el("div", { class: "columns even" },
      card("The decline", null,
        el("fieldset", { class: "choice" }, el("legend", { class: "unseen" }, "What is given"),
          choice(false, "A code", "mapping-by-code"), choice(true, "A whole event", "mapping-by-event")),
        whole ? eventBox() : codeForm()),
      card("What happens", { "data-test": "mapping-result", "aria-busy": busy ? "true" : undefined, "data-state": result?.class },
        problemBox(problem), result ? answerView(result) :
          !problem && empty("Nothing asked yet.", whole ? "Paste a decline event as JSON." : "Choose a source and type a code or a text."))),
    gapsCard(),
    whatIfCard(options?.merchants ?? desk.session?.merchants ?? []),
  ],
};

const choice = (value, label, test) => el("label", { class: "check" }, el("input", {
  type: "radio", name: "given", checked: whole === value, "data-test": test, on: { change: () => { whole = value; result = problem = null; changed(); } },
}), el("span", null, label));

function codeForm() {
  const text = (name, label, attributes = {}) => field(label, el("input", {
    type: "text", ...exact, value: asked[name], "data-test": `mapping-${name}`, ...attributes,
    on: { input: (input) => { asked[name] = input.target.value; changed(); } },
  }));
  const select = (name, label, values) => field(label, el("select", {
    value: asked[name], "data-test": `mapping-${name}`, on: { change: (input) => { asked[name] = input.target.value; changed(); } },
  }, values.map(([value, shown]) => el("option", { key: value, value }, shown))));
  const list = (id, values) => el("datalist", { id }, (values ?? []).map((value) => el("option", { key: value, value })));
  return el("form", { class: "filters", on: { submit: (submit) => { submit.preventDefault(); explain.now(); } } },
    text("source", "Code source", { list: "sources", "data-filter": "", placeholder: "nmi, stripe …" }), list("sources", options?.sources),
    text("code", "Response code"), text("text", "Response text"), text("networkCode", "Network's code"), text("advice", "Merchant advice code"),
    select("crmClass", "The CRM's own class", [["", "none"], ["soft", "soft"], ["hard", "hard"]]),
    text("merchant", "Merchant", { list: "merchants" }), list("merchants", options?.merchants ?? desk.session?.merchants),
    text("gateway", "Gateway that declined"),
    select("orderType", "Order type", (options?.orderTypes ?? ["new_sale", "recurring"]).map((type) => [type, type.replaceAll("_", " ")])));
}

const eventBox = () => field("Decline event (JSON)", el("textarea", {
  class: "code", rows: "16", ...exact, value: event, "data-test": "mapping-event", "data-filter": "",
  on: { input: (input) => { event = input.target.value; changed(); } },
}), { class: "field tall" });

// What nobody decided, or only a text: most frequent first, with the rule that would decide it.
function gapsCard() {
  if (!gaps) return null;
  return card("Unknown, and decided by their text only: the last 30 days", { "data-test": "mapping-gaps" },
    gaps.length === 0 ? empty("Nothing.", "Every decline was decided by more than its text.") :
      table("Declines that nobody decided, or only their text", [["Declines"], ["Merchant"], ["Source"], ["Code"], ["Text"], ["Decided by"], ["A rule to paste"]],
        gaps.map((gap, index) => ({ key: String(index), cells: [
          String(gap.count), foreign(gap.merchantId ?? ""), foreign(gap.source), foreign(gap.code), gap.text ? foreign(gap.text) : el("span", { class: "muted" }, "not kept"),
          [pill(gap.class === "soft" ? "good" : "bad", gap.class), " ", code(gap.rule)], code(gap.paste),
        ] }))));
}

function answerView({ class: decided, rule, why, insufficientFunds, confidence, route, steps }) {
  return el("div", { class: busy ? "stale" : "" },
    el("p", { class: "verdict" }, pill(decided === "soft" ? "good" : "bad", decided, "mapping-class"), el("span", { "data-test": "mapping-why" }, foreign(why))),
    el("dl", { class: "facts-list" },
      el("dt", null, "Rule"), el("dd", { "data-test": "mapping-rule" }, code(rule)),
      confidence && [el("dt", null, "Confidence"), el("dd", null, confidence)],
      insufficientFunds && [el("dt", null, "Funds"), el("dd", null, "Counts as insufficient funds: a cascade profile leaves it out.")],
      el("dt", null, "Route"), el("dd", { "data-test": "mapping-route" }, route ? [code(route.word), " ", foreign(route.detail)]
        : el("span", { class: "muted" }, "Not known from a code alone: paste a whole event to see it."))),
    el("h3", null, "Asked in this order"), stepList(steps));
}
