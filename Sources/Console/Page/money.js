// What was earned: what FlexFactor took and what went back, what was not offered to it and why. The server counts; `salvage report` says the same.
import { el, foreign, save } from "./dom.js";
import { get, query } from "./api.js";
import { bar, button, card, desk, empty, field, problemBox, redraw, table } from "./desk.js";
import { code, count, localTime, money, plural, rate } from "./words.js";

const groups = [
  ["month", "Month"], ["day", "Day"], ["merchant", "Merchant"], ["gateway", "FlexFactor gateway"], ["declined-gateway", "Gateway that declined"],
  ["code", "Decline code"], ["rule", "Rule"], ["brand", "Brand"], ["campaign", "Campaign"], ["trigger", "Trigger"], ["route", "Cascade or retry"],
];
const spans = [["1", "Today"], ["7", "7 days"], ["30", "30 days"], ["90", "90 days"], ["month", "This month"], ["before", "Last month"], ["own", "From … to"]];
const start = { span: "30", from: "", through: "", by: "day", merchant: "", currency: "" };
let asked = { ...start }, answer = null, byDay = null, problem = null, loading = false, turn = 0, answered = "";

const monthOf = (offset) => {
  const today = new Date(), first = new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + offset, 1));
  return first.toISOString().slice(0, 7);
};
function words(by) {
  const { span, from, through, merchant, currency } = asked;
  const time = span === "month" ? { month: monthOf(0) } : span === "before" ? { month: monthOf(-1) } : span === "own" ? { from, through } : { days: span };
  return query({ ...time, by, merchant, currency });
}

async function load() {
  const mine = ++turn;
  loading = true;
  redraw();
  try {
    const found = await get("/api/money" + words(asked.by));
    const daily = asked.by === "day" ? found : await get("/api/money" + words("day"));
    if (mine !== turn) return;
    [answer, byDay, problem, answered] = [found, daily, null, asked.by];
  } catch (found) {
    if (mine !== turn) return;
    problem = found;
  }
  loading = false;
  redraw();
}

/** The question stands in the address, so that it can be kept and sent to somebody. */
function ask(change) {
  asked = { ...asked, ...change };
  const kept = Object.fromEntries(Object.entries(asked).filter(([name, value]) => value !== start[name]));
  history.replaceState(history.state, "", "#/money" + query(kept));
  if (asked.span !== "own" || asked.from) load();
  else redraw();
}

async function download() {
  try {
    const { csv } = await get("/api/money" + words(asked.by) + "&format=csv");
    save(`salvage-money-${answer.from}-${answer.through}-by-${asked.by}.csv`, csv, "text/csv");
  } catch (found) {
    problem = found;
    redraw();
  }
}

export const moneyPage = {
  title: () => "Money",
  enter(route) {
    asked = { ...start, ...Object.fromEntries([...route.query].filter(([name]) => name in start)) };
    load();
  },
  // An answer may have the broker's whole journal read: who asks again by itself would keep it at that.
  retry() { if (problem?.status === 0 && !loading && !answer) load(); },
  leave() { turn += 1; loading = false; },
  keys: {},
  view: () => [
    el("h1", null, "Money"), question(), problemBox(problem),
    answer ? [unready(), head(), charts(), rows(), reasons(), unknownCodes(), figures()] : loading && el("p", { class: "muted" }, "Asking the server …"),
  ],
};

const choice = (label, name, test, options, extra = {}) => field(label, el("select", {
  value: asked[name], "data-test": test, ...extra, on: { change: (event) => ask({ [name]: event.target.value }) },
}, options.map(([value, text]) => el("option", { key: value, value }, text))));
const date = (label, name) => field(label, el("input", { type: "date", value: asked[name], "data-test": `money-${name}`,
  on: { change: (event) => ask({ [name]: event.target.value }) } }));

function question() {
  const merchants = [...new Set([...(desk.session?.merchants ?? []), asked.merchant].filter(Boolean))];
  const currencies = [...new Set([...(answer?.totals ?? []).map(({ currency }) => currency), asked.currency].filter(Boolean))];
  return el("form", { class: "filters", role: "search", on: { submit: (event) => event.preventDefault() } },
    choice("Time, days in UTC", "span", "money-span", spans),
    asked.span === "own" && [date("From", "from"), date("To", "through")],
    choice("Rows by", "by", "money-by", groups),
    choice("Merchant", "merchant", "money-merchant", [["", "all"], ...merchants.map((id) => [id, id])]),
    choice("Currency", "currency", "money-currency", [["", "all"], ...currencies.map((id) => [id, id])]),
    el("div", { class: "buttons" }, button("Download as CSV", "money-csv", download, { disabled: !answer })));
}

const unready = () => !answer.complete && el("div", { class: "callout warn", role: "status" },
  el("p", null, el("strong", null, "The journal is still being read, or the broker is away."), " Figures are those of the time named above, and too low for what is not read yet."));

// ---- The sums, a card for each currency

