// Ties the page together: the address says what is shown, keys and buttons change the address.

const pane = document.getElementById("list");
const detail = document.getElementById("detail");
const find = document.getElementById("find");
const tagBox = document.getElementById("tag");
const chips = document.getElementById("verdicts");
const narrow = matchMedia("(max-width: 899px)");

async function start() {
  if (typeof DecompressionStream === "undefined") {
    detail.append(h("p.reason", {}, "This browser is too old for this report. A current one opens it."));
    return;
  }
  const [facts, rows] = await readIndex();
  new Page(facts, [...rows].sort(byGravity)).begin();
}

class Page {
  constructor(facts, rows) {
    Object.assign(this, { facts, rows, shown: null, turn: 0, entered: false });
    this.list = new ScenarioList(pane, (row, { entered }) => this.choose(row, entered));
  }

  begin() {
    document.getElementById("target").textContent =
      visible(this.facts.target);
    const tags = [...new Set(this.rows.flatMap((row) => row.tags))].sort();
    tagBox.append(...tags.map((tag) => h("option", { value: tag }, tag)));
    tagBox.hidden = !tags.length;
    this.drawBar();
    find.addEventListener("input", () => go({ text: find.value }, { quietly: true }));
    tagBox.addEventListener("change", () => go({ tag: tagBox.value }));
    document.getElementById("back").addEventListener("click", () => this.back());
    document.getElementById("home").addEventListener("click", () => go({ scenario: null, run: true }));
    addEventListener("hashchange", () => this.show());
    addEventListener("keydown", (event) => this.pressed(event));
    addEventListener("beforeprint", () => this.beforePrint());
    addEventListener("afterprint", () => this.afterPrint());
    this.show();
  }

  drawBar() {
    const counts = new Map();
    for (const { verdict } of this.rows) counts.set(verdict, (counts.get(verdict) || 0) + 1);
    const known = [...VERDICTS.keys()].sort((a, b) => VERDICTS.get(b).gravity - VERDICTS.get(a).gravity);
    const found = ["passed", ...known.filter((verdict) => verdict !== "passed")]
      .filter((verdict) => counts.has(verdict));
    document.getElementById("bar").append(...found.map((verdict) => {
      const part = h("span", { class: verdict.replace(" ", "-"), title: `${counts.get(verdict)} ${verdict}` });
      part.style.flexGrow = counts.get(verdict);
      return part;
    }));
    chips.append(...found.map((verdict) => h("button.chip", {
      type: "button", "data-verdict": verdict, "aria-pressed": "false",
      click: () => this.toggle(verdict),
    }, badge(verdict), h("b", {}, counts.get(verdict).toLocaleString("en")), ` ${verdict}`)));
  }

  toggle(verdict) {
    const { verdicts } = readRoute();
    if (!verdicts.delete(verdict)) verdicts.add(verdict);
    go({ verdicts });
  }

  choose(row, entered) {
    if (!entered && narrow.matches) return;
    const address = addressOfScenario(row);
    this.entered = entered && address !== location.hash;
    if (address === location.hash) {
      if (entered) this.focusDetail();
    } else if (entered) location.hash = address;
    else location.replace(address);
  }

  back() {
    go({ scenario: null, run: false });
    pane.focus();
  }

  async show() {
    const route = readRoute();
    const turn = (this.turn += 1);
    const row = this.find(route);
    this.drawFilters(route);
    this.list.show(matching(this.rows, route), row && row.all.at(-1));
    const count = this.list.rows.length;
    document.getElementById("count").textContent = count === this.rows.length
      ? counted(count, "scenario") : `${count.toLocaleString("en")} of ${counted(this.rows.length, "scenario")}`;
    document.body.classList.toggle("reading", Boolean(route.scenario || route.run));
    document.body.classList.toggle("filtering", count !== this.rows.length);
    await this.showDetail(row, route, turn);
    if (turn === this.turn) document.documentElement.dataset.ready = String(turn);
  }

  find({ scenario, attempt }) {
    const row = this.rows.find(({ id }) => id === scenario);
    return row && attempt ? row.all[attempt - 1] || row : row;
  }

  drawFilters({ verdicts, tag, text }) {
    for (const chip of chips.children) {
      chip.setAttribute("aria-pressed", verdicts.has(chip.dataset.verdict));
    }
    tagBox.value = tag;
    if (find.value !== text) find.value = text;
  }

  async showDetail(row, route, turn) {
    const wanted = row ? `${row.number}` : route.scenario ? "missing" : "overview";
    if (this.shown !== wanted) {
      let view;
      if (row) view = await scenarioView(row, this.facts, route);
      else if (route.scenario) view = h("p.reason", {}, `There is no scenario ${route.scenario} in this report.`);
      else view = overview(this.rows, this.facts);
      if (turn !== this.turn) return;
      this.shown = wanted;
      detail.replaceChildren(view);
      detail.scrollTop = 0;
      if (narrow.matches) scrollTo(0, 0);
    }
    document.title = row ? `${row.verdict}: ${row.name}` : document.body.dataset.title;
    this.mark(route.step);
    if (this.entered) this.focusDetail();
    this.entered = false;
  }

  mark(step) {
    for (const section of detail.querySelectorAll("section.step[data-step]")) {
      const here = section.dataset.step === step;
      section.classList.toggle("here", here);
      if (here) section.scrollIntoView();
    }
  }

  focusDetail() {
    (detail.querySelector("h1") || detail).focus({ preventScroll: true });
  }

  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input, select, textarea");
    if (event.key === "Escape") {
      if (typing && find.value) go({ text: "" }, { quietly: true });
      else this.back();
    } else if (typing && event.target === find && ["ArrowDown", "Enter"].includes(event.key)) {
      pane.focus();
      if (event.key === "ArrowDown" || this.list.active < 0) this.list.move(this.list.active < 0 ? 1 : 0);
    } else if (typing) return;
    else if (event.key === "/") {
      find.focus();
      find.select();
    } else if (event.key === "j" || event.key === "k") {
      pane.focus();
      this.list.move(event.key === "j" ? 1 : -1);
    } else return;
    event.preventDefault();
  }

  beforePrint() {
    this.list.draw({ all: true });
    for (const fold of detail.querySelectorAll(".wire:not([open]), .again:not([open])")) {
      fold.open = true;
      fold.dataset.printed = "";
    }
  }

  afterPrint() {
    this.list.draw();
    for (const fold of detail.querySelectorAll("details[data-printed]")) {
      fold.open = false;
      delete fold.dataset.printed;
    }
  }
}

start();
