// Horizontal bars, stacked or plain: a name, the bar, its number.

const kBarHeight = 14;
const kBarPitch = 23;

// rows: [{ name, values, total }]; parts: [{ name, color }], one for each of `values`.
function addBars(place, label, rows, parts, text) {
  const most = Math.max(...rows.map((row) => row.total), 0) || 1;
  drawAtWidth(place, (width) => {
    const names = Math.min(190, Math.floor(width * 0.32));
    const drawing = addDrawing(place, width, rows.length * kBarPitch + 6, label,
      { top: 4, bottom: 0, left: names, right: 84 });
    const x = scale(0, most, drawing.left, drawing.right);
    rows.forEach((row, index) => addBar(drawing, row, index, parts, x, text));
  });
}

function addBar(drawing, row, index, parts, x, text) {
  const y = drawing.top + index * kBarPitch;
  const middle = y + kBarHeight / 2 + 4;
  addText(drawing, drawing.left - 10, middle, shortened(row.name, (drawing.left - 10) / 7.2),
    { class: "axis", "text-anchor": "end" });
  const bar = shape("g", { class: "bar" });
  // The whole row answers the pointer, also where the bar is thin.
  bar.append(shape("rect", { class: "reach", x: 0, y: y - 4, width: drawing.width,
                             height: kBarPitch }));
  let sum = 0;
  row.values.forEach((value, part) => {
    if (value > 0) {
      bar.append(shape("rect", { x: x(sum), y, width: Math.max(x(sum + value) - x(sum), 0.5),
                                 height: kBarHeight, style: `fill: ${parts[part].color}` }));
    }
    sum += value;
  });
  drawing.svg.append(bar);
  addText(drawing, x(row.total) + 8, middle, text(row.total), { class: "value" });
  addTooltip(bar, row.name, () => [
    ...parts.map((part, i) => [part.name, text(row.values[i]), part.color])
      .filter((_, i) => row.values[i] > 0),
    ...(parts.length > 1 ? [["Total", text(row.total)]] : [])]);
}

function shortened(name, letters) {
  return name.length <= letters ? name : `${name.slice(0, Math.max(1, letters - 1))}…`;
}
