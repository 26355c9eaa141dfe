// The frame around the pages: who is signed in, which page the address names, the header, and the overview's poll that feeds them all.
import { el, foreign, render, visible } from "./dom.js";
import { access, get, link, part, Poll, Problem } from "./api.js";
import { desk, drawWith, problemBox, redraw, toHeading } from "./desk.js";
import { count, localTime, now, plural, setClock, span, switchZone, zoneName } from "./words.js";
import { listenToKeys, showHelp } from "./keyboard.js";
import { closeDialog, dialogIsOpen, drawDialog } from "./dialog.js";
import { alarmOf, isIdle, overviewPage } from "./overview.js";
import { lettersPage } from "./letters.js";
import { letterPage } from "./letter.js";
import { runsPage } from "./runs.js";
import { recoveriesPage } from "./recoveries.js";
import { mappingPage } from "./mapping.js";
import { moneyPage } from "./money.js";
import { pausesPage } from "./pauses.js";

const main = document.getElementById("page"), header = document.getElementById("header");
const places = [
  { name: "", label: "Overview", test: "nav-overview" },
  { name: "letters", label: "Dead letters", test: "nav-letters" },
  { name: "runs", label: "Runs", test: "nav-runs" },
  { name: "recoveries", label: "Recoveries", test: "nav-recoveries" },
  { name: "money", label: "Money", test: "nav-money" },
  { name: "mapping", label: "Mapping", test: "nav-mapping" },
  { name: "pauses", label: "Pauses", test: "nav-pauses" },
];
let page = null, refused = false, sessionProblem = null, draft = "", wrongToken = false;

// ---- Which page

function routeOfAddress() {
  const [path, asked = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name = "", id] = path.split("/");
  let known = id;
  try { known = id && decodeURIComponent(id); } catch { /* a broken link: the server will say that there is no such id */ }
  return { name, id: known, query: new URLSearchParams(asked) };
}
function pageOf(route) {
  switch (route.name) {
    case "letters": return route.id ? letterPage : lettersPage;
    case "runs": return runsPage;
    case "recoveries": return recoveriesPage;
    case "mapping": return mappingPage;
    case "money": return moneyPage;
    case "pauses": return pausesPage;
    default: return overviewPage;
  }
}

// Each entry of the history remembers how far it was scrolled, so that "back" leads to the row one came from.
const scrolls = new Map();
let entry = 0, entries = 0;
history.scrollRestoration = "manual";
addEventListener("scroll", () => { scrolls.set(entry, scrollY); }, { passive: true });

function arrive() {
  const route = routeOfAddress();
  const returned = history.state?.entry;
  entry = returned ?? ++entries;
  entries = Math.max(entries, entry);
  const scroll = returned === undefined ? 0 : scrolls.get(entry) ?? 0;
  if (returned === undefined) history.replaceState({ entry }, "");
  const next = pageOf(route);
  if (page && page !== next) page.leave();
  const changed = page !== next || route.id !== undefined;
  const previous = page;
  page = next;
  page.enter(route, previous);
  overviewPoll.now();
  draw();
  const landing = previous === letterPage && page.landing?.();
  if (landing) landing.focus({ preventScroll: true });
  else if (changed) toHeading();
  const settle = () => (landing && scroll === 0 ? landing.scrollIntoView({ block: "center" }) : scrollTo(0, scroll));
  settle();
  queueMicrotask(settle);
}

// ---- Drawing

function draw() {
  if (refused) {
    render(header, brand(), el("span", { class: "grow" }), connection());
    render(main, signIn());
    document.title = "Sign in · Salvage";
    return;
  }
  render(header, brand(), navigation(), el("span", { class: "grow" }), acting(), proposed(), paused(), wrong(), connection(), person());
  if (!desk.session) {
    render(main, sessionProblem ? problemBox(sessionProblem) : el("p", { class: "muted" }, "Asking the server …"));
    return;
  }
  render(main, staleness(), page.view(), imprint());
  drawDialog();
  const todo = toDo();
  document.title = visible(`${todo ? `(${count(todo)}) ` : ""}${page.title()} · Salvage`);
}

