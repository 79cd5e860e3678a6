// The mesh at any moment: nodes at their places, tunnels as lines, on a canvas, since thousands of
// lines move with the slider. The state of every pair is rebuilt from the run's changes.

// The whole run plays in so many seconds.
const kPlaySeconds = 15;
const kMapHeightMax = 560;
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
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    window.matchMedia(query).addEventListener("change", () => map.draw());
  }
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
    this.drawNodes(color, (node) => node.role !== "member");
    this.drawTunnels(1, color("--direct"));
    this.drawTunnels(2, color("--relayed"));
    this.drawNodes(color, (node) => node.role === "member");
    this.drawNames(color, style.fontFamily);
  }

  // One path for all lines of a colour: thousands of single strokes would not keep up.
  drawTunnels(state, color) {
    const { context, pairs, places } = this;
    const count = pairs.counts[1] + pairs.counts[2];
    context.beginPath();
    pairs.ends.forEach(([a, b], pair) => {
      if (pairs.states[pair] !== state) return;
      context.moveTo(places[a].x, places[a].y);
      context.lineTo(places[b].x, places[b].y);
    });
    context.strokeStyle = color;
    context.lineWidth = count > 1000 ? 0.6 : 1;
    context.globalAlpha = Math.max(0.04, Math.min(0.6, 14 / Math.sqrt(count)));
    context.stroke();
    context.globalAlpha = 1;
  }

  drawNodes(color, wanted) {
    const { context } = this;
    const dot = this.layout.dot(this.width, this.height);
    const [ink, soft, surface] = ["--ink", "--ink-soft", "--surface"].map(color);
    context.lineWidth = Math.min(1.5, dot / 2);
    this.run.nodes.forEach((node, i) => {
      if (!wanted(node)) return;
      const member = node.role === "member";
      const running = node.started_seconds !== null && node.started_seconds <= this.seconds;
      context.globalAlpha = running ? 1 : 0.3;
      context.beginPath();
      context.arc(this.places[i].x, this.places[i].y, member ? dot : dot * 0.7, 0, 2 * Math.PI);
      context.fillStyle = member ? ink : surface;
      context.fill();
      context.strokeStyle = member ? surface : soft;
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