const amount = (units, currency) => (currency ? money(units, currency) : "–");
/** What is not known of all sales is no amount. */
const kept = (units, currency) => (units === undefined ? "–" : amount(units, currency));
const within = (seconds) => (seconds === undefined ? "–" : seconds < 60 ? `${seconds} s` : seconds < 3600 ? `${seconds / 60} min`
  : seconds < 86400 ? `${seconds / 3600} h` : `${seconds / 86400} d`);
const fact = (name, value) => [el("dt", { key: "t" + name, title: answer.figures[name] }, titles[name]), el("dd", { key: "d" + name, class: "number", "data-test": `money-${name}` }, value)];
const titles = { sales: "Sales", gross: "Gross", refunded: "Refunded", charged_back: "Charged back", net: "Net", fee: "FlexFactor's fee", gain: "Gain", declines: "Declines", offered: "Offered",
  not_offered: "Not offered", recovered: "Recovered of these", open: "Still open", rate: "Rate", times: "Half told within" };

function head() {
  const time = el("p", { class: "muted", "data-test": "money-time" }, answer.from === answer.through ? answer.from : `${answer.from} to ${answer.through}`, " (UTC)",
    answer.newestRecord && (answer.complete ? `, by the journal from ${localTime(answer.oldestRecord)} until ${localTime(answer.newestRecord)}`
      : `, as far as the journal from ${localTime(answer.oldestRecord)} until ${localTime(answer.newestRecord)} says`), loading && " · asking …");
  if (answer.totals.length === 0) return [time, empty("Nothing was declined and nothing was told in this time.", "Choose a longer one, or look whether the CRM publishes.")];
  return [time, el("div", { class: "sums" }, answer.totals.map((total) => sumsOf(total))),
    answer.feeNote && el("p", { class: answer.fees ? "warn-text" : "muted", "data-test": "money-fee-note" }, foreign(answer.feeNote))];
}

function sumsOf({ currency, ...sums }) {
  const said = (part) => [count(part.count), el("span", { class: "muted nowrap" }, ` · ${amount(part.minorUnits, currency)}`)];
  return el("section", { class: "card", key: currency ?? "", "data-test": "money-total", "data-id": currency ?? "" },
    el("h2", null, currency ? `Net, ${currency}` : "Without an amount"),
    el("p", { class: "sum-of-money", "data-test": "money-net" }, amount(sums.net, currency)),
    el("div", { class: "columns even" },
      el("dl", { class: "figures" }, fact("gross", [amount(sums.gross, currency), el("span", { class: "muted nowrap" }, ` · ${plural(sums.sales, "sale")}`)]),
        fact("refunded", said(sums.refunded)), fact("charged_back", said(sums.charged_back)),
        answer.fees && [fact("fee", kept(sums.fee, currency)), fact("gain", el("strong", null, kept(sums.gain, currency)))], fact("times", within(sums.half_within))),
      el("dl", { class: "figures" }, fact("declines", said(sums.declines)), fact("offered", said(sums.offered)), fact("not_offered", said(sums.not_offered)),
        fact("recovered", said(sums.recovered)), sums.open.count > 0 && fact("open", said(sums.open)),
        fact("rate", el("strong", null, rate(sums.recovered.count, sums.offered.count))))),
    sums.unpriced > 0 && el("p", { class: "warn-text" }, `Of ${plural(sums.unpriced, "sale")} nobody told the amount; ${sums.unpriced === 1 ? "it is" : "they are"} in no sum.`));
}

// ---- By day, drawn

const height = 90, slot = 12;

function charts() {
  // A single day is said by its number.
  return byDay.totals.filter(({ currency, gross }) => currency && gross > 0).map(({ currency }) => ({ currency, days: byDay.rows.filter((row) => row.currency === currency) }))
    .filter(({ days }) => days.length > 1).map(({ currency, days }) => card(`Told by day, ${currency}`, { key: currency, "data-test": "money-chart" },
      el("p", { class: "muted" }, "Up from the line: sales. Down from it, hollow: refunds and chargebacks."), chart(currency, days)));
}

