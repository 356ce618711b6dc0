// Builds a ladder from the events of one scenario: the same rules as scenario_runner.reporters.ladder
// (a test compares both, shape by shape).

const LONGEST = 300;
const KEPT_FIRST = 100;
const LONG_ID = /[0-9A-Za-z-]{17,}/g;
const OUTSIDE = "outside of the steps";
const KINDS = ["runner", "pbx", "extension", "party", "slot"];

function oneLine(text) {
  const line = text.split(/[\s\x1c-\x1f\x85]+/).filter(Boolean).join(" ");
  return line.replace(/[\p{C}\p{Zl}\p{Zp}]|[^\P{Zs} ]/gu, "\ufffd");
}

function shortened(text, room) {
  const letters = [...text];
  return letters.length <= room ? text
    : `${letters.slice(0, Math.max(0, room - 1)).join("").trimEnd()}…`;
}

function requestLabel(sent) {
  const [head, body] = parted(sent);
  const [method, path] = parted(head.split("\n")[0], " ");
  return withBody(path.startsWith("/") ? `${method} ${shortPath(path)}` : head.split("\n")[0], body);
}

function answerLabel(received) {
  const [head, body] = parted(received);
  return withBody(head.split("\n")[0], body);
}

function parted(text, by = "\n\n") {
  const place = text.indexOf(by);
  return place < 0 ? [text, ""] : [text.slice(0, place), text.slice(place + by.length)];
}

function shortPath(path) {
  const parts = path.split("?")[0].replace(/^\/+|\/+$/g, "").split("/");
  return (parts.length > 2 ? "" : "/") + parts.slice(-2).join("/").replace(LONG_ID, "…");
}

function withBody(first, body) {
  const text = body ? `${first} ${[...body].slice(0, 176).join("").replaceAll('"', "")}` : first;
  const line = oneLine(text).replace(LONG_ID, (id) => `${id.slice(0, 8)}…`);
  return shortened(line, [...first].length + 45);
}

/** Everybody who takes part, and who is parked where. */
class Cast {
  constructor() {
    this.parked = new Map();
    this.lines = new Map([
      ["runner", { key: "runner", kind: "runner", label: "runner", detail: "" }],
      ["pbx", { key: "pbx", kind: "pbx", label: "PBX", detail: "" }],
    ]);
  }

  lifelines() {
    return [...this.lines.values()].sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
  }

  extension(number) {
    const line = oneLine(number);
    return line ? this.line("extension", line, `ext ${line}`) : "pbx";
  }

  party(number, call) {
    const [line, name] = [oneLine(number), oneLine(call)];
    return this.line("party", `${name} ${line}`, line || "unknown", name);
  }

  line(kind, name, label, detail = "") {
    const key = `${kind} ${name}`;
    if (!this.lines.has(key)) this.lines.set(key, { key, kind, label, detail });
    return key;
  }

  endsOf({ call, state, extension: number, party: other, flow, slot }) {
    const [extension, party] = [this.extension(number), this.party(other, call)];
    const was = this.parked.get(call);
    this.parked.delete(call);
    if (state === "parked" && slot !== null) {
      const line = this.line("slot", oneLine(slot), `slot ${oneLine(slot)}`);
      this.parked.set(call, line);
      return [extension, line];
    }
    if ((state === "up" && flow === "in") || (state === "ringing" && flow !== "in")) {
      return [extension, party];
    }
    return state === "bridged" ? [was || party, extension] : [party, was || extension];
  }

  recalled({ type, call }) {
    if (type !== "dial-in" || call === null) return null;
    const slot = this.parked.get(call) || null;
    this.parked.delete(call);
    return slot;
  }
}

