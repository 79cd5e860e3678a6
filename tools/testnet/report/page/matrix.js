// Which kinds of NAT meet, how often and how fast: a heat map whose numbers can be read.

function addMatrix(matrix) {
  // The matrix is symmetric: each pair of kinds counts once.
  const cells = matrix.cells.flatMap((row, i) => row.slice(0, i + 1));
  const possible = cells.filter((cell) => cell.possible);
  const runs = sum(possible.map((cell) => cell.runs));
  const direct = sum(possible.map((cell) => cell.direct));
  const relayed = sum(possible.map((cell) => cell.relayed));
  const none = runs - direct - relayed;
  const failed = sum(cells.map((cell) => cell.failed));
  addHeadline("Testnet matrix", "Who reaches whom through which NAT",
    "Two members, each behind one kind of NAT, over many seeds.",
    { met: failed === 0, text: (failed === 0 ? "Every pair that has a path found it"
      : `${counted(failed, "run")} failed`)
      + (matrix.interrupted ? "; interrupted before all runs were finished" : "") });
  addTiles([
    { name: "Direct", value: format.share(direct / runs), note: "of the pairs with a path" },
    { name: "Relayed", value: format.share(relayed / runs) },
    { name: "No tunnel", value: format.share(none / runs) },
    { name: "Pairs of kinds", value: format.count(cells.length),
      note: `${format.count(possible.length)} with a path` },
  ]);
  addFacts([["Runs", format.count(sum(cells.map((cell) => cell.runs)))],
    ["First tunnel, median", format.seconds(matrix.p50_seconds)],
    ["First tunnel, 95 %", format.seconds(matrix.p95_seconds)],
    ["Took", format.seconds(matrix.wall_seconds)]]);
  addCommand(matrix.command);
  addHeatMap(matrix);
  addMatrixTable(matrix);
  addFailures(matrix.kinds.flatMap((kind, row) => matrix.kinds.slice(0, row + 1)
    .flatMap((other, column) => matrix.cells[row][column].failures.map((failure) => ({
      of: `${format.words(kind)} and ${format.words(other)}`, ...failure })))));
  addContents();
}

function addHeatMap(matrix) {
  const section = addSection("matrix", "Matrix",
    "The share of runs that ended with a tunnel, and the median time to it. The colour says "
    + "whether the tunnels were direct or relayed, the bar how many.");
  if (matrix.kinds.length === 0) return addEmpty(section, "No kinds were asked for.");
  section.append(legend([{ name: "direct", color: "var(--direct)" },
    { name: "relayed", color: "var(--relayed)" }, { name: "none", color: "var(--none)" }]));
  const head = element("tr", {}, element("td"), matrix.kinds.map((kind) =>
    element("th", { scope: "col" }, element("span", {}, format.words(kind)))));
  const rows = matrix.kinds.map((kind, row) => element("tr", {},
    element("th", { scope: "row" }, format.words(kind)),
    matrix.kinds.map((other, column) => heatCell(matrix, row, column))));
  section.append(element("div", { class: "scroller", tabindex: "0", role: "region",
                                  "aria-label": "Matrix" },
    element("table", { class: "heat" }, element("thead", {}, head), element("tbody", {}, rows))));
}

function heatCell(matrix, row, column) {
  const cell = matrix.cells[row][column];
  const names = `${format.words(matrix.kinds[row])} and ${format.words(matrix.kinds[column])}`;
  if (cell.runs === 0) return blankCell(names, "not begun", "interrupted before its first run");
  if (!cell.possible) return blankCell(names, "no path", "no path exists");
  const none = cell.runs - cell.direct - cell.relayed;
  const part = (name, count) => element("i", { class: name, style: `flex-grow: ${count}` });
  const percent = (count) => Math.round(count / cell.runs * 100);
  const node = element("td", { tabindex: "0", style:
    `--direct-share: ${percent(cell.direct)}; --relayed-share: ${percent(cell.relayed)}` },
    element("b", {}, format.share((cell.direct + cell.relayed) / cell.runs)),
    element("span", {}, format.seconds(cell.p50_seconds)),
    element("span", { class: "parts", "aria-hidden": "true" },
      part("direct", cell.direct), part("relayed", cell.relayed), part("none", none)));
  addTooltip(node, names, () => [
    ["direct", `${cell.direct} of ${cell.runs}`, "var(--direct)"],
    ["relayed", format.count(cell.relayed), "var(--relayed)"],
    ["none", format.count(none), "var(--none)"],
    ["median", format.seconds(cell.p50_seconds)], ["95 %", format.seconds(cell.p95_seconds)],
    ["direct, median", format.seconds(cell.direct_p50_seconds)],
    ["direct, 95 %", format.seconds(cell.direct_p95_seconds)],
    ...(cell.relayed_seeds.length > 0 ? [["relayed seeds", cell.relayed_seeds.join(", ")]] : []),
    ...(cell.failed_seeds.length > 0 ? [["failed seeds", cell.failed_seeds.join(", ")]] : [])]);
  return node;
}

function blankCell(names, text, reason) {
  const blank = element("td", { class: "impossible", tabindex: "0" }, text);
  addTooltip(blank, names, () => [[reason, ""]]);
  return blank;
}

function addMatrixTable(matrix) {
  const section = addSection("pairs", "Pairs of kinds");
  const rows = [];
  matrix.kinds.forEach((kind, row) => matrix.kinds.slice(0, row + 1).forEach((other, column) => {
    rows.push({ kind: format.words(kind), other: format.words(other),
                ...matrix.cells[row][column] });
  }));
  if (rows.length === 0) return addEmpty(section, "No kinds were asked for.");
  const number = (title, value, show = format.count) => ({ title, number: true, sortable: value,
    value: (row) => show(value(row)) });
  section.append(dataTable("Pairs of kinds", [
    { title: "One", value: (row) => row.kind, sortable: (row) => row.kind },
    { title: "Other", value: (row) => row.other, sortable: (row) => row.other },
    { title: "Path", value: (row) => (row.possible ? "yes" : "none"),
      sortable: (row) => Number(row.possible) },
    number("Runs", (row) => row.runs), number("Direct", (row) => row.direct),
    number("Relayed", (row) => row.relayed),
    number("None", (row) => row.runs - row.direct - row.relayed),
    number("Median", (row) => row.p50_seconds, format.seconds),
    number("95 %", (row) => row.p95_seconds, format.seconds),
    number("Direct, median", (row) => row.direct_p50_seconds, format.seconds),
    number("Direct, 95 %", (row) => row.direct_p95_seconds, format.seconds),
    { title: "Failed seeds", value: (row) => row.failed_seeds.join(", ") || kMissing },
  ], rows).node);
}
