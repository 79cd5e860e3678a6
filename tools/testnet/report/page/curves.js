// Convergence: how the mesh came together, and what was lost meanwhile, on one axis of time.

// More bars than this are thinner than a pixel's worth of meaning.
const kLossBarsMax = 120;
// Marks of events over the curves: with more, the curves drown.
const kCurveMarksMax = 30;

function addCurves(run) {
  const section = addSection("convergence", "Convergence",
    "Pairs of running members with a tunnel that stands on both sides, against those that some "
    + "path permits.");
  const samples = run.samples;
  if (samples.at_seconds.length === 0) return addEmpty(section, "No samples were taken.");
  section.append(legend([{ name: "direct", color: "var(--direct)" },
    { name: "relayed", color: "var(--relayed)" },
    { name: "possible", color: "var(--ink)", dashed: true }]));
  const pairs = addFigure(section, "Pairs with a tunnel");
  drawAtWidth(pairs, (width) => drawPairs(pairs, width, run));
  const members = addFigure(section, "Members running");
  drawAtWidth(members, (width) => drawMembers(members, width, run));
  const lost = addFigure(section, "Pings lost, per interval");
  drawAtWidth(lost, (width) => drawLost(lost, width, run));
}

function endOf(run) {
  return Math.max(run.simulated_seconds, run.samples.at_seconds.at(-1) ?? 0, 1e-9);
}

function drawPairs(place, width, run) {
  const { at_seconds: at, pairs_possible: possible, pairs_direct: direct,
          pairs_relayed: relayed } = run.samples;
  const drawing = addDrawing(place, width, 300, "Pairs with a tunnel over time");
  const total = direct.map((count, i) => count + relayed[i]);
  const y = addValueAxis(drawing, roundTicks(Math.max(...possible, ...total), 5), format.count);
  const x = addTimeAxis(drawing, endOf(run));
  const curve = (values) => values.map((value, i) => [x(at[i]), y(value)]);
  const ground = at.map((time) => [x(time), drawing.bottom]);
  drawing.svg.append(
    shape("path", { class: "area direct", d: bandPath(ground, curve(direct)) }),
    shape("path", { class: "area relayed", d: bandPath(curve(direct), curve(total)) }),
    shape("path", { class: "line direct", d: linePath(curve(direct)) }),
    shape("path", { class: "line possible", d: stepPath(curve(possible)) }));
  addEventMarks(drawing, run, x);
  addCrosshair(drawing, at.map(x), (i) => ({ title: format.seconds(at[i]), lines: [
    ["direct", format.count(direct[i]), "var(--direct)"],
    ["relayed", format.count(relayed[i]), "var(--relayed)"],
    ["possible", format.count(possible[i])],
    ["connected", format.share(total[i] / possible[i])]] }));
}

// Where something happened that may explain a dip.
function addEventMarks(drawing, run, x) {
  const marks = run.timeline.filter((entry) => entry.kind !== "start");
  if (marks.length > kCurveMarksMax) return;
  for (const entry of marks) {
    drawing.svg.append(shape("line", { class: "mark", x1: x(entry.at_seconds),
      x2: x(entry.at_seconds), y1: drawing.top - 8, y2: drawing.bottom }));
  }
}

function drawMembers(place, width, run) {
  const { at_seconds: at, members_running: members } = run.samples;
  const drawing = addDrawing(place, width, 150, "Members running over time");
  const y = addValueAxis(drawing, roundTicks(Math.max(...members), 2), format.count);
  const x = addTimeAxis(drawing, endOf(run));
  const points = members.map((count, i) => [x(at[i]), y(count)]);
  drawing.svg.append(shape("path", { class: "line members", d: stepPath(points) }));
  addCrosshair(drawing, at.map(x), (i) => ({ title: format.seconds(at[i]),
    lines: [["running", format.count(members[i])]] }));
}

function drawLost(place, width, run) {
  const bins = binnedPings(run.samples);
  const drawing = addDrawing(place, width, 150, "Share of pings lost over time");
  const shares = bins.map((bin) => (bin.sent > 0 ? bin.lost / bin.sent : 0));
  const ticks = roundTicks(Math.max(...shares, 0.01), 2);
  const y = addValueAxis(drawing, ticks, format.share);
  const x = addTimeAxis(drawing, endOf(run));
  bins.forEach((bin, i) => {
    const wide = Math.max(x(bin.to) - x(bin.from) - 1, 1);
    drawing.svg.append(shape("rect", { class: "lost", x: x(bin.from), width: wide,
      y: y(shares[i]), height: drawing.bottom - y(shares[i]) }));
  });
  addCrosshair(drawing, bins.map((bin) => x((bin.from + bin.to) / 2)), (i) => ({
    title: `${format.seconds(bins[i].from)} to ${format.seconds(bins[i].to)}`,
    lines: [["sent", format.count(bins[i].sent)], ["lost", format.count(bins[i].lost)],
      ["share", bins[i].sent > 0 ? format.share(shares[i]) : kMissing]] }));
}

function binnedPings(samples) {
  const { at_seconds: at, pings_sent: sent, pings_lost: lost } = samples;
  const size = Math.ceil(at.length / kLossBarsMax);
  const bins = [];
  for (let first = 0; first < at.length; first += size) {
    const last = Math.min(first + size, at.length) - 1;
    const bin = { from: first === 0 ? 0 : at[first - 1], to: at[last], sent: 0, lost: 0 };
    for (let i = first; i <= last; i += 1) {
      bin.sent += sent[i];
      bin.lost += lost[i];
    }
    bins.push(bin);
  }
  return bins;
}