const toDo = () => (desk.overview ? desk.overview.letters.open + desk.overview.letters.failed_again : 0);
const brand = () => el("a", { class: "brand", href: "#/", "data-test": "brand" }, "Salvage");

function navigation() {
  const here = routeOfAddress().name;
  return el("nav", { "aria-label": "Pages" }, places.map(({ name, label, test }) => el("a", {
    href: `#/${name}`, "data-test": test, "aria-current": here === name ? "page" : undefined,
  }, label, name === "letters" && toDo() > 0 && [
    el("span", { class: "unseen" }, ", "), el("span", { class: "badge", title: "dead letters to do", "data-test": "nav-letters-count" }, count(toDo())),
    el("span", { class: "unseen" }, " to do")])));
}

function connection() {
  const silence = link.seenAt === null ? null : Date.now() - link.seenAt;
  const seen = silence === null ? "never reached" : `last seen ${span(silence)} ago`;
  const late = silence !== null && silence > 30_000;
  const old = desk.overviewProblem && `${desk.overviewProblem.status === 503 ? "the broker cannot be reached" : "the overview cannot be had"}`
    + (desk.overview ? `, numbers from ${localTime(desk.overview.at)}` : "");
  const idle = desk.overview && isIdle(desk.overview), blocked = desk.overview && alarmOf(desk.overview);
  const tone = link.problem || old || idle || blocked ? "bad" : late ? "warn" : "good";
  const text = link.problem ? `cannot be reached, ${seen}` : old ? old : silence === null ? "connecting …" : late ? seen : blocked ? "the broker takes no messages" : idle ? "no worker runs" : "live";
  return el("span", { class: `connection ${tone}`, "data-test": "connection", title: `The server was ${seen}.` }, text);
}

const doings = { replay: "replays letters", reconcile: "reconciles letters", discard: "discards letters", restore: "restores letters", resolve: "resolves letters" };

// One person acts at a time: whoever is about to press a button sees it on every page.
function acting() {
  const at = !link.problem && desk.overview?.acting;
  if (!at) return null;
  const said = [at.by ? foreign(at.by) : "somebody", " ", doings[at.action] ?? "acts on dead letters"];
  return at.run ? el("a", { class: "pill busy", href: `#/runs/${part(at.run)}`, "data-test": "acting" }, said)
    : el("span", { class: "pill busy", "data-test": "acting", title: "One person acts at a time. Who it is shows when the first letter is done." }, said);
}

// Somebody else waits for a second person.
function proposed() {
  const number = (!link.problem && desk.overview?.proposals) || 0;
  return number > 0 && el("a", { class: "pill warn", href: "#/runs", "data-test": "proposed" }, plural(number, "correction waits", "corrections wait"), " for approval");
}

// What `salvage status` says as well.
function wrong() {
  const all = (!link.problem && desk.overview?.faults) || [];
  return all.length > 0 && el("a", { class: "pill bad", href: "#/", "data-test": "wrong", title: visible(all.map(({ what, advice }) => `${what} ${advice}`).join("\n")) },
    plural(all.length, "thing is wrong", "things are wrong"));
}

// Whoever wonders why nothing happens sees it on every page.
function paused() {
  const all = (!link.problem && desk.overview?.pauses) || [];
  if (all.length === 0) return null;
  const title = all.map(({ target, by, why, until }) => `${target}: by ${by}, until ${localTime(until)}, ${why}`).join("\n");
  return el("a", { class: "pill warn", href: "#/pauses", "data-test": "paused", title: visible(title) },
    all.length === 1 ? ["paused: ", foreign(all[0].target)] : `${count(all.length)} paused`);
}

function staleness() {
  if (!link.problem) return problemBox(desk.overviewProblem, "stale");
  return el("div", { class: "callout warn", role: "alert", "data-test": "stale" }, el("p", null,
    el("strong", null, "The server cannot be reached."), " What you see is old. What you typed is kept; the page keeps trying."));
}

