// Shows tables that a command adds to the run: of rules that were met, of mutants that were noticed.

function tableSection({ id, title, columns, rows }, byId) {
  return h("section", { id },
    h("h2", {}, title),
    h("div.sheet", { tabindex: 0, role: "group", "aria-label": title },
      h("table.compared", {},
        h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, rows.map((row) => tableRow(row, byId))))));
}

function tableRow({ tone, cells, scenario }, byId) {
  const [first, ...rest] = cells;
  const row = scenario ? byId.get(scenario) : null;
  return h("tr", { class: tone },
    h("td", {}, h("b", {}, first)),
    rest.map((text, place) => h("td", {},
      row && place === rest.length - 1 ? h("a", { href: addressOfScenario(row), title: row.name }, text)
        : text)));
}
