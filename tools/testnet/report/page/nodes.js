// Every node in a table that sorts by any column.

function addNodes(run) {
  const section = addSection("nodes", "Nodes", "A click on a column’s title sorts by it.");
  if (run.nodes.length === 0) return addEmpty(section, "There were no nodes.");
  const text = (title, key) => ({ title, value: (node) => node[key] || kMissing,
                                  sortable: (node) => node[key] });
  const number = (title, value, show = format.count) => ({ title, number: true, sortable: value,
    value: (node) => show(value(node)) });
  const lost = (node) => (node.pings_sent > 0 ? node.pings_lost / node.pings_sent : null);
  const table = dataTable("Nodes", [
    text("Name", "name"), text("Role", "role"), text("NAT", "nat"), text("City", "city"),
    number("Started", (node) => node.started_seconds, format.seconds),
    number("First tunnel", (node) => node.first_tunnel_seconds, format.seconds),
    number("All tunnels", (node) => node.all_tunnels_seconds, format.seconds),
    number("Pings lost", lost, format.share),
    number("Sent", (node) => sum(node.sent.bytes), format.bytes),
    number("Received", (node) => sum(node.received.bytes), format.bytes),
    number("DHT requests", (node) => node.dht_requests),
    number("DHT stored", (node) => node.dht_stored_bytes, format.bytes),
    number("DHT nodes", (node) => node.dht_nodes_known),
    number("CPU", (node) => node.cpu_seconds, format.seconds),
  ], run.nodes).node;
  table.classList.add("compact");
  section.append(table);
}
