// How long members took, each from its own start: the share of them that had got there by then.

function addDistributions(run) {
  const section = addSection("times", "Times to a tunnel",
    "Each member from its own start. A curve that ends below 100 % tells of members that never "
    + "got there.");
  const members = run.nodes.filter((node) => node.role === "member");
  const grid = element("div", { class: "pair" });
  section.append(grid);
  let drawn = 0;
  for (const [key, figures, title] of [
    ["first_tunnel_seconds", "first_tunnel", "To the first tunnel"],
    ["all_tunnels_seconds", "all_tunnels", "To all tunnels that a path permits"]]) {
    const times = members.map((node) => node[key]).filter((time) => time !== null);
    if (times.length === 0) continue;
    drawn += 1;
    const place = addFigure(grid,
      `${title} (${format.count(times.length)} of ${counted(members.length, "member")})`);
    const marks = [["median", 0.5, run.figures[`${figures}_p50_seconds`]],
                   ["95 %", 0.95, run.figures[`${figures}_p95_seconds`]]];
    times.sort((a, b) => a - b);
    drawAtWidth(place, (width) => drawTimes(place, width, title, times, members.length, marks));
  }
  if (drawn === 0) addEmpty(section, "No member had a tunnel.");
}

function drawTimes(place, width, title, times, members, marks) {
  const drawing = addDrawing(place, width, 250, `${title}: share of members over time`);
  const y = addValueAxis(drawing, [0, 0.25, 0.5, 0.75, 1], format.share);
  const end = times.at(-1) * 1.06 || 1;
  const x = addTimeAxis(drawing, end);
  const points = [[x(0), y(0)], ...times.map((time, i) => [x(time), y((i + 1) / members)]),
                  [x(end), y(times.length / members)]];
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
    lines: [["members by then", format.count(i + 1)],
      ["share", format.share((i + 1) / members)]] }));
}
