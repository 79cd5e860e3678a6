// One parameter over its values: each figure's median and spread over the seeds.

function addSweep(sweep) {
  const runs = sum(sweep.points.map((point) => point.runs));
  const passed = sum(sweep.points.map((point) => point.succeeded));
  const left = sum(sweep.points.map((point) => point.unfinished_seeds.length));
  const unfinished = left > 0 ? `; interrupted with ${format.count(left)} to go` : "";
  addHeadline("Testnet sweep", sweep.scenario, `${sweep.parameter} over `
    + `${counted(sweep.points.length, "value")}.`, { met: passed === runs,
    text: passed === runs ? `Every run passed${unfinished}`
      : `${format.count(runs - passed)} of ${counted(runs, "run")} failed${unfinished}` });
  addFacts([["Parameter", sweep.parameter, true], ["Values", format.count(sweep.points.length)],
    ["Runs", format.count(runs)], ["Took", format.seconds(sweep.wall_seconds)]]);
  addCommand(sweep.command);
  addSuccess(sweep);
  addSweepFigures(sweep);
  addSweepTable(sweep);
  addFailures(sweep.points.flatMap((point) => point.failures.map((failure) => ({
    of: point.value, ...failure }))));
  addContents();
}

function addSuccess(sweep) {
  const section = addSection("success", "Runs that passed");
  if (sweep.points.length === 0) return addEmpty(section, "No values were asked for.");
  section.append(dataTable("Runs that passed", [
    { title: sweep.parameter, value: (point) => point.value },
    { title: "Passed", number: true, value: (point) => `${point.succeeded} of ${point.runs}` },
    { title: "Share", number: true, value: (point) => format.share(point.succeeded / point.runs) },
    { title: "Failed seeds", value: (point) => point.failed_seeds.join(", ") || kMissing },
    { title: "Not finished", number: true,
      value: (point) => format.count(point.unfinished_seeds.length) },
  ], sweep.points).node);
}

function figureNames(sweep) {
  const names = new Set(sweep.points.flatMap((point) => Object.keys(point.figures)));
  const known = Object.keys(kFigureTitles).filter((name) => names.has(name));
  return [...new Set([...known, ...names])];
}

function addSweepFigures(sweep) {
  const section = addSection("figures", `Figures over ${sweep.parameter}`,
    "The line is the median over the seeds, the band reaches from the 5th to the 95th percentile, "
    + "each dot is a run. Values stand side by side, whatever their distance.");
  const names = figureNames(sweep);
  if (names.length === 0) return addEmpty(section, "No run gave a figure.");
  const grid = element("div", { class: "pair" });
  section.append(grid);
  for (const name of names) {
    const place = addFigure(grid, describeFigure(name).title);
    drawAtWidth(place, (width) => drawFigure(place, width, sweep, name));
  }
}

function drawFigure(place, width, sweep, name) {
  const { title, text } = describeFigure(name);
  const drawing = addDrawing(place, width, 230, `${title} over ${sweep.parameter}`,
    { ...kMargin, left: 68 });
  const points = sweep.points.map((point, i) => ({ i, value: point.value, ...point.figures[name] }))
    .filter((point) => point.values !== undefined && point.values.length > 0);
  const most = Math.max(...points.map((point) => point.maximum));
  const ticks = text === format.seconds ? durationTicks(most, 3) : roundTicks(most, 3);
  const y = addValueAxis(drawing, ticks, text);
  const x = addValueNames(drawing, sweep);
  const line = (key) => points.map((point) => [x(point.i), y(point[key])]);
  drawing.svg.append(shape("path", { class: "band", d: bandPath(line("p5"), line("p95")) }));
  for (const point of points) {
    for (const value of point.values) {
      drawing.svg.append(shape("circle", { class: "run", cx: x(point.i), cy: y(value), r: 2.5 }));
    }
  }
  drawing.svg.append(shape("path", { class: "line median", d: linePath(line("median")) }));
  for (const point of points) {
    drawing.svg.append(shape("circle", { class: "median", cx: x(point.i), cy: y(point.median),
                                         r: 4 }));
  }
  addCrosshair(drawing, points.map((point) => x(point.i)), (i) => ({
    title: `${sweep.parameter} ${points[i].value}`,
    lines: [["median", text(points[i].median)],
      ["5 to 95 %", `${text(points[i].p5)} to ${text(points[i].p95)}`],
      ["least, most", `${text(points[i].minimum)}, ${text(points[i].maximum)}`],
      ["runs", format.count(points[i].values.length)]] }));
}

// The parameter's values along the bottom, fewer where they would touch.
function addValueNames(drawing, sweep) {
  const last = Math.max(1, sweep.points.length - 1);
  const x = scale(0, last, drawing.left + 16, drawing.right - 16);
  const longest = Math.max(...sweep.points.map((point) => point.value.length));
  const room = (drawing.right - drawing.left) / sweep.points.length;
  const every = Math.ceil((Math.min(longest, 14) * 7.5 + 8) / room);
  sweep.points.forEach((point, i) => {
    if (i % every !== 0) return;
    addText(drawing, x(i), drawing.bottom + 19, shortened(point.value, 14),
      { class: "axis", "text-anchor": "middle" });
  });
  drawing.svg.append(shape("line", { class: "baseline", x1: drawing.left, x2: drawing.right,
                                     y1: drawing.bottom, y2: drawing.bottom }));
  return x;
}

function addSweepTable(sweep) {
  const section = addSection("values", "Medians");
  const names = figureNames(sweep);
  if (names.length === 0) return addEmpty(section, "No run gave a figure.");
  section.append(dataTable("Median of each figure", [
    { title: sweep.parameter, value: (point) => point.value },
    ...names.map((name) => ({ title: describeFigure(name).title, number: true,
      sortable: (point) => point.figures[name]?.median ?? null,
      value: (point) => (point.figures[name] === undefined ? kMissing
        : describeFigure(name).text(point.figures[name].median)) })),
  ], sweep.points).node);
}
