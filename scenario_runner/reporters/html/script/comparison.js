// Shows in what two targets differ, step by step, with links to the scenario on each side.

const SIDES = ["A", "B"];

/** Return the side of a scenario: its id begins with it. */
function sideOf(row) {
  return row.id.slice(0, 1);
}

function comparisonSummary({ unexplained, scenarios }) {
  const errored = scenarios.filter((one) => one.errored.length).length;
  if (errored) return `${counted(errored, "scenario")} could not be compared`;
  return unexplained ? counted(unexplained, "unexplained difference") : "No unexplained difference";
}

function comparisonSection(comparison, rows) {
  const { a, b, steps, explained, unexplained, scenarios } = comparison;
  const byId = new Map(rows.map((row) => [row.id, row]));
  const differing = scenarios.filter((one) => one.differences.length || one.errored.length);
  const unalike = scenarios.reduce((sum, one) => sum + stepsThatDiffer(one), 0);
  return h("section", { id: "comparison" },
    h("dl.facts", {},
      fact("A", a), fact("B", b),
      fact("Alike", counted(Math.max(0, steps - unalike), "step")),
      fact("Explained", counted(explained, "difference")),
      fact("Unexplained", counted(unexplained, "difference")),
      fact("Times within", comparison.tolerance_text)),
    differing.length ? h("div.sheet", { tabindex: 0, role: "group", "aria-label": "Differences" },
      h("table.compared", {},
        h("thead", {}, h("tr", {}, ["Scenario", "Step", "A", "B", "Grade"].map((name) =>
          h("th", { scope: "col" }, name)))),
        h("tbody", {}, differing.map((one) => differenceRows(one, byId))))) : null);
}

function stepsThatDiffer({ differences }) {
  const compared = differences.filter(({ step, what }) => step && what !== "steps");
  return new Set(compared.map(({ step }) => step)).size;
}

function differenceRows(one, byId) {
  const errored = one.errored.map((side) => h("tr.unexplained", {},
    h("td", {}, one.name, sideLinks(one, "", byId)), h("td", {}),
    SIDES.map((other) => h("td", {}, one.verdict[other.toLowerCase()])),
    h("td", {}, h("b", {}, "! errored"), `: ${side} could not find out what the PBX does`)));
  return [errored, one.differences.map((difference) => differenceRow(one, difference, byId))];
}

function differenceRow(one, { step, label: place, title, what, grade, a, b, why }, byId) {
  const mark = grade === "unexplained" ? "!" : "~";
  return h(`tr.${grade}`, {},
    h("td", {}, one.name, sideLinks(one, step, byId)),
    h("td", {}, step ? h("p", {}, h("span.number", {}, place), title) : null, h("p.soft", {}, what)),
    h("td", {}, a), h("td", {}, b),
    h("td", {}, h("b", {}, `${mark} ${grade}`), why ? `: ${why}` : null));
}

function sideLinks({ scenario }, step, byId) {
  const found = SIDES.map((side) => [side, byId.get(`${side}: ${scenario}`)]).filter(([, row]) => row);
  return h("p", {}, found.map(([side, row]) => [
    h("a", { href: addressOfScenario(row, step || null), title: row.name }, `on ${side}`), " "]));
}