function person() {
  const { session } = desk;
  if (!session) return null;
  const version = el("span", { class: "muted", "data-test": "version" }, `v${session.version}`);
  return el("span", { class: "person" },
    session.open
      ? el("span", { class: "pill warn", "data-test": "open-access",
        title: "No access is configured: whoever uses this machine may do everything. Others cannot reach the console." }, "open access")
      : el("span", { "data-test": "person" }, foreign(session.name), el("span", { class: "muted" }, ` ${session.role}`)),
    version, zone(),
    el("button", { type: "button", class: "quiet", "data-test": "help", "aria-label": "Help and shortcuts", on: { click: showHelp } }, "?"),
    !session.open && el("button", { type: "button", class: "quiet", "data-test": "sign-out", on: { click: signOut } }, "Sign out"));
}

const zone = () => el("button", { type: "button", class: "quiet", "data-test": "zone", "aria-label": `Times in ${zoneName()}: show the other zone`, title: "In which zone times are shown; press for the other. Days of money are UTC always.",
  on: { click: () => { switchZone(); redraw(); } } }, zoneName());

/** What a printed page has to say of itself. */
const imprint = () => el("p", { class: "print-only", "data-test": "imprint" }, `Salvage, ${location.host}, ${page.title()}, printed ${localTime(now())}, times in ${zoneName()}`);

// ---- Signing in

function signIn() {
  return el("section", { class: "card sign-in" },
    el("h1", null, "Sign in"),
    el("p", null, "Every operator has a token of their own. It stands in the configuration under ", el("code", null, "console.access"),
      ", with a name and a role; ask whoever runs the fleet for yours. It is kept in this tab only and forgotten when the tab closes."),
    wrongToken && el("div", { class: "callout bad", role: "alert", "data-test": "problem" }, el("p", null,
      el("strong", null, "The server does not know this token."), " Copy it again, without spaces or quotes, or ask for a new one.")),
    el("form", { on: { submit: tryToken } },
      el("label", { class: "field" }, el("span", null, "Token"), el("input", {
        type: "password", name: "token", autocomplete: "off", autocapitalize: "off", spellcheck: "false", value: draft, "data-test": "token",
        on: { input: (event) => { draft = event.target.value; } }, mounted: (node) => node.focus(),
      })),
      el("button", { type: "submit", class: "main", "data-test": "sign-in" }, "Sign in")));
}

async function tryToken(event) {
  event.preventDefault();
  if (!draft.trim()) return;
  access.use(draft.trim());
  refused = false;
  await openSession();
  if (refused) return redraw();
  draft = "";
  wrongToken = false;
}

function signOut() {
  access.forget();
  desk.session = null;
  desk.overview = null;
  page?.leave();
  page = null;
  refused = true;
  overviewPoll.stop();
  // Letters hold people's data: nothing of them stays behind for the next person at this desk.
  location.reload();
}

// The page beneath is left as it is, so that a token which expired in the middle of an edit costs nothing.
link.onRefused = () => {
  wrongToken = access.known;
  refused = true;
  overviewPoll.stop();
  // Over the sign-in it would be a door without a handle; what was typed into it is kept.
  closeDialog();
  redraw();
};

async function openSession() {
  try {
    const session = await get("/api/session");
    if (desk.session && desk.session.name !== session.name) return location.reload();
    desk.session = session;
    sessionProblem = desk.overviewProblem = null;
    overviewPoll.start();
    if (page) redraw();
    else arrive();
  } catch (problem) {
    sessionProblem = problem;
    redraw();
    if (problem.status !== 401) setTimeout(openSession, 3000);
  }
}

// Every page needs to know whether the server lives and how many letters wait; only the overview needs it every other second.
const overviewPoll = new Poll(async () => {
  try {
    const overview = await get("/api/overview");
    setClock(overview.at);
    desk.overview = overview;
    desk.overviewProblem = null;
    page?.retry?.();
  } catch (problem) {
    desk.overviewProblem = problem;
    throw problem;
  } finally {
    redraw();
  }
}, () => (page === overviewPage ? 2000 : 5000));

drawWith(draw);
desk.acted = () => overviewPoll.now();
addEventListener("hashchange", () => { if (desk.session && !refused) arrive(); });
document.getElementById("skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
listenToKeys(() => (refused || dialogIsOpen() ? null : page?.keys ?? {}));
// Ages grow while nothing else happens.
setInterval(() => { if (!document.hidden) redraw(); }, 1000);
addEventListener("unhandledrejection", (event) => { if (event.reason instanceof Problem) event.preventDefault(); });
openSession();
