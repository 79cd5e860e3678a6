// Where the map puts each node, whatever the size of its canvas. A layout has
//   place(width, height)   a point for each node
//   names(width, height)   what to write where
//   dot(width, height)     the radius of a member

const kMapEdge = 36;

// On the map if the nodes are in several cities, else on a ring, group by group.
function layoutOf(nodes) {
  const cities = new Set(nodes.filter(isSomewhere).map((node) => `${node.x} ${node.y}`));
  return cities.size > 1 ? cityLayout(nodes) : ringLayout(nodes);
}

function isSomewhere(node) {
  return node.city !== "";
}

// Nodes of one place spread around it like the seeds of a sunflower.
const kGoldenAngle = Math.PI * (3 - Math.sqrt(5));
const kSeatGap = 7.5;
// Nor does a crowd reach farther than this share of the map.
const kCrowdShareMax = 0.16;
// Half a city's name fits beside the outermost city.
const kNameEdge = 46;

// Crowds: the nodes of one place. Members sit in its middle.
function crowdsOf(nodes) {
  const crowds = new Map();
  const members = (wanted) => nodes.forEach((node, i) => {
    if ((node.role === "member") !== wanted) return;
    const key = isSomewhere(node) ? `${node.x} ${node.y}` : "nowhere";
    const crowd = crowds.get(key) ?? { x: node.x, y: node.y, name: node.city, seats: [] };
    crowds.set(key, crowd);
    crowd.seats.push(i);
  });
  members(true);
  members(false);
  return [...crowds.values()];
}

// The cities fill the map, however near each other they are; who is nowhere is left of them.
function cityLayout(nodes) {
  const crowds = crowdsOf(nodes);
  const cities = crowds.filter((crowd) => crowd.name !== "");
  const largest = Math.max(...crowds.map((crowd) => crowd.seats.length));
  const range = (key) => [Math.min(...cities.map((crowd) => crowd[key])),
                          Math.max(...cities.map((crowd) => crowd[key]))];
  const axis = ([low, high], from, to) => (low === high ? () => (from + to) / 2
    : scale(low, high, from, to));
  // Where places are in a canvas of this size, and how far apart seats are there.
  const grid = (width, height) => {
    const widest = kCrowdShareMax * Math.min(width, height);
    const gap = Math.min(kSeatGap, widest / Math.sqrt(largest));
    const reach = gap * Math.sqrt(largest);
    const margin = cities.length < crowds.length ? 20 + 2 * reach : 0;
    const x = axis(range("x"), margin + kNameEdge + reach / 2, width - kNameEdge - reach / 2);
    const y = axis(range("y"), 20 + reach, height - 38 - reach);
    return { gap, spot: (crowd) => (crowd.name === "" ? { x: 20 + reach, y: height / 2 }
      : { x: x(crowd.x), y: y(crowd.y) }) };
  };
  return {
    place(width, height) {
      const { gap, spot } = grid(width, height);
      const places = [];
      for (const crowd of crowds) {
        const { x, y } = spot(crowd);
        crowd.seats.forEach((node, seat) => {
          const radius = gap * Math.sqrt(seat);
          places[node] = { x: x + radius * Math.cos(seat * kGoldenAngle),
                           y: y + radius * Math.sin(seat * kGoldenAngle) };
        });
      }
      return places;
    },
    names(width, height) {
      const { gap, spot } = grid(width, height);
      return cities.map((crowd) => ({ name: crowd.name, x: spot(crowd).x, align: "center",
        y: spot(crowd).y + 17 + gap * Math.sqrt(crowd.seats.length - 1) }));
    },
    dot: (width, height) => Math.max(1.5, Math.min(5, grid(width, height).gap * 0.67)),
  };
}

// Members on one ring, all others on a second one around it.
function ringLayout(nodes) {
  const order = nodes.map((node, i) => i)
    .sort((a, b) => nodes[a].group.localeCompare(nodes[b].group) || a - b);
  const members = order.filter((node) => nodes[node].role === "member");
  const others = order.filter((node) => nodes[node].role !== "member");
  const angle = (position, count) => position / count * 2 * Math.PI - Math.PI / 2;
  const point = (width, height, turn, factor) => ({
    x: width / 2 + (width / 2 - Math.min(150, width / 4)) * factor * Math.cos(turn),
    y: height / 2 + (height / 2 - kMapEdge) * factor * Math.sin(turn) });
  return {
    place(width, height) {
      const places = [];
      for (const [ring, factor] of [[members, 0.88], [others, 1]]) {
        ring.forEach((node, position) => {
          places[node] = point(width, height, angle(position, ring.length), factor);
        });
      }
      return places;
    },
    names(width, height) {
      return groupMiddles(nodes, members).map(({ name, middle }) => {
        const turn = angle(middle, members.length);
        const side = Math.cos(turn);
        const { x, y } = point(width, height, turn, 1);
        return { name: shortened(name, 18), x: x + 12 * side, y: y + 16 * Math.sin(turn),
                 align: Math.abs(side) < 0.25 ? "center" : side > 0 ? "left" : "right" };
      });
    },
    dot: (width, height) => Math.max(1.5, Math.min(5, 0.9 * (width + height) / nodes.length)),
  };
}

function groupMiddles(nodes, order) {
  const groups = new Map();
  order.forEach((node, position) => {
    const name = nodes[node].group;
    groups.set(name, { first: groups.get(name)?.first ?? position, last: position });
  });
  return [...groups].map(([name, { first, last }]) => ({ name, middle: (first + last) / 2 }));
}
