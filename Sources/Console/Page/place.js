// Finds where in a JSON text something stands, so that a fault leads to its place.

const tokensOf = (path) => (path.startsWith("/") ? path.split("/").slice(1).map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"))
  : [...path.matchAll(/\.([^.[\]]+)|\[(\d+)\]/g)].map(([, name, index]) => name ?? index));

/** Where the value of a path begins and ends, as "/data/amount" or "$.data.amount"; of what is missing, where it would have to be. */
export function placeOf(text, path) {
  const lexemes = [...text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)].map((found) => ({ text: found[0], start: found.index }));
  const is = (at, mark) => lexemes[at]?.text === mark;

  // The index behind the value that begins here.
  function skip(at) {
    let depth = 0;
    do {
      if (is(at, "{") || is(at, "[")) depth += 1;
      else if (is(at, "}") || is(at, "]")) depth -= 1;
      at += 1;
    } while (depth > 0 && at < lexemes.length);
    return at;
  }

  function find(at, [wanted, ...rest]) {
    if (wanted === undefined) return at;
    const isList = is(at, "[");
    if (!isList && !is(at, "{")) return at;
    let member = at + 1;
    for (let index = 0; member < lexemes.length && !is(member, "}") && !is(member, "]"); index += 1) {
      const value = isList ? member : member + 2;
      if (isList ? String(index) === wanted : lexemes[member].text === JSON.stringify(wanted)) return find(value, rest);
      member = skip(value);
      if (is(member, ",")) member += 1;
    }
    return at;
  }

  const { start = 0, text: found = "" } = lexemes[find(0, tokensOf(path))] ?? {};
  return { start, end: start + found.length };
}
