// Shows one scenario: why it is not passed, its steps, its ladder, and the state of the PBX.

async function scenarioView(row, facts, route) {
  const record = await recordOf(row);
  if (record.invalid) return invalidView(row, record);
  const { steps = [], around = [], snapshot = null } = record;
  const files = new Set([row.file, ...steps.map(({ span }) => span[0])]);
  const texts = new Map(await Promise.all(
    [...files].map(async (file) => [file, await sourceOf(facts, file)])));
  const context = { texts, address: (step) => addressOfScenario(row, step) };
  const ladder = h("div.sheet", { tabindex: 0, role: "group", "aria-label": "Ladder diagram" },
    ladderSvg(record.ladder));
  ladder.addEventListener("click", ({ target }) => {
    if (target.dataset.step) go({ step: target.dataset.step });
  });
  return h("article.scenario", { "data-scenario": row.id },
    heading(row, record),
    failuresOf(record, context),
    jumps(snapshot),
    h("section", { id: "steps" }, h("h2", {}, "Steps"), stepSections(steps, around, context)),
    h("section", { id: "ladder" }, h("h2", {}, "Ladder"), ladder),
    snapshotSection(snapshot),
    route.step && !steps.some(({ id }) => id === route.step)
      ? h("p.soft", {}, `There is no step ${route.step} in this scenario.`) : null);
}

function invalidView(row, { invalid }) {
  return h("article.scenario", { "data-scenario": row.id },
    h("header.title", {},
      h("p.verdict", {}, badge(row.verdict), h("b", {}, "invalid"), h("span.soft", {}, ` ${row.file}`)),
      h("h1", { tabindex: -1 }, row.name),
      h("p.reason", {}, "Nothing in this file was run.")),
    h("section.failures", { "aria-label": "Problems" },
      invalid.map((problem) => failureBlock(problem))));
}

function heading(row, record) {
  return h("header.title", {},
    h("p.verdict", {}, badge(row.verdict), h("b", {}, row.verdict),
      h("span.soft", {}, ` in ${row.tookText} · ${row.file}:${row.line}`)),
    h("h1", { tabindex: -1 }, row.name),
    row.values.length ? h("p.values", {}, row.values.map((value) => h("code", {}, value))) : null,
    record.description ? h("p.description", {}, record.description) : null,
    record.reason ? h("p.reason", {}, linked(record.reason)) : null,
    row.tags.length ? h("p.tags", {}, row.tags.map((tag) =>
      h("button.tag", { type: "button", click: () => go({ tag }) }, tag))) : null,
    row.all.length > 1 ? h("p.tries", {}, "Attempts: ", row.all.map((attempt, place) => [
      place ? " · " : "",
      h("a", { href: addressOfScenario(attempt), "aria-current": attempt === row ? "true" : null },
        `${place + 1} ${attempt.verdict}`)])) : null,
    h("p.soft", {}, `${record.counts} · seed ${record.seed}`),
    h("details.again", {}, h("summary", {}, "Run it again"), command(record.rerun)));
}

function failuresOf({ steps = [], failures = [] }, context) {
  const blocks = steps.flatMap(({ id, label, failures: found = [] }) => found.map((failure) =>
    failureBlock(failure, h("a", { href: context.address(id) }, `Step ${label}`))));
  blocks.push(...failures.map((failure) => failureBlock(failure)));
  return blocks.length ? h("section.failures", { "aria-label": "Failures" }, blocks) : null;
}

function jumps(snapshot) {
  const jump = (id, text) => h("button", {
    type: "button", click: () => document.getElementById(id).scrollIntoView(),
  }, text);
  return h("nav.jumps", { "aria-label": "Parts of the scenario" }, jump("steps", "Steps"),
    jump("ladder", "Ladder"), snapshot ? jump("snapshot", "PBX state") : null);
}

function stepSections(steps, around, context) {
  const sections = steps.map((step, place) => {
    const next = steps[place + 1];
    return stepSection(step, next && isInside(next, step) ? next : null, context);
  });
  if (around.length) {
    sections.push(h("section.step.around", {}, h("header", {}, h("h3", {}, "Around the steps"),
      h("span.soft", {}, "hanging up, and looking for what is left behind")),
    timeline(around, counted(around.length, "message"), false)));
  }
  return sections.length ? sections : h("p.soft", {}, "No step was taken.");
}

function snapshotSection(snapshot) {
  if (!snapshot) return null;
  const table = (pairs, first, second) => h("table.fields", {},
    h("thead", {}, h("tr", {}, h("th", {}, first), h("th", {}, second))),
    h("tbody", {}, pairs.map(([one, other]) => h("tr", {}, h("td", {}, one), h("td", {}, other)))));
  const { slots, calls, unasked = [], others = 0 } = snapshot;
  const nothing = !slots.length && !calls.length && !unasked.length && !others;
  return h("section", { id: "snapshot" }, h("h2", {}, "PBX state when the first step failed"),
    nothing ? h("p", {}, "No live call, and no occupied slot.") : null,
    slots.length ? table(slots, "Slot", "Who") : null,
    calls.length ? table(calls, "Call", "State") : null,
    others ? h("p.soft", {}, `${counted(others, "call")} of others.`) : null,
    unasked.map((what) => h("p.soft", {}, what)));
}
