// Shows the steps of a scenario: YAML beside what came of it, and below what went over the wire.

function stepSection(step, next, context) {
  const { id, label, title, action, verdict, time, span, depth = 0, failures = [] } = step;
  const bad = failures.length > 0;
  const lines = linesOf(context.texts.get(span[0]) || "", span, next?.span);
  return h(`section.step.depth-${depth}${bad ? ".bad" : ""}`, { "data-step": id },
    h("header", {},
      badge(verdict),
      h("h3", {}, h("a.number", { href: context.address(id), title: "Link to this step" }, label),
        " ", title),
      h("span.action", {}, action),
      h("span.time", { title: "when it began, and how long it took" }, time)),
    h("div.pair", {}, lines.length ? yaml(lines, step.marks || []) : null, result(step)),
    step.wire ? timeline(step.wire, step.counts, bad) : null);
}

function result({ summary = "", note = "", failures = [], attempts = [] }) {
  const parts = [
    summary ? h("p.summary", {}, summary) : null,
    note ? h("p.soft", {}, note) : null,
    ...failures.map((failure) => failureBlock(failure)),
    attemptsTable(attempts),
  ].filter((part) => part !== null);
  return parts.length ? h("div.result", {}, parts) : null;
}

/** Return the lines of a step in its file, [{number, text}], without the steps inside it. */
function linesOf(text, [file, line, column, endLine], next) {
  const lines = text.split(/\r?\n/);
  if (lines[line - 1] === undefined) return [];
  const begin = firstLine(lines, line, column);
  const least = (/^[ -]*/.exec(lines[begin - 1])[0].length) || 1;
  const limit = next && next[0] === file && next[1] > line
    ? firstLine(lines, next[1], next[2]) - 1 : lines.length;
  let end = line;
  for (let number = line + 1; number <= limit; number += 1) {
    const text = lines[number - 1];
    if (!text.trim()) continue;
    if (number > endLine && text.search(/[^ ]/) < least) break;
    if (!text.trimStart().startsWith("#")) end = number;
  }
  return lines.slice(begin - 1, end).map((text, place) => ({ number: begin + place, text }));
}

/** Find the line with the dash that begins the step which the place is in. */
function firstLine(lines, line, column) {
  for (let number = line; number > 0; number -= 1) {
    const text = lines[number - 1];
    const before = text.slice(0, column - 1);
    if (/-\s+$/.test(before)) return number;
    if (before.trim() || (text.trim() && text.search(/\S/) < column - 1)) break;
  }
  return line;
}

function isInside({ id }, outer) {
  return id.startsWith(`${outer.id}.`) || id.startsWith(`${outer.id}[`);
}

function yaml(lines, marks) {
  const wide = String(lines.at(-1).number).length;
  const least = Math.min(...lines.filter(({ text }) => text.trim())
    .map(({ text }) => text.length - text.trimStart().length));
  return h("pre.yaml", { tabindex: 0, "aria-label": "YAML of the step" }, lines.map(({ number, text }) => {
    const [, column, last] = marks.find(([line]) => line === number) || [];
    const end = last ? last - 1 : text.length;
    return h(column ? "span.line.marked" : "span.line", {},
      h("span.gutter", { "aria-hidden": "true" }, String(number).padStart(wide)),
      column ? [text.slice(least, column - 1),
        h("mark", {}, text.slice(Math.max(least, column - 1), end)), text.slice(end)]
        : text.slice(least), "\n");
  }));
}

function failureBlock({ message, at, expected = "", actual = "", hint = "" }, where = null) {
  return h("div.failure", {},
    h("p.message", {}, where ? [where, ": "] : null, message),
    expected || actual ? h("dl", {},
      expected ? [h("dt", {}, "expected"), h("dd", {}, expected)] : null,
      actual ? [h("dt", {}, "actual"), h("dd", {}, actual)] : null) : null,
    hint ? h("p.hint", {}, h("b", {}, "Hint: "), hint) : null,
    h("p.soft", {}, at));
}

function attemptsTable(attempts) {
  if (!attempts.length) return null;
  return h("table.attempts", {}, h("caption", {}, "Attempts"),
    h("tbody", {}, attempts.map(([time, passed, summary, times]) => h("tr", {},
      h("td.time", {}, time), h("td", {}, passed ? "✓" : "✗"), h("td", {}, summary),
      h("td.time", {}, times)))));
}

function timeline(wire, counts, open) {
  return h("details.wire", { open: open ? "" : null }, h("summary", {}, counts),
    h("ol", {}, wire.map((one) => h("li", {}, Array.isArray(one) ? happened(one) : exchange(one)))));
}

function happened([kind, time, name, text, details]) {
  if (kind === "changed") {
    return h("p", {}, h("span.time", {}, time), " ", h("b", {}, name), text,
      details.map(([, where]) => h("span.soft", {}, ` · ${where}`)));
  }
  return h("details.exchange", {},
    h("summary", {}, h("span.time", {}, time), " event ", h("b", {}, name), text),
    h("table.fields", {}, h("tbody", {}, details.map(([field, value]) =>
      h("tr", {}, h("th", { scope: "row" }, field), h("td", {}, value))))));
}

function exchange({ time, took, label: name, outcome, sent, received, lost = false, curl = "" }) {
  return h("details.exchange", {},
    h("summary", {}, h("span.time", {}, time), " ", h("code", {}, name), " → ",
      h("code", { class: `outcome ${outcome}` }, lost ? outcome : received.split("\n")[0]),
      h("span.time", {}, ` ${took}`)),
    h("div.both", {},
      h("figure", {}, h("figcaption", {}, "Request"), h("pre", { tabindex: 0 }, sent)),
      h("figure", {}, h("figcaption", {}, lost ? "No answer" : "Response"),
        h("pre", { tabindex: 0 }, readable(received)))),
    curl ? h("figure", {}, h("figcaption", {}, "Repeat it by hand"), command(curl)) : null);
}

/** Indent a JSON body that came on one line; everything else stays as it came. */
function readable(received) {
  const place = received.indexOf("\n\n");
  const body = place < 0 ? "" : received.slice(place + 2);
  if (!/^[[{]/.test(body) || body.length > 200_000 || /\d{16}|\d[.eE]/.test(body)) return received;
  try {
    return `${received.slice(0, place)}\n\n${JSON.stringify(JSON.parse(body), null, 2)}`;
  } catch {
    return received;
  }
}