function chart(currency, rows) {
  const found = new Map(rows.map((row) => [row.day, row])), days = [];
  for (let at = Date.parse(byDay.from), end = Date.parse(byDay.through); at <= end && days.length < 400; at += 86_400_000) days.push(new Date(at).toISOString().slice(0, 10));
  const backOf = (row) => (row ? row.refunded.minorUnits + row.charged_back.minorUnits : 0);
  const up = Math.max(1, ...rows.map(({ gross }) => gross)), down = Math.max(0, ...rows.map(backOf));
  const scale = (height - 6) / (up + down), line = up * scale + 2;
  const best = rows.reduce((most, row) => (row.gross > most.gross ? row : most), rows[0]);
  const said = `Sales by day in ${currency}, ${byDay.from} to ${byDay.through}; most on ${best.day}: ${money(best.gross, currency)}. The table has every day.`;
  return el("div", { class: "daily" },
    el("svg", { viewBox: `0 0 ${days.length * slot} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": said },
      days.map((day, index) => {
        const row = found.get(day), tall = (row?.gross ?? 0) * scale, back = backOf(row) * scale, x = String(index * slot + 1), width = String(slot - 3);
        return el("g", { key: day },
          tall > 0 && el("rect", { x, width, y: String(line - Math.max(tall, 1)), height: String(Math.max(tall, 1)) }),
          back > 0 && el("rect", { class: "back", x, width, y: String(line), height: String(Math.max(back, 1)) }),
          el("rect", { class: "touch", x: String(index * slot), width: String(slot), y: "0", height: String(height) },
            el("title", null, `${day}: ${money(row?.gross ?? 0, currency)} by ${plural(row?.sales ?? 0, "sale")}${backOf(row) ? `, back ${money(backOf(row), currency)}` : ""}`)));
      }),
      el("line", { x1: "0", x2: String(days.length * slot), y1: String(line), y2: String(line) })),
    el("p", { class: "ends muted" }, el("span", null, byDay.from), el("span", null, `most: ${money(best.gross, currency)} on ${best.day}`), el("span", null, byDay.through)));
}

// ---- By what was asked for

function rows() {
  const label = groups.find(([name]) => name === answered)?.[1] ?? answered;
  if (answer.rows.length === 0) return null;
  // Amounts of two currencies are not to be compared.
  const most = new Map();
  for (const { currency, gross } of answer.rows) most.set(currency, Math.max(1, gross, most.get(currency) ?? 0));
  return card(`By ${label.toLowerCase().replace("flexfactor", "FlexFactor")}`, { "data-test": "money-rows" },
    answer.rowCount > answer.rows.length && el("p", { class: "warn-text" }, `The first ${count(answer.rows.length)} of ${count(answer.rowCount)} rows; the CSV file has all.`),
    table(`Money by ${label}`, [[label], ["Declines", "number"], ["Offered", "number"], ["Recovered", "number"], ["Rate", "number"], ["Sales", "number"],
      ["Gross", "number"], ["Back", "number"], ["Net", "number"], ...(answer.fees ? [["Fee", "number"], ["Gain", "number"]] : [])],
    answer.rows.map((row) => ({ key: row[answered] + row.currency, "data-test": "money-row", cells: [
      [nameOf(row[answered]), bar(row.gross / most.get(row.currency))], count(row.declines.count), count(row.offered.count), count(row.recovered.count),
      rate(row.recovered.count, row.offered.count), count(row.sales), amount(row.gross, row.currency),
      amount(row.refunded.minorUnits + row.charged_back.minorUnits, row.currency), el("strong", null, amount(row.net, row.currency)),
      ...(answer.fees ? [kept(row.fee, row.currency), el("strong", null, kept(row.gain, row.currency))] : [])] })), { class: "money-table" }));
}

const nameOf = (word) => (word === "" ? el("span", { class: "muted" }, "not known")
  : answered === "code" ? el("a", { href: `#/mapping${query({ source: word.split("/")[0], code: word.split("/").slice(1).join("/") })}` }, code(word)) : foreign(word));

// ---- What was not offered

function reasons() {
  if (answer.notOffered.length === 0) return null;
  const all = answer.totals.reduce((sum, { declines }) => sum + declines.count, 0);
  return card("Not offered, and why", { "data-test": "money-reasons" },
    table("Not offered, and why", [["Reason"], ["Declines", "number"], ["Of all", "number"], ["Amount", "number"]],
      answer.notOffered.map(({ reason, sentence, currency, count: number, minorUnits }) => ({ key: reason + currency, cells: [
        [code(reason), el("br"), el("small", { class: "muted" }, foreign(sentence))], count(number), rate(number, all), amount(minorUnits, currency)] })), { class: "reasons" }));
}

function unknownCodes() {
  if (answer.unknownCodes.length === 0) return null;
  return card("What the unknown codes cost", { "data-test": "money-unknown" },
    el("p", null, "Nobody has said whether these codes are soft or hard, so the declines were not offered. ", el("a", { href: "#/mapping" }, "Map them"), ".",
      answer.unknownEstimates.map(({ currency, minorUnits }) => el("span", { key: currency }, " Recovered like the offered ones they would have brought in about ",
        el("strong", null, money(minorUnits, currency)), ": an estimate."))),
    table("Unknown codes", [["Code"], ["Declines", "number"], ["Amount", "number"]], answer.unknownCodes.slice(0, 20).map(({ code: word, currency, count: number, minorUnits }) => ({
      key: word + currency, cells: [code(word), count(number), amount(minorUnits, currency)] }))));
}

const figures = () => el("details", { "data-test": "money-figures" }, el("summary", null, "What each figure counts"),
  el("dl", { class: "facts-list" }, Object.entries(titles).map(([name, title]) => [el("dt", { key: "t" + name }, title), el("dd", { key: "d" + name }, answer.figures[name])])));
