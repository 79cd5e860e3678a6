// Everything that happened: marks on the run's axis of time, a lane for each kind, and a table.

const kLanePitch = 24;

function addTimeline(run, map) {
  const section = addSection("timeline", "Events",
    "What the scenario did to the mesh, and what was violated.");
  if (run.timeline.length === 0) return addEmpty(section, "Nothing happened.");
  const kinds = [...new Set(run.timeline.map((entry) => entry.kind))];
  // Starts are many and expected: they are shown on demand, unless there is nothing else.
  const shown = new Set(kinds.length > 1 ? kinds.filter((kind) => kind !== "start") : kinds);
  const visible = () => run.timeline.filter((entry) => shown.has(entry.kind));
  const place = addFigure(section, "Each event at its moment");
  drawAtWidth(place, (width) => drawLanes(place, width, run, kinds));
  const table = dataTable("Events", [
    { title: "At", sortable: (entry) => entry.at_seconds,
      value: (entry) => momentCell(entry, map) },
    { title: "Kind", sortable: (entry) => entry.kind, value: (entry) => format.words(entry.kind) },
    { title: "What", value: (entry) => entry.text },
    { title: "Nodes", value: (entry) => namesOf(entry, run) },
  ], visible());
  const filter = element("fieldset", { class: "filter" }, element("legend", {}, "Show"));
  for (const kind of kinds) {
    const box = element("input", { type: "checkbox", checked: shown.has(kind), change: () => {
      if (box.checked) shown.add(kind);
      else shown.delete(kind);
      table.show(visible());
    } });
    const count = run.timeline.filter((entry) => entry.kind === kind).length;
    filter.append(element("label", {}, box, `${format.words(kind)} (${format.count(count)})`));
  }
  section.append(filter, table.node);
}

// A moment that can be looked at on the map.
function momentCell(entry, map) {
  const text = format.seconds(entry.at_seconds);
  if (!map) return text;
  return element("button", { type: "button", class: "moment", title: "Show on the map",
    click: () => {
      map.goTo(entry.at_seconds);
      document.getElementById("map").scrollIntoView();
    } }, text);
}

const kNamesMax = 3;

function namesOf(entry, run) {
  const names = entry.nodes.slice(0, kNamesMax).map((node) => run.nodes[node].name);
  const rest = entry.nodes.length - names.length;
  return names.join(", ") + (rest > 0 ? ` and ${format.count(rest)} more` : "");
}

function drawLanes(place, width, run, kinds) {
  const names = Math.min(140, Math.floor(width * 0.3));
  const drawing = addDrawing(place, width, kinds.length * kLanePitch + 50, "Events over time",
    { top: 10, bottom: 40, left: names, right: 20 });
  const x = addTimeAxis(drawing, endOf(run));
  kinds.forEach((kind, lane) => {
    const y = drawing.top + lane * kLanePitch + kLanePitch / 2;
    addText(drawing, drawing.left - 10, y + 4, shortened(format.words(kind), (names - 10) / 7),
      { class: "axis", "text-anchor": "end" });
    drawing.svg.append(shape("line", { class: "grid", x1: drawing.left, x2: drawing.right, y1: y,
                                       y2: y }));
    const entries = run.timeline.filter((entry) => entry.kind === kind);
    for (const entry of entries) {
      const mark = shape("circle", { class: kind === "violation" ? "event violation" : "event",
                                     cx: x(entry.at_seconds), cy: y, r: 4.5 });
      drawing.svg.append(mark);
      addTooltip(mark, format.seconds(entry.at_seconds), () => [[entry.text, ""]]);
    }
  });
}
