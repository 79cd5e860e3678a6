// Who sent how much of what, and what the internet did not deliver.

// Bars of single nodes: the largest senders.
const kTrafficNodesMax = 40;

function trafficParts(run) {
  return run.traffic_kinds.map((kind, i) => ({ name: format.kind(kind),
                                               color: `var(--kind-${i})` }));
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

function addTraffic(run) {
  const section = addSection("traffic", "Traffic", "Bytes on the wire as sent, headers included.");
  const total = sum(run.nodes.map((node) => sum(node.sent.bytes)));
  if (total === 0) return addEmpty(section, "Nothing was sent.");
  const parts = trafficParts(run);
  section.append(legend(parts));
  addBars(addFigure(section, "An average node of each group"), "Bytes sent by group",
    groupRows(run), parts, format.bytes);
  const rows = run.nodes.map((node) => ({ name: node.name, values: node.sent.bytes,
                                          total: sum(node.sent.bytes) }))
    .sort((a, b) => b.total - a.total).slice(0, kTrafficNodesMax);
  const caption = rows.length < run.nodes.length
    ? `The ${rows.length} nodes that sent most, of ${format.count(run.nodes.length)}`
    : "Every node";
  const details = element("details", { open: true },
    element("summary", {}, caption));
  section.append(details);
  const place = element("div", { class: "chart" });
  details.append(place);
  addBars(place, "Bytes sent by node", rows, parts, format.bytes);
  section.append(trafficTable(run, total));
}

function groupRows(run) {
  const groups = new Map();
  for (const node of run.nodes) {
    const group = groups.get(node.group) ?? { nodes: 0, values: node.sent.bytes.map(() => 0) };
    group.nodes += 1;
    node.sent.bytes.forEach((bytes, kind) => { group.values[kind] += bytes; });
    groups.set(node.group, group);
  }
  return [...groups].map(([name, group]) => {
    const values = group.values.map((bytes) => bytes / group.nodes);
    return { name: `${name} × ${group.nodes}`, values, total: sum(values) };
  }).sort((a, b) => b.total - a.total);
}

function trafficTable(run, total) {
  const rows = run.traffic_kinds.map((kind, i) => ({
    kind: format.kind(kind),
    packets: sum(run.nodes.map((node) => node.sent.packets[i])),
    bytes: sum(run.nodes.map((node) => node.sent.bytes[i])),
  }));
  rows.push({ kind: "total", packets: sum(rows.map((row) => row.packets)), bytes: total });
  return dataTable("Traffic of all nodes by kind", [
    { title: "All nodes", value: (row) => row.kind },
    { title: "Packets", number: true, value: (row) => format.count(row.packets) },
    { title: "Bytes", number: true, value: (row) => format.bytes(row.bytes) },
    { title: "Share", number: true, value: (row) => format.share(row.bytes / total) },
  ], rows).node;
}

function addDrops(run) {
  const section = addSection("drops", "Packets dropped", "By the cause at which they ended.");
  const { arrived, ...causes } = run.packets;
  const rows = Object.entries(causes).filter(([, packets]) => packets > 0)
    .map(([cause, packets]) => ({ name: format.words(cause), values: [packets], total: packets }))
    .sort((a, b) => b.total - a.total);
  if (rows.length === 0) return addEmpty(section, "Every packet arrived.");
  const dropped = sum(rows.map((row) => row.total));
  const share = format.share(dropped / (dropped + arrived));
  addBars(addFigure(section, `${counted(dropped, "packet")}, ${share} of all`),
    "Packets dropped by cause", rows, [{ name: "packets", color: "var(--lost)" }], format.count);
}
