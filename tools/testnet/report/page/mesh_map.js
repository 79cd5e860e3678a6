// The mesh at any moment: nodes at their places, tunnels as lines, on a canvas, since thousands of
// lines move with the slider. The state of every pair is rebuilt from the run's changes.

// The whole run plays in so many seconds.
const kPlaySeconds = 15;
const kMapHeightMax = 560;
const kMapEdge = 36;
const kPairStates = ["none", "direct", "relayed"];

function addMap(run) {
  const section = addSection("map", "The mesh over time",
    "Filled dots are members, rings all other nodes. A dot is faint until its node first started.");
  if (run.nodes.length === 0) return addEmpty(section, "There were no nodes.");
  section.append(legend([{ name: "direct tunnel", color: "var(--direct)" },
    { name: "relayed tunnel", color: "var(--relayed)" }]));
  if (run.changes_dropped > 0) {
    section.append(element("p", { class: "note" }, `${format.count(run.changes_dropped)} changes `
      + "were not recorded: the last part of the map is older than it says."));
  }
  const canvas = element("canvas", { role: "img", "aria-label": "Map of the mesh" });
  const place = element("div", { class: "map" }, canvas);
  section.append(place);
  const pairs = new PairStates(run);
  const map = new MeshMap(canvas, run, pairs);
  const controls = addMapControls(section, run, pairs, map);
  atEachWidth(place, (width) => map.resize(width));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => map.draw());
  return controls;
}

// Which pairs have a tunnel at a moment.
class PairStates {
  constructor(run) {
    const { at_seconds: at, a, b, state } = run.changes;
    const ids = new Map();
    this.at = at;
    this.ends = [];
    this.pair = new Uint32Array(at.length);
    this.becomes = new Uint8Array(at.length);
    for (let i = 0; i < at.length; i += 1) {
      const key = a[i] * run.nodes.length + b[i];
      if (!ids.has(key)) {
        ids.set(key, this.ends.length);
        this.ends.push([a[i], b[i]]);
      }
      this.pair[i] = ids.get(key);
      this.becomes[i] = kPairStates.indexOf(state[i]);
    }
    this.states = new Uint8Array(this.ends.length);
    this.applied = 0;
    this.counts = [0, 0, 0];
  }

  // Forward from where it stands; back only by starting again, which is quick too.
  goTo(seconds) {
    if (this.applied > 0 && this.at[this.applied - 1] > seconds) {
      this.states.fill(0);
      this.counts = [0, 0, 0];
      this.applied = 0;
    }
    while (this.applied < this.at.length && this.at[this.applied] <= seconds) {
      const pair = this.pair[this.applied];
      this.counts[this.states[pair]] -= 1;
      this.states[pair] = this.becomes[this.applied];
      this.counts[this.states[pair]] += 1;
      this.applied += 1;
    }
  }
}

class MeshMap {
  constructor(canvas, run, pairs) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.run = run;
    this.pairs = pairs;
    this.seconds = run.simulated_seconds;
    this.layout = layoutOf(run.nodes);
    canvas.addEventListener("pointermove", (event) => this.describe(event));
    canvas.addEventListener("pointerleave", tooltip.hide);
  }

  resize(width) {
    const height = Math.min(kMapHeightMax, Math.max(300, Math.round(width * 0.62)));
    const density = window.devicePixelRatio || 1;
    Object.assign(this, { width, height });
    this.canvas.width = Math.round(width * density);
    this.canvas.height = Math.round(height * density);
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    this.context.setTransform(density, 0, 0, density, 0, 0);
    this.places = this.layout.place(width, height);
    this.draw();
  }

  goTo(seconds) {
    this.seconds = seconds;
    this.draw();
  }

  draw() {
    if (!this.places) return;
    const style = getComputedStyle(this.canvas);
    const color = (name) => style.getPropertyValue(name).trim();
    this.pairs.goTo(this.seconds);
    this.context.clearRect(0, 0, this.width, this.height);
    this.drawTunnels(1, color("--direct"));
    this.drawTunnels(2, color("--relayed"));
    this.drawNodes(color);
    this.drawNames(color, style.fontFamily);
  }

  // One path for all lines of a colour: thousands of single strokes would not keep up.
  drawTunnels(state, color) {
    const { context, pairs, places } = this;
    const count = pairs.counts[state];
    context.beginPath();
    pairs.ends.forEach(([a, b], pair) => {
      if (pairs.states[pair] !== state) return;
      context.moveTo(places[a].x, places[a].y);
      context.lineTo(places[b].x, places[b].y);
    });
    context.strokeStyle = color;
    context.lineWidth = count > 1000 ? 0.6 : 1;
    context.globalAlpha = count > 1000 ? 0.22 : count > 300 ? 0.4 : 0.6;
    context.stroke();
    context.globalAlpha = 1;
  }

  drawNodes(color) {
    const { context } = this;
    this.run.nodes.forEach((node, i) => {
      const { x, y } = this.places[i];
      const member = node.role === "member";
      const running = node.started_seconds !== null && node.started_seconds <= this.seconds;
      context.globalAlpha = running ? 1 : 0.3;
      context.beginPath();
      context.arc(x, y, member ? 5 : 3.5, 0, 2 * Math.PI);
      context.fillStyle = member ? color("--ink") : color("--surface");
      context.fill();
      context.lineWidth = 1.5;
      context.strokeStyle = member ? color("--surface") : color("--ink-soft");
      context.stroke();
    });
    context.globalAlpha = 1;
  }

  drawNames(color, family) {
    const { context } = this;
    context.font = `12px ${family}`;
    context.textBaseline = "middle";
    context.lineWidth = 4;
    context.lineJoin = "round";
    context.strokeStyle = color("--surface");
    context.fillStyle = color("--ink-soft");
    const taken = [];
    for (const { name, x, y, align } of this.layout.names(this.width, this.height)) {
      const wide = context.measureText(name).width;
      const left = align === "left" ? x : align === "right" ? x - wide : x - wide / 2;
      // Of two names that would lie over each other, the first stays.
      if (taken.some((box) => left < box.right && left + wide > box.left
                              && Math.abs(y - box.y) < 14)) continue;
      taken.push({ left, right: left + wide, y });
      context.textAlign = "left";
      context.strokeText(name, left, y);
      context.fillText(name, left, y);
    }
  }

  describe(event) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const distance = (place) => Math.hypot(place.x - x, place.y - y);
    let best = 0;
    this.places.forEach((place, i) => {
      if (distance(place) < distance(this.places[best])) best = i;
    });
    if (distance(this.places[best]) > 14) return tooltip.hide();
    const node = this.run.nodes[best];
    const tunnels = [0, 0, 0];
    this.pairs.ends.forEach(([a, b], pair) => {
      if (a === best || b === best) tunnels[this.pairs.states[pair]] += 1;
    });
    tooltip.show(event.clientX, event.clientY, node.name, [
      ["direct", format.count(tunnels[1]), "var(--direct)"],
      ["relayed", format.count(tunnels[2]), "var(--relayed)"],
      ["role", node.role], ["NAT", node.nat || kMissing], ["city", node.city || kMissing]]);
  }
}

