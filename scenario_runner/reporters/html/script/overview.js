// Shows the run as a whole: counts, target, warnings, the failures, and how to run it again.

const MANY = 25;

function overview(rows, facts) {
  const { warnings, missing, interrupted, comparison, tables } = facts;
  const bad = rows.filter(({ verdict }) => VERDICTS.get(verdict).bad);
  const byId = new Map(rows.map((row) => [row.id, row]));
  const slow = [...rows].sort((a, b) => b.took - a.took).slice(0, 5);
  return h("article.overview", {},
    h("h1", { tabindex: -1 }, interrupted ? "The run was interrupted"
      : comparison ? comparisonSummary(comparison) : summary(rows, bad)),
    comparison ? comparisonSection(comparison, rows) : null,
    missing ? h("p.reason", {}, `${counted(missing, "selected scenario")} did not begin.`) : null,
    h("dl.facts", {},
      fact("Target", facts.target),
      fact("Driver", facts.driver),
      fact("Started", facts.started_at ? new Date(facts.started_at / 1000).toLocaleString() : ""),
      fact("Took", facts.took),
      fact("Seed", String(facts.seed)),
      fact("Version", `scenario-runner ${facts.version}`)),
    bad.length ? links("Not passed", [...bad].sort(byGravity)) : null,
    tables.map((table) => tableSection(table, byId)),
    warnings.length ? h("section", {}, h("h2", {}, counted(warnings.length, "warning")),
      h("ul.warnings", {}, warnings.map(([at, message, hint]) => h("li", {},
        at ? h("b", {}, `${at} `) : null, message,
        hint ? h("span.soft", {}, ` ${hint}`) : null)))) : null,
    rows.length > 5 ? links("Slowest", slow) : null,
    keys());
}

function summary(rows, bad) {
  const invalid = rows.filter(({ verdict }) => verdict === "invalid").length;
  if (invalid) return `${counted(invalid, "file")} could not be run`;
  if (!rows.length) return "No scenario was run";
  if (bad.length) return `${bad.length.toLocaleString("en")} of ${counted(rows.length, "scenario")} not passed`;
  const passed = rows.every(({ verdict }) => verdict === "passed");
  return passed ? `${counted(rows.length, "scenario")} passed` : `${counted(rows.length, "scenario")}, no failure`;
}

function fact(name, value) {
  return value ? [h("dt", {}, name), h("dd", {}, value)] : null;
}

function links(title, rows) {
  return h("section", {}, h("h2", {}, title), h("ul.links", {},
    rows.slice(0, MANY).map((row) => h("li", {}, h("a", { href: addressOfScenario(row) },
      badge(row.verdict), h("span.what", {}, h("span.name", {}, row.name),
        row.why || row.values.length ? h("span.second", {}, values(row),
          row.why ? h("span.why", {}, row.why) : null) : null),
      h("span.took", {}, row.tookText))))),
  rows.length > MANY ? h("p.soft", {}, `and ${rows.length - MANY} more in the list`) : null);
}

function keys() {
  const key = (name, what) => h("span", {}, h("kbd", {}, name), ` ${what}`);
  return h("p.keys", {}, key("/", "find"), key("j", "next"), key("k", "previous"),
    key("Enter", "open"), key("Esc", "back"));
}
