// Puts the events of one scenario into steps: what each did, and what went over the wire meanwhile.

const UNFINISHED = "the run ended before the step did";

/** Return {started, finished, steps, loose, inside} of a scenario's events. */
function storyOf([started, finished, inside]) {
  const steps = new Map();
  const loose = [];
  let latest = null;
  for (const event of inside) {
    if (event.event === "StepStarted") {
      latest = { started: event, finished: null, happened: [] };
      steps.set(event.step, latest);
    } else if (event.event === "StepFinished") {
      if (steps.has(event.step)) steps.get(event.step).finished = event;
    } else if (event.event === "PbxReported") (running(steps, latest)?.happened || loose).push(event);
    else (steps.get(event.step)?.happened || loose).push(event);
  }
  for (const step of steps.values()) step.finished ||= unfinished(step.started, finished.at);
  return { started, finished, inside, loose, steps: [...steps.values()] };
}

function running(steps, latest) {
  return latest && !latest.finished ? latest : [...steps.values()].findLast((step) => !step.finished);
}

function unfinished({ at, span, via }, end) {
  return {
    verdict: "errored", at: end, took: Math.max(0, end - at), summary: "", note: "", attempts: [],
    failures: [{ key: "interrupted", message: UNFINISHED, span, via, expected: null, actual: null,
      hint: null }],
  };
}

/** Return the lines of a step in its file, [{number, text}], without the steps inside it. */
function linesOf(text, span, next) {
  const lines = text.split(/\r?\n/);
  if (lines[span.line - 1] === undefined) return [];
  const begin = firstLine(lines, span);
  const least = (/^[ -]*/.exec(lines[begin - 1])[0].length) || 1;
  const limit = next && next.file === span.file && next.line > span.line
    ? firstLine(lines, next) - 1 : lines.length;
  let end = span.line;
  for (let number = span.line + 1; number <= limit; number += 1) {
    const line = lines[number - 1];
    if (!line.trim()) continue;
    if (number > span.end_line && line.search(/[^ ]/) < least) break;
    if (!line.trimStart().startsWith("#")) end = number;
  }
  return lines.slice(begin - 1, end).map((line, place) => ({ number: begin + place, text: line }));
}

/** Find the line with the dash that begins the step which the span is in. */
function firstLine(lines, span) {
  for (let number = span.line; number > 0; number -= 1) {
    const line = lines[number - 1];
    const before = line.slice(0, span.column - 1);
    if (/-\s+$/.test(before)) return number;
    if (before.trim() || (line.trim() && line.search(/\S/) < span.column - 1)) break;
  }
  return span.line;
}

function isInside(step, outer) {
  return step.started.step.startsWith(`${outer.started.step}.`) ||
    step.started.step.startsWith(`${outer.started.step}[`);
}

/** Return the command that sends a recorded HTTP request again, "" where there is none. */
function curlOf({ protocol, sent }, baseUrl) {
  const end = sent.indexOf("\n\n");
  const [first, ...headers] = (end < 0 ? sent : sent.slice(0, end)).split("\n").filter(Boolean);
  const body = end < 0 ? "" : sent.slice(end + 2);
  const space = (first || "").indexOf(" ");
  if (protocol !== "http" || !baseUrl || space < 0) return "";
  const [method, path] = [first.slice(0, space), first.slice(space + 1)];
  const parts = [`curl${/[[\]{}]/.test(path) ? " -g" : ""} -X ${quoted(method)} ` +
    shellText(baseUrl.replace(/\/+$/, "") + path, "$SECRET")];
  for (const header of headers) {
    const token = header.split(":")[0].toLowerCase() === "authorization";
    parts.push(`-H ${shellText(header, token ? "$TOKEN" : "$SECRET")}`);
  }
  if (body) parts.push(`--data-raw ${shellText(visible(body), "$SECRET")}`);
  return parts.join(" \\\n  ");
}

/** Quote for a POSIX shell; a masked secret becomes a variable that the shell fills in. */
function shellText(text, secret) {
  if (!text.includes("***")) return quoted(text);
  return `"${text.replace(/[\\"$`]/g, "\\$&").replaceAll("***", () => secret)}"`;
}

function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}
