// What is shown stands in the address after the #, so that every view can be linked to.

/** Return {scenario, run, attempt, step, verdicts, tag, text} as the address says. */
function readRoute() {
  const said = new URLSearchParams(location.hash.slice(1));
  return {
    scenario: said.get("scenario"),
    run: said.has("run"),
    attempt: Number(said.get("attempt")) || null,
    step: said.get("step"),
    verdicts: new Set((said.get("verdict") || "").split(",").filter(Boolean)),
    tag: said.get("tag") || "",
    text: said.get("text") || "",
  };
}

function addressOf(route) {
  const said = new URLSearchParams();
  if (route.scenario) said.set("scenario", route.scenario);
  if (route.run && !route.scenario) said.set("run", "");
  if (route.scenario && route.attempt) said.set("attempt", route.attempt);
  if (route.scenario && route.step) said.set("step", route.step);
  if (route.verdicts.size) said.set("verdict", [...route.verdicts].join(","));
  if (route.tag) said.set("tag", route.tag);
  if (route.text) said.set("text", route.text);
  return `#${said}`;
}

/** Go to another view; with `quietly` the way back skips the one that is left. */
function go(changes, { quietly = false } = {}) {
  const address = addressOf({ ...readRoute(), ...changes });
  if (address === (location.hash || "#")) return;
  if (quietly) location.replace(address);
  else location.hash = address;
}

function addressOfScenario(row, step = null) {
  const attempt = row.all.at(-1) === row ? null : row.all.indexOf(row) + 1;
  return addressOf({ ...readRoute(), scenario: row.id, attempt, step });
}
