// The only door to the document. Letters hold text that strangers wrote, so nothing here ever parses markup: elements come from
// createElement, text from text nodes, attributes from a list of names. `el` describes, `render` makes the document match the
// description in place, so that focus, scroll, open details and half-typed text outlive every poll.

const svgTags = new Set(["svg", "g", "rect", "line", "title"]);
const tags = new Set([...svgTags, ...`a article bdi br button caption code datalist dd del details div dl dt fieldset form h1 h2 h3 header
  input ins kbd label legend li nav ol option p pre progress section select small span strong summary table tbody td textarea th thead
  time tr ul`.split(/\s+/)]);
const attributeNames = new Set(`class id for name type href title role tabindex colspan scope placeholder rows autocomplete spellcheck
  autocapitalize inputmode min max step list datetime viewBox x y x1 x2 y1 y2 rx width height preserveAspectRatio data-test data-id
  data-item data-row data-label data-filter data-state aria-label aria-labelledby aria-describedby aria-current aria-pressed aria-busy
  aria-invalid aria-hidden aria-required`.split(/\s+/));
const readByPeople = new Set(["title", "placeholder", "aria-label", "data-label"]);
const properties = new Set(["value", "checked", "indeterminate", "disabled", "hidden", "readOnly", "open"]);

// What cannot be seen, or changes the order in which its neighbours are read. Line ends and tabs are layout and stay.
const unseen = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u115F\u1160\u3164\uFFA0]/gu;
const nameOf = (character) => "U+" + character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");

/** The text with every unseen character as ‹U+XXXX›. */
export const visible = (text) => String(text).replace(unseen, (character) => `‹${nameOf(character)}›`);

/** JSON text with unseen characters as \u escapes: the same JSON, but an editor cannot hide anything in it. */
export const visibleJSON = (text) => text.replace(unseen, (character) => (character === "\r" ? character
  : [...Array(character.length).keys()].map((unit) => "\\u" + character.charCodeAt(unit).toString(16).padStart(4, "0")).join("")));

/** Describes an element. `on` holds its listeners, `style` single properties, `key` its identity among its siblings. */
export function el(tag, attributes, ...children) {
  if (!tags.has(tag)) throw new TypeError(`el: <${tag}> is not among the elements used here`);
  const described = attributes ?? {};
  for (const name of Object.keys(described)) {
    if (!attributeNames.has(name) && !properties.has(name) && !["on", "style", "key", "mounted"].includes(name)) {
      throw new TypeError(`el: the attribute ${name} is not among those used here`);
    }
  }
  if (described.href !== undefined && !described.href.startsWith("#")) throw new TypeError("el: links stay inside the page");
  return { tag, attributes: described, key: "", children: collect(children, "", []) };
}

// A child without a key is known by its place; a hole keeps its place, so that what comes after it stays the same element.
function collect(children, path, into) {
  children.forEach((child, index) => {
    const place = path + index;
    if (child === null || child === undefined || child === false || child === "") return;
    if (Array.isArray(child)) collect(child, place + ".", into);
    else if (typeof child === "object") {
      const key = child.attributes.key;
      into.push({ ...child, key: key === undefined ? place : "key:" + key });
    } else collectText(String(child), place, into);
  });
  return into;
}

function collectText(text, place, into) {
  let end = 0, piece = 0;
  for (const found of text.matchAll(unseen)) {
    if (found.index > end) into.push({ text: text.slice(end, found.index), key: `${place}.t${piece++}` });
    const attributes = { class: "mark", title: "a character that cannot be seen" };
    into.push({ tag: "span", attributes, key: `${place}.t${piece++}`, children: [{ text: `‹${nameOf(found[0])}›`, key: "0" }] });
    end = found.index + found[0].length;
  }
  if (end < text.length) into.push({ text: text.slice(end), key: end === 0 ? place : `${place}.t${piece}` });
}

/** Makes the children of `root` match the descriptions, keeping every element that is still wanted. */
export function render(root, ...content) {
  const focused = document.activeElement;
  reconcile(root, collect(content, "", []));
  if (focused !== document.activeElement && focused?.isConnected && root.contains(focused)) focused.focus({ preventScroll: true });
  for (const [mounted, node] of fresh.splice(0)) mounted(node);
}

// Made and not announced yet: nothing can take the focus before it stands in the document.
const fresh = [];

const made = new WeakMap();
const listeners = new WeakMap();
const hear = (event) => listeners.get(event.currentTarget)?.[event.type]?.(event);

function reconcile(parent, wanted) {
  const before = new Map();
  for (const node of parent.childNodes) if (made.has(node)) before.set(made.get(node).key, node);
  const nodes = wanted.map((description) => {
    const node = before.get(description.key);
    if (!node || made.get(node).tag !== description.tag) return create(description);
    before.delete(description.key);
    update(node, description);
    return node;
  });
  const kept = new Set(nodes);
  for (const node of [...parent.childNodes]) if (!kept.has(node)) node.remove();
  let place = parent.firstChild;
  for (const node of nodes) {
    if (node === place) place = place.nextSibling;
    else parent.insertBefore(node, place);
  }
}

function create(description) {
  if (description.tag === undefined) {
    const node = document.createTextNode(description.text);
    made.set(node, description);
    return node;
  }
  const node = svgTags.has(description.tag) ? document.createElementNS("http://www.w3.org/2000/svg", description.tag)
    : document.createElement(description.tag);
  made.set(node, { ...description, attributes: {}, children: [] });
  update(node, description);
  if (description.attributes.mounted) fresh.push([description.attributes.mounted, node]);
  return node;
}

function update(node, description) {
  const before = made.get(node);
  made.set(node, description);
  if (description.tag === undefined) {
    if (before.text !== description.text) node.data = description.text;
    return;
  }
  const { attributes } = description;
  for (const name of Object.keys(before.attributes)) {
    if (attributes[name] === undefined && attributeNames.has(name)) node.removeAttribute(name);
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (!attributeNames.has(name) || value === undefined || before.attributes[name] === value) continue;
    node.setAttribute(name, readByPeople.has(name) ? visible(value) : String(value));
  }
  for (const [name, value] of Object.entries(attributes.style ?? {})) node.style.setProperty(name, value);
  if (attributes.on) {
    listeners.set(node, attributes.on);
    for (const type of Object.keys(attributes.on)) node.addEventListener(type, hear);
  }
  reconcile(node, description.children);
  // After the children: a select takes its value only when it has its options. `open` belongs to the person once it was set.
  for (const [name, value] of Object.entries(attributes)) {
    if (!properties.has(name) || value === undefined) continue;
    // A bar without the attribute runs on as if nothing were known of its end, and its property is 0 all the same.
    if (node.tagName === "PROGRESS") { node.setAttribute(name, String(value)); continue; }
    if (name === "open" ? before.attributes.open !== value : node[name] !== value) node[name] = value;
  }
}

/** Gives the person a file. */
export function save(name, text, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Text of strangers inside a sentence of ours: kept from turning the sentence around. */
export const foreign = (text) => el("bdi", null, text);

/** Text of strangers that may be endless: its beginning, and the rest on demand. */
export function lengthy(text, limit = 600) {
  const whole = String(text ?? "");
  if (whole.length <= limit) return foreign(whole);
  const characters = whole.length.toLocaleString("en");
  return el("details", { class: "lengthy" },
    el("summary", null, foreign(whole.slice(0, limit)), el("span", { class: "more" }, ` … all ${characters} characters`)),
    el("div", null, foreign(whole.slice(limit))));
}