// On the map if the nodes are at several places of it, else on a ring, group by group.
function layoutOf(nodes) {
  const spots = new Set(nodes.map((node) => `${node.x} ${node.y}`));
  return spots.size > 1 ? cityLayout(nodes) : ringLayout(nodes);
}

// Nodes of one place spread around it like the seeds of a sunflower.
const kGoldenAngle = Math.PI * (3 - Math.sqrt(5));
const kSeatGap = 7.5;
// Half a city's name fits beside the outermost city.
const kNameEdge = 46;

function cityLayout(nodes) {
  const range = (key) => {
    const values = nodes.map((node) => node[key]);
    return [Math.min(...values), Math.max(...values)];
  };
  const [left, right] = range("x");
  const [top, bottom] = range("y");
  const axis = (low, high, from, to) => (low === high ? () => (from + to) / 2
    : scale(low, high, from, to));
  const crowds = new Map();
  const seats = nodes.map((node) => {
    const key = `${node.x} ${node.y}`;
    const crowd = crowds.get(key) ?? { x: node.x, y: node.y, name: node.city, count: 0 };
    crowds.set(key, crowd);
    crowd.count += 1;
    return { crowd, seat: crowd.count - 1 };
  });
  const spread = kSeatGap * Math.sqrt(Math.max(...[...crowds.values()].map((c) => c.count)) - 1);
  const aside = 24 + spread;
  const grid = (width, height) => ({ x: axis(left, right, kNameEdge + spread / 2,
                                             width - kNameEdge - spread / 2),
                                     y: axis(top, bottom, aside, height - aside - 18) });
  return {
    place(width, height) {
      const { x, y } = grid(width, height);
      return seats.map(({ crowd, seat }) => {
        const radius = kSeatGap * Math.sqrt(seat);
        return { x: x(crowd.x) + radius * Math.cos(seat * kGoldenAngle),
                 y: y(crowd.y) + radius * Math.sin(seat * kGoldenAngle) };
      });
    },
    names(width, height) {
      const { x, y } = grid(width, height);
      return [...crowds.values()].filter((crowd) => crowd.name !== "").map((crowd) => ({
        name: crowd.name, x: x(crowd.x), y: y(crowd.y) + 17 + kSeatGap * Math.sqrt(crowd.count - 1),
        align: "center" }));
    },
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

// Play button, slider and the figures of the moment. Gives { goTo(seconds) }.
function addMapControls(section, run, pairs, map) {
  const end = run.simulated_seconds;
  const slider = element("input", { type: "range", min: "0", max: "1000", step: "1", value: "1000",
                                    "aria-label": "Moment of the run" });
  const button = element("button", { type: "button", class: "play" }, "Play");
  const moment = element("output", {});
  const say = () => {
    const direct = pairs.counts[1];
    const relayed = pairs.counts[2];
    moment.textContent = `${format.seconds(map.seconds)}: ${format.count(direct)} direct, `
      + `${format.count(relayed)} relayed`;
    slider.setAttribute("aria-valuetext", moment.textContent);
  };
  const goTo = (seconds) => {
    map.goTo(seconds);
    slider.value = String(Math.round(seconds / end * 1000));
    say();
  };
  const stop = () => {
    button.textContent = "Play";
    playing = null;
  };
  let playing = null;
  const advance = (now) => {
    if (playing === null) return;
    const seconds = playing.from + (now - playing.since) / 1000 / kPlaySeconds * end;
    goTo(Math.min(seconds, end));
    if (seconds < end) requestAnimationFrame(advance);
    else stop();
  };
  button.addEventListener("click", () => {
    if (playing !== null) return stop();
    button.textContent = "Pause";
    playing = { from: map.seconds >= end ? 0 : map.seconds, since: performance.now() };
    requestAnimationFrame(advance);
  });
  slider.addEventListener("input", () => {
    stop();
    goTo(Number(slider.value) / 1000 * end);
  });
  section.append(element("div", { class: "controls" }, button, slider, moment));
  pairs.goTo(map.seconds);
  say();
  return { goTo };
}
