// What all charts share: scales, ticks, axes, the tooltip, and redrawing at the page's width, so
// that letters keep their size on a phone.

const kMargin = { top: 16, right: 20, bottom: 40, left: 60 };

function scale(low, high, from, to) {
  const span = high - low || 1;
  return (value) => from + (value - low) / span * (to - from);
}

// Round numbers from 0 to at least `most`.
function roundTicks(most, wanted = 4) {
  if (!(most > 0)) return [0, 1];
  const rough = most / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((s) => s >= rough * 0.999);
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

const kTimeSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600,
                    43200, 86400, 172800, 604800];

// Moments up to `end`, as clocks divide time; below ten seconds as numbers do.
function timeTicks(end, wanted) {
  const rough = end / wanted;
  if (rough < 1) return roundTicks(end, wanted).filter((tick) => tick <= end);
  const step = kTimeSteps.find((s) => s >= rough) ?? Math.ceil(rough / 604800) * 604800;
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);
}

// Round durations from 0 to at least `most`.
function durationTicks(most, wanted) {
  if (most < 60) return roundTicks(most, wanted);
  const step = kTimeSteps.find((s) => s >= most / wanted) ?? most / wanted;
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => i * step);
}

// Calls draw(width) now and whenever the place's width changes.
function atEachWidth(place, draw) {
  let width = 0;
  const redraw = () => {
    const now = Math.floor(place.clientWidth);
    if (now === 0 || now === width) return;
    width = now;
    draw(width);
  };
  redraw();
  new ResizeObserver(redraw).observe(place);
}

// The same for a place that draw(width) fills anew.
function drawAtWidth(place, draw) {
  atEachWidth(place, (width) => {
    place.replaceChildren();
    draw(width);
  });
}

// An empty drawing with the edges of its plot.
function addDrawing(place, width, height, label, margin = kMargin) {
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img",
                             "aria-label": label });
  place.append(svg);
  return { svg, place, width, height, left: margin.left, right: width - margin.right,
           top: margin.top, bottom: height - margin.bottom };
}

function addText(drawing, x, y, text, attributes = {}) {
  drawing.svg.append(shape("text", { x, y, ...attributes }, text));
}

function addTimeAxis(drawing, end) {
  const x = scale(0, end, drawing.left, drawing.right);
  const wanted = Math.max(2, Math.floor((drawing.right - drawing.left) / 84));
  for (const tick of timeTicks(end, wanted)) {
    drawing.svg.append(shape("line", { class: "tick", x1: x(tick), x2: x(tick),
                                       y1: drawing.bottom, y2: drawing.bottom + 4 }));
    addText(drawing, x(tick), drawing.bottom + 19, format.seconds(tick),
      { class: "axis", "text-anchor": tick === 0 ? "start" : x(tick) > drawing.right - 24
        ? "end" : "middle" });
  }
  drawing.svg.append(shape("line", { class: "baseline", x1: drawing.left, x2: drawing.right,
                                     y1: drawing.bottom, y2: drawing.bottom }));
  return x;
}

// Grid lines with their numbers; `text` gives a number its unit.
function addValueAxis(drawing, ticks, text) {
  const y = scale(ticks[0], ticks.at(-1), drawing.bottom, drawing.top);
  for (const tick of ticks) {
    drawing.svg.append(shape("line", { class: "grid", x1: drawing.left, x2: drawing.right,
                                       y1: y(tick), y2: y(tick) }));
    addText(drawing, drawing.left - 8, y(tick) + 4, text(tick),
      { class: "axis", "text-anchor": "end" });
  }
  return y;
}

function linePath(points) {
  const pair = ([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`;
  return `M${points.map(pair).join("L")}`;
}

// Holds its value until the next point.
function stepPath(points) {
  return points.map(([x, y], i) => (i === 0 ? `M${x.toFixed(1)},${y.toFixed(1)}`
    : `H${x.toFixed(1)}V${y.toFixed(1)}`)).join("");
}

function bandPath(lower, upper) {
  return `${linePath(upper)}${linePath([...lower].reverse()).replace("M", "L")}Z`;
}

const tooltip = {
  // lines: [[name, value, color]]; x and y in the window.
  show(x, y, title, lines) {
    const box = document.getElementById("tooltip");
    box.replaceChildren(element("strong", {}, title),
      element("dl", {}, lines.map(([name, value, color]) => [
        element("dt", {}, color ? element("span", { class: "swatch", style: `--swatch: ${color}` })
          : null, name), element("dd", {}, value)])));
    box.hidden = false;
    const { width, height } = box.getBoundingClientRect();
    const room = document.documentElement.clientWidth;
    const left = x + 16 + width > room - 8 ? Math.max(8, x - width - 16) : x + 16;
    const top = Math.min(Math.max(8, y - height / 2), window.innerHeight - height - 8);
    box.style.left = `${left}px`;
    box.style.top = `${top}px`;
  },
  hide() {
    document.getElementById("tooltip").hidden = true;
  },
};
window.addEventListener("scroll", tooltip.hide, { passive: true });

// Shows the tooltip of whatever `target` stands for, to mouse, touch and keyboard.
function addTooltip(target, title, lines) {
  const show = (event) => tooltip.show(event.clientX, event.clientY, title, lines());
  target.addEventListener("pointermove", show);
  target.addEventListener("pointerleave", tooltip.hide);
  target.addEventListener("focus", () => {
    const box = target.getBoundingClientRect();
    tooltip.show(box.right, box.top + box.height / 2, title, lines());
  });
  target.addEventListener("blur", tooltip.hide);
}

// A vertical line that follows the pointer or the arrow keys over points at `xs` (ascending, in the
// drawing), with a tooltip from describe(index) → { title, lines }.
function addCrosshair(drawing, xs, describe) {
  if (xs.length === 0) return;
  const line = shape("line", { class: "crosshair", y1: drawing.top, y2: drawing.bottom,
                               visibility: "hidden" });
  drawing.svg.append(line);
  let index = 0;
  const showAt = (clientY) => {
    line.setAttribute("x1", xs[index]);
    line.setAttribute("x2", xs[index]);
    line.setAttribute("visibility", "visible");
    const box = drawing.svg.getBoundingClientRect();
    const { title, lines } = describe(index);
    tooltip.show(box.left + xs[index] * box.width / drawing.width,
      clientY ?? box.top + box.height / 2, title, lines);
  };
  const hide = () => {
    line.setAttribute("visibility", "hidden");
    tooltip.hide();
  };
  drawing.svg.addEventListener("pointermove", (event) => {
    const box = drawing.svg.getBoundingClientRect();
    index = nearest(xs, (event.clientX - box.left) * drawing.width / box.width);
    showAt(event.clientY);
  });
  drawing.svg.addEventListener("pointerleave", hide);
  drawing.svg.setAttribute("tabindex", "0");
  drawing.svg.addEventListener("blur", hide);
  drawing.svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    index = Math.min(Math.max(index + step, 0), xs.length - 1);
    showAt();
  });
}

// The index of the value closest to x; `xs` ascends.
function nearest(xs, x) {
  let low = 0;
  let high = xs.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low > 0 && x - xs[low - 1] < xs[low] - x ? low - 1 : low;
}
