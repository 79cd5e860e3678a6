// How long members took, each from its own start, and pairs, from the later one's: the share of them
// that had got there by then.

function addDistributions(run) {
  const section = addSection("times", "Times to a tunnel",
    "Each member from its own start, a pair from its later one's. A curve that ends below 100 % "
    + "tells of those that never got there.");
  const members = run.nodes.filter((node) => node.role === "member");
  const grid = element("div", { class: "pair" });
  section.append(grid);
  let drawn = 0;
  const pairs = members.length * (members.length - 1) / 2;
  const timesOf = (key) => members.map((node) => node[key]).filter((time) => time !== null);
  for (const [times, figures, title, all, noun] of [
    [timesOf("first_tunnel_seconds"), "first_tunnel", "To the first tunnel", members.length,
      "member"],
    [directTimes(run), "first_direct", "To a pair's first direct tunnel", pairs, "pair"],
    [timesOf("all_tunnels_seconds"), "all_tunnels", "To all tunnels that a path permits",
      members.length, "member"]]) {
    if (times.length === 0) continue;
    drawn += 1;
    const place = addFigure(grid,
      `${title} (${format.count(times.length)} of ${counted(all, noun)})`);
    const marks = [["median", 0.5, run.figures[`${figures}_p50_seconds`]],
                   ["95 %", 0.95, run.figures[`${figures}_p95_seconds`]]];
    times.sort((a, b) => a - b);
    drawAtWidth(place, (width) => drawTimes(place, width, title, times, all, noun, marks));
  }
  if (drawn === 0) addEmpty(section, "No member had a tunnel.");
}

// Of each pair; none if the changes are not all there.
function directTimes(run) {
  const times = new Map();
  const started = (node) => run.nodes[node].started_seconds ?? 0;
  const { at_seconds: at, a, b, state } = run.changes;
  for (let i = 0; i < state.length && run.changes_dropped === 0; i += 1) {
    const pair = `${a[i]} ${b[i]}`;
    if (state[i] !== "direct" || times.has(pair)) continue;
    times.set(pair, at[i] - Math.max(started(a[i]), started(b[i])));
  }
  return [...times.values()];
}

function drawTimes(place, width, title, times, all, noun, marks) {
  const drawing = addDrawing(place, width, 250, `${title}: share of ${noun}s over time`);
  const y = addValueAxis(drawing, [0, 0.25, 0.5, 0.75, 1], format.share);
  const end = times.at(-1) * 1.06 || 1;
  const x = addTimeAxis(drawing, end);
  const points = [[x(0), y(0)], ...times.map((time, i) => [x(time), y((i + 1) / all)]),
                  [x(end), y(times.length / all)]];
  drawing.svg.append(shape("path", { class: "line times", d: stepPath(points) }));
  marks.forEach(([name, , time], i) => {
    const late = x(time) > drawing.left + (drawing.right - drawing.left) * 0.6;
    drawing.svg.append(shape("line", { class: "percentile", x1: x(time), x2: x(time),
      y1: drawing.top, y2: drawing.bottom }));
    addText(drawing, x(time) + (late ? -6 : 6), drawing.bottom - 28 + i * 18,
      `${name} ${format.seconds(time)}`,
      { class: "value halo", "text-anchor": late ? "end" : "start" });
  });
  addCrosshair(drawing, times.map(x), (i) => ({ title: format.seconds(times[i]),
    lines: [[`${noun}s by then`, format.count(i + 1)],
      ["share", format.share((i + 1) / all)]] }));
}
