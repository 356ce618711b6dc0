// Draws a ladder as SVG: the same places as scenario_runner.reporters.ladder.drawing gives it
// (a test compares both, shape by shape).

const [MARGIN, EDGE, COLUMN, WIDE_COLUMN, HEAD, LETTER] = [56, 54, 104, 252, 50, 5.9];
const SMALLEST = 0.87;
const HEIGHTS = { heading: 34, arrow: 28, remark: 24, pause: 26 };

/** Return an svg element that shows the ladder. */
function ladderSvg(ladder) {
  const sheet = new Sheet(ladder);
  sheet.lifelines(ladder.lifelines);
  for (const bar of ladder.bars) sheet.bar(bar);
  ladder.rows.forEach((row, number) => sheet[row.row](row, sheet.tops[number]));
  return sheet.svg();
}

class Sheet {
  constructor({ lifelines, rows }) {
    this.columns = {};
    let x = MARGIN + EDGE;
    for (const { key, kind } of lifelines) {
      this.columns[key] = x;
      x += kind === "runner" ? WIDE_COLUMN : COLUMN;
    }
    this.right = Math.max(...Object.values(this.columns)) + EDGE;
    this.tops = [HEAD];
    for (const { row } of rows) this.tops.push(this.tops.at(-1) + HEIGHTS[row]);
    this.end = this.tops.at(-1);
    Object.assign(this, { back: [], lines: [], front: [], heads: [], texts: [], told: "" });
  }

  svg() {
    const [width, height] = [this.right, this.end + 14];
    const element = s("svg", {
      class: "ladder", width, height, viewBox: `0 0 ${width} ${height}`, role: "img",
      "aria-label": "Ladder diagram",
    }, s("rect", { class: "sheet", width, height }),
    this.back, this.lines, this.front, this.heads, this.texts);
    element.style.maxWidth = `${width}px`;
    element.style.minWidth = `${Math.round(width * SMALLEST)}px`;
    return element;
  }

  box(layer, kind, x, y, width, height, step = "") {
    layer.push(s("rect", { class: kind, x, y, width, height, rx: 3, "data-step": step || null }));
  }

  line(kind, x1, y1, x2, y2, step = "") {
    this.lines.push(s("line", { class: kind, x1, y1, x2, y2, "data-step": step || null }));
  }

  words(kind, x, y, anchor, text, { room = Infinity, full = text, step = "" } = {}) {
    const cut = shortened(text, Math.trunc(room / LETTER));
    this.texts.push(s("text", {
      class: kind, x, y, "text-anchor": anchor, "data-step": step || null,
    }, cut, cut === full ? null : s("title", {}, full)));
  }

  time(at, y) {
    const text = clockText(at);
    if (text === this.told) return;
    this.told = text;
    this.words("time", MARGIN - 12, y, "end", text);
  }

  lifelines(lines) {
    for (const { key, kind, label, detail } of lines) {
      const x = this.columns[key];
      this.box(this.back, `head ${kind}`, x - 49, 6, 98, 36);
      this.line(`life ${kind}`, x, 42, x, this.end + 8);
      this.words("name", x, detail ? 21 : 29, "middle", label, { room: 94 });
      if (detail) this.words("detail", x, 35, "middle", `(${detail})`, { room: 94 });
    }
  }

  bar({ slot, first, last }) {
    const top = this.tops[first] + 18;
    const bottom = last === null ? this.end + 8 : this.tops[last] + 18;
    this.box(this.front, "bar", this.columns[slot] - 5, top, 10, bottom - top);
  }

  heading({ step, title, verdict, at }, top) {
    const bad = ["failed", "errored", "xpassed"].includes(verdict) ? " bad" : "";
    this.box(this.back, `step${bad}`, MARGIN - 6, top + 8, this.right - MARGIN, 20, step);
    this.words(`title${bad}`, MARGIN + 2, top + 22, "start",
      `${MARKS[verdict] || "–"} ${step} · ${title}`, { room: this.right - MARGIN - 20, step });
    this.time(at, top + 22);
  }

  arrow(row, top) {
    const [y, x1, x2] = [top + 18, this.columns[row.source], this.columns[row.target]];
    const way = x2 >= x1 ? 1 : -1;
    const kind = `${row.kind}${row.failed ? " failed" : ""}`;
    this.line(`arrow ${kind}`, x1, y, x2 - 2 * way, y, row.step);
    const back = x2 - 8 * way;
    this.heads.push(s("polygon", {
      class: kind, points: `${x2},${y} ${back},${y - 4} ${back},${y + 4}`,
      "data-step": row.step || null,
    }));
    const before = row.failed ? "✗ " : "";
    const after = row.times > 1 ? ` ×${row.times} to ${clockText(row.until)}` : "";
    const room = Math.trunc((Math.abs(x2 - x1) - 8) / LETTER) - before.length - after.length;
    this.words(`label ${kind}`, Math.floor((x1 + x2) / 2), y - 5, "middle",
      before + shortened(row.label, room) + after,
      { full: before + row.label + after, step: row.step });
    this.time(row.at, y + 4);
  }

  remark({ text, step, failed }, top) {
    this.words(failed ? "remark bad" : "remark", MARGIN + 2, top + 16, "start",
      `${failed ? "✗ " : ""}${text}`, { room: this.right - MARGIN - 12, step });
  }

  pause({ took }, top) {
    const [y, text] = [top + 14, `${durationText(took)} later`];
    this.line("pause", MARGIN - 6, y, this.right - 12, y);
    this.box(this.front, "gap", MARGIN - 2, y - 8, Math.trunc(text.length * LETTER) + 14, 16);
    this.words("pause", MARGIN + 4, y + 4, "start", text);
  }
}
