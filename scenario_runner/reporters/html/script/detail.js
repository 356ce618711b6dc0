// Shows one scenario: why it is not passed, its steps, its ladder, and what the PBX held.

async function scenarioView(row, facts, route) {
  const record = await eventsOf(row);
  const story = storyOf(record);
  const files = new Set([row.file, ...story.steps.map(({ started }) => started.span.file)]);
  const texts = new Map(await Promise.all(
    [...files].map(async (file) => [file, await sourceOf(facts, file)])));
  const context = { facts, texts, address: (step) => addressOfScenario(row, step) };
  const ladder = h("div.sheet", { tabindex: 0, role: "group", "aria-label": "Ladder diagram" },
    ladderSvg(ladderOf(story.inside)));
  ladder.addEventListener("click", ({ target }) => {
    if (target.dataset.step) go({ step: target.dataset.step });
  });
  return h("article.scenario", { "data-scenario": row.id },
    heading(row, story, record[3]),
    failuresOf(story, context),
    jumps(story),
    h("section", { id: "steps" }, h("h2", {}, "Steps"), stepSections(story, context)),
    h("section", { id: "ladder" }, h("h2", {}, "Ladder"), ladder),
    heldSection(story.finished.snapshot),
    route.step && !story.steps.some(({ started }) => started.step === route.step)
      ? h("p.soft", {}, `There is no step ${route.step} in this scenario.`) : null);
}

function heading(row, { started, finished }, rerun) {
  const verdict = row.verdict;
  return h("header.title", {},
    h("p.verdict", {}, badge(verdict), h("b", {}, verdict),
      h("span.soft", {}, ` in ${tookText(finished.took)} · ${row.file}:${row.line}`)),
    h("h1", { tabindex: -1 }, row.name),
    row.values.length ? h("p.values", {}, row.values.map(([name, value]) =>
      h("code", {}, `${name} = ${value}`))) : null,
    started.description ? h("p.description", {}, started.description) : null,
    finished.reason ? h("p.reason", {}, finished.reason) : null,
    started.tags.length ? h("p.tags", {}, started.tags.map((tag) =>
      h("button.tag", { type: "button", click: () => go({ tag }) }, tag))) : null,
    row.all.length > 1 ? h("p.tries", {}, "Attempts: ", row.all.map((attempt, place) => [
      place ? " · " : "",
      h("a", { href: addressOfScenario(attempt), "aria-current": attempt === row ? "true" : null },
        `${place + 1} ${attempt.verdict}`)])) : null,
    h("p.soft", {}, stepCounts(finished), ` · seed ${started.seed}`),
    rerun ? h("details.again", {}, h("summary", {}, "Run it again"), command(rerun)) : null);
}

function stepCounts(finished) {
  const counts = [["passed", finished.passed], ["failed", finished.failed],
    ["errored", finished.errored], ["skipped", finished.skipped],
    ["not applicable", finished.not_applicable]].filter(([, number]) => number);
  return counts.map(([verdict, number]) => `${counted(number, "step")} ${verdict}`).join(", ") ||
    "no step was taken";
}

function failuresOf({ steps, finished }, context) {
  const blocks = steps.flatMap(({ started, finished: end }) => end.failures.map((failure) =>
    failureBlock(failure, h("a", { href: context.address(started.step) }, `Step ${started.step}`))));
  blocks.push(...finished.failures.map((failure) => failureBlock(failure)));
  return blocks.length ? h("section.failures", { "aria-label": "Failures" }, blocks) : null;
}

function jumps({ finished }) {
  const jump = (id, text) => h("button", {
    type: "button", click: () => document.getElementById(id).scrollIntoView(),
  }, text);
  return h("nav.jumps", { "aria-label": "Parts of the scenario" }, jump("steps", "Steps"),
    jump("ladder", "Ladder"), finished.snapshot ? jump("held", "What the PBX held") : null);
}

function stepSections({ steps, loose }, context) {
  const sections = steps.map((step, place) => {
    const next = steps[place + 1];
    return stepSection(step, next && isInside(next, step) ? next : null, context);
  });
  if (loose.length) {
    sections.push(h("section.step.around", {}, h("header", {}, h("h3", {}, "Around the steps"),
      h("span.soft", {}, "hanging up, and looking for what is left behind")),
    timeline(loose, context, false)));
  }
  return sections.length ? sections : h("p.soft", {}, "No step was taken.");
}

function heldSection(snapshot) {
  if (!snapshot) return null;
  const table = (pairs, first, second) => h("table.fields", {},
    h("thead", {}, h("tr", {}, h("th", {}, first), h("th", {}, second))),
    h("tbody", {}, pairs.map(([one, other]) => h("tr", {}, h("td", {}, one), h("td", {}, other)))));
  const nothing = !snapshot.slots.length && !snapshot.calls.length;
  return h("section", { id: "held" }, h("h2", {}, "What the PBX held when the first step failed"),
    nothing ? h("p", {}, "Nothing: no call, and nobody in a slot.") : null,
    snapshot.slots.length ? table(snapshot.slots, "Slot", "Who") : null,
    snapshot.calls.length ? table(snapshot.calls, "Call", "State") : null);
}
