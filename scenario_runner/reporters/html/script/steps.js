// Shows the steps of a scenario: YAML beside what came of it, and below what went over the wire.

function stepSection(step, next, context) {
  const { started, finished } = step;
  const bad = finished.failures.length > 0;
  const lines = linesOf(context.texts.get(started.span.file) || "", started.span, next?.started.span);
  const depth = Math.min(3, (started.step.replace(/^cleanup\./, "").match(/[.[]/g) || []).length);
  return h(`section.step.depth-${depth}${bad ? ".bad" : ""}`, { "data-step": started.step },
    h("header", {},
      badge(finished.verdict),
      h("h3", {}, h("a.number", { href: context.address(started.step), title: "Link to this step" },
        started.step), " ", started.title),
      h("span.action", {}, started.action),
      h("span.time", { title: "when it began, and how long it took" },
        `${clockText(started.at)} · ${tookText(finished.took)}`)),
    h("div.pair", {}, lines.length ? yaml(lines, finished.failures) : null, result(finished)),
    step.happened.length ? timeline(step.happened, context, bad) : null);
}

function result({ summary, note, failures, attempts }) {
  const parts = [
    summary ? h("p.saw", {}, summary) : null,
    note ? h("p.soft", {}, note) : null,
    ...failures.map((failure) => failureBlock(failure)),
    attemptsTable(attempts),
  ].filter((part) => part !== null);
  return parts.length ? h("div.result", {}, parts) : null;
}

function yaml(lines, failures) {
  const wide = String(lines.at(-1).number).length;
  const least = Math.min(...lines.filter(({ text }) => text.trim())
    .map(({ text }) => text.length - text.trimStart().length));
  return h("pre.yaml", { tabindex: 0, "aria-label": "YAML of the step" }, lines.map(({ number, text }) => {
    const span = failures.map((failure) => failure.span).find(({ line }) => line === number);
    const end = span && span.end_line === number ? span.end_column - 1 : text.length;
    return h(span ? "span.line.marked" : "span.line", {},
      h("span.gutter", { "aria-hidden": "true" }, String(number).padStart(wide)),
      span ? [text.slice(least, span.column - 1),
        h("mark", {}, text.slice(Math.max(least, span.column - 1), end)), text.slice(end)]
        : text.slice(least), "\n");
  }));
}

function failureBlock(failure, where = null) {
  const { file, line } = failure.span;
  const at = failure.via.map((span) => `${span.file}:${span.line}`).concat(`${file}:${line}`);
  return h("div.failure", {},
    h("p.message", {}, where ? [where, ": "] : null, failure.message),
    failure.expected === null && failure.actual === null ? null : h("dl", {},
      failure.expected === null ? null : [h("dt", {}, "expected"), h("dd", {}, failure.expected)],
      failure.actual === null ? null : [h("dt", {}, "actual"), h("dd", {}, failure.actual)]),
    failure.hint === null ? null : h("p.hint", {}, h("b", {}, "Hint: "), failure.hint),
    h("p.soft", {}, at.join(" → ")));
}

function attemptsTable(attempts) {
  if (!attempts.length) return null;
  return h("table.attempts", {}, h("caption", {}, "Attempts"),
    h("tbody", {}, attempts.map(({ at, summary, passed, times }) => h("tr", {},
      h("td.time", {}, clockText(at)), h("td", {}, passed ? "✓" : "✗"), h("td", {}, summary),
      h("td.time", {}, times > 1 ? `×${times}` : "")))));
}

function timeline(happened, context, open) {
  const of = (kind) => happened.filter(({ event }) => event === kind).length;
  const counts = [[of("Exchange"), "exchange"], [of("PbxReported"), "event"],
    [of("CallChanged"), "change of a call", "changes of calls"]]
    .filter(([number]) => number).map((count) => counted(...count));
  return h("details.wire", { open: open ? "" : null }, h("summary", {}, counts.join(" · ")),
    h("ol", {}, happened.map((event) => h("li", {}, moment(event, context)))));
}

function moment(event, context) {
  switch (event.event) {
    case "Exchange": return exchange(event, context);
    case "CallChanged": return h("p", {}, h("span.time", {}, clockText(event.at)), " ",
      h("b", {}, event.call), ` is ${event.state}`, event.slot === null ? "" : ` in slot ${event.slot}`,
      event.extension ? h("span.soft", {}, ` · ext ${event.extension} · ${event.party}`) : null);
    default: return h("details.exchange", {},
      h("summary", {}, h("span.time", {}, clockText(event.at)), " event ", h("b", {}, event.type),
        event.call === null ? "" : ` of ${event.call}`, event.extension ? ` at ext ${event.extension}` : ""),
      h("table.fields", {}, h("tbody", {}, event.details.map(([name, value]) =>
        h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value))))));
  }
}

function exchange(event, { facts }) {
  const lost = event.outcome === "lost" || event.outcome === "failed";
  const curl = curlOf(event, facts.run.base_url);
  return h("details.exchange", {},
    h("summary", {}, h("span.time", {}, clockText(event.at)), " ",
      h("code", {}, requestLabel(event.sent)), " → ",
      h("code", { class: `outcome ${event.outcome}` },
        lost ? event.outcome : event.received.split("\n")[0]),
      h("span.time", {}, ` ${tookText(event.took)}`)),
    h("div.both", {},
      h("figure", {}, h("figcaption", {}, "Request"), h("pre", { tabindex: 0 }, event.sent.trimEnd())),
      h("figure", {}, h("figcaption", {}, lost ? "No answer" : "Response"),
        h("pre", { tabindex: 0 }, readable(event.received).trimEnd()))),
    curl ? h("figure", {}, h("figcaption", {}, "Repeat it by hand"), command(curl)) : null);
}

/** Indent a JSON body that came on one line; everything else stays as it came. */
function readable(received) {
  const [head, body] = parted(received);
  if (!/^[[{]/.test(body) || body.length > 200_000 || /\d{16}|\d[.eE]/.test(body)) return received;
  try {
    return `${head}\n\n${JSON.stringify(JSON.parse(body), null, 2)}`;
  } catch {
    return received;
  }
}
