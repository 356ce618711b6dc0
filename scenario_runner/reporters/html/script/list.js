// The list of scenarios: only the rows in sight are in the document, however many there are.

const ROW = 58;
const BEYOND = 8;

function byGravity(one, other) {
  const gravity = ({ verdict }) => VERDICTS.get(verdict).gravity;
  return gravity(other) - gravity(one) || one.number - other.number;
}

/** What tells the rows of a matrix apart, since their names are the same. */
function values(row) {
  return row.values.length ? h("span.values", {}, `${row.values.join(", ")} · `) : null;
}

function matching(rows, { verdicts, tag, text }) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) =>
    (!verdicts.size || verdicts.has(row.verdict)) &&
    (!tag || row.tags.includes(tag)) &&
    words.every((word) => row.searched.includes(word)));
}

class ScenarioList {
  constructor(pane, choose) {
    this.pane = pane;
    this.choose = choose;
    this.rows = [];
    this.active = -1;
    this.selected = null;
    this.space = h("div.space", { role: "presentation" });
    pane.append(this.space);
    pane.addEventListener("scroll", () => this.draw(), { passive: true });
    pane.addEventListener("keydown", (event) => this.pressed(event));
    new ResizeObserver(() => this.draw()).observe(pane);
  }

  show(rows, selected) {
    this.rows = rows;
    this.selected = selected;
    const place = rows.indexOf(selected);
    if (place >= 0) this.active = place;
    else if (this.active >= rows.length) this.active = rows.length - 1;
    this.space.style.height = `${rows.length * ROW}px`;
    if (place >= 0) this.reveal();
    this.draw();
  }

  draw({ all = false } = {}) {
    const first = all ? 0 : Math.max(0, Math.floor(this.pane.scrollTop / ROW) - BEYOND);
    const end = all ? this.rows.length : Math.min(this.rows.length,
      Math.ceil((this.pane.scrollTop + this.pane.clientHeight) / ROW) + BEYOND);
    const shown = [];
    for (let place = first; place < end; place += 1) shown.push(this.row(place));
    this.space.replaceChildren(...shown);
    if (this.active >= first && this.active < end) {
      this.pane.setAttribute("aria-activedescendant", `row-${this.active}`);
    } else this.pane.removeAttribute("aria-activedescendant");
  }

  row(place) {
    const row = this.rows[place];
    const element = h("a.row", {
      href: addressOfScenario(row), id: `row-${place}`, role: "option", tabindex: -1,
      "aria-selected": row === this.selected, "aria-posinset": place + 1,
      "aria-setsize": this.rows.length, title: [row.name, ...row.values].join("\n"),
    },
    badge(row.verdict),
    h("span.what", {}, h("span.name", {}, row.name),
      h("span.second", {}, values(row),
        h(row.why ? "span.why" : "span.file", {}, row.why || `${row.file}:${row.line}`))),
    h("span.took", {}, row.tookText));
    element.style.top = `${place * ROW}px`;
    if (place === this.active) element.classList.add("active");
    return element;
  }

  reveal() {
    const top = this.active * ROW;
    const { scrollTop, clientHeight } = this.pane;
    if (top < scrollTop) this.pane.scrollTop = top;
    else if (top + ROW > scrollTop + clientHeight) this.pane.scrollTop = top + ROW - clientHeight;
  }

  move(by) {
    if (!this.rows.length) return;
    this.active = Math.min(this.rows.length - 1, Math.max(0, this.active + by));
    this.reveal();
    this.draw();
    this.choose(this.rows[this.active], { entered: false });
  }

  pressed(event) {
    const page = Math.max(1, Math.floor(this.pane.clientHeight / ROW) - 1);
    const steps = {
      ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page,
      Home: -this.rows.length, End: this.rows.length,
    };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in steps) this.move(steps[event.key]);
    else if (event.key === "Enter" && this.rows[this.active]) {
      this.choose(this.rows[this.active], { entered: true });
    } else return;
    event.preventDefault();
  }
}