/** Return {lifelines, rows, bars} of a scenario's events. */
function ladderOf(events) {
  const [cast, entries, headings] = [new Cast(), [], new Map()];
  let outside = true;
  const add = (row, call = "", occupies = null) => entries.push({ row, call, occupies });
  const takes = {
    StepStarted(event) {
      const title = oneLine(event.title) || event.action;
      headings.set(event.step, { row: "heading", step: event.step, title, verdict: "", at: event.at });
      add(headings.get(event.step));
      outside = false;
    },
    Exchange(event) {
      if (!event.step && !outside) {
        outside = true;
        add({ row: "remark", text: OUTSIDE, step: "", at: event.at, failed: false });
      }
      addExchange(entries, event);
    },
    CallChanged(event) {
      const [source, target] = cast.endsOf(event);
      const label = `${oneLine(event.call)} ${event.state}`;
      const parked = event.state === "parked" && event.slot !== null;
      add(arrow(event, { source, target, kind: "call", label }), event.call, parked ? target : null);
    },
    PbxReported(event) {
      const slot = cast.recalled(event);
      const who = event.call === null ? "" : ` ${oneLine(event.call)}`;
      const place = event.extension ? ` at ${oneLine(event.extension)}` : "";
      add(arrow({ step: "", at: event.at }, {
        source: slot || "pbx", target: slot ? cast.extension(event.extension) : "runner",
        kind: "event", label: slot ? `${event.type}${who}: recall` : `${event.type}${who}${place}`,
      }), slot ? event.call : "");
    },
    StepFinished(event) {
      if (headings.has(event.step)) headings.get(event.step).verdict = event.verdict;
      if (event.verdict === "failed" || event.verdict === "errored") addFailure(entries, event);
    },
  };
  for (const event of events) takes[event.event]?.(event);
  entries.sort((a, b) => a.row.at - b.row.at);
  return { lifelines: cast.lifelines(), ...laidOut(cutShort(folded(entries))) };
}

function arrow({ step, at }, ends) {
  return { row: "arrow", step, at, times: 1, until: 0, failed: false, ...ends };
}

function addExchange(entries, event) {
  const lost = event.outcome === "lost" || event.outcome === "failed";
  const there = arrow(event, {
    source: "runner", target: "pbx", kind: "request", label: requestLabel(event.sent),
  });
  const back = arrow({ step: event.step, at: event.at + event.took }, {
    source: "pbx", target: "runner", kind: lost ? "lost" : "answer",
    label: lost ? `no answer: ${oneLine(event.received)}` : answerLabel(event.received),
  });
  let place = entries.length;
  const isReport = ({ row }) => row.row === "arrow" && row.kind === "event" && row.source === "pbx";
  while (place && isReport(entries[place - 1]) && entries[place - 1].row.at >= event.at) place -= 1;
  entries.splice(place, 0, { row: there, call: "", occupies: null });
  entries.push({ row: back, call: "", occupies: null });
}

function addFailure(entries, { step, at, failures }) {
  const last = entries.findLast(({ row }) =>
    row.row === "arrow" && row.step === step && row.kind !== "call");
  if (last) last.row.failed = true;
  for (const { message } of failures.slice(0, 1)) {
    const text = shortened(oneLine(message), 160);
    entries.push({ row: { row: "remark", text, step, at, failed: true }, call: "", occupies: null });
  }
}

function folded(entries) {
  const done = [];
  for (const entry of entries) {
    done.push(entry);
    const [a, b, c, d] = done.slice(-4);
    if (d && same(a.row, c.row) && same(b.row, d.row)) {
      done.splice(-2);
      again(a.row, c.row);
      again(b.row, d.row);
    }
  }
  return done;
}

function same(a, b) {
  const wire = (row) => row.row === "arrow" && row.kind !== "call" && row.kind !== "event";
  return wire(a) && wire(b) && a.source === b.source && a.target === b.target &&
    a.step === b.step && a.label === b.label;
}

function again(first, last) {
  first.times += last.times;
  first.until = last.at;
  first.failed ||= last.failed;
}

function cutShort(entries) {
  if (entries.length <= LONGEST) return entries;
  const cut = entries.slice(KEPT_FIRST, entries.length - (LONGEST - KEPT_FIRST));
  const moving = cut.filter(({ call }) => call);
  const text = `… ${cut.length - moving.length} rows are left out …`;
  const mark = { row: "remark", text, step: "", at: cut[0].row.at, failed: false };
  return [...entries.slice(0, KEPT_FIRST), { row: mark, call: "", occupies: null }, ...moving,
    ...entries.slice(entries.length - (LONGEST - KEPT_FIRST))];
}

function laidOut(entries) {
  const [rows, bars, parked] = [[], [], new Map()];
  let before = 0;
  for (const { row, call, occupies } of entries) {
    if (row.at - before >= 1e6) rows.push({ row: "pause", took: row.at - before, at: before });
    before = Math.max(before, row.at, row.until || 0);
    if (call && parked.has(call)) {
      bars.push({ ...parked.get(call), last: rows.length });
      parked.delete(call);
    }
    if (occupies !== null) parked.set(call, { slot: occupies, call, first: rows.length });
    rows.push(row);
  }
  for (const bar of parked.values()) bars.push({ ...bar, last: null });
  return { rows, bars: bars.sort((a, b) => a.first - b.first) };
}
