// Building the page: elements from values. Text from the results only ever becomes text nodes and
// attributes, never markup. Errors are kept on the root element, where a test can see them.

function noteError(message) {
  const root = document.documentElement;
  root.dataset.errors = JSON.stringify([...JSON.parse(root.dataset.errors), String(message)]);
}
window.addEventListener("error", (event) => noteError(event.message));
window.addEventListener("unhandledrejection", (event) => noteError(event.reason));

const kSvg = "http://www.w3.org/2000/svg";

function withContent(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null));
  return node;
}

// element("td", { class: "number" }, "12"): a function as an attribute listens to that event.
function element(tag, attributes = {}, ...children) {
  return withContent(document.createElement(tag), attributes, children);
}

function shape(tag, attributes = {}, ...children) {
  return withContent(document.createElementNS(kSvg, tag), attributes, children);
}

// A titled part of the page, already in it, so that charts can measure their width.
function addSection(id, title, note = null) {
  const section = element("section", { id, "aria-labelledby": `${id}-title` },
    element("h2", { id: `${id}-title` }, title),
    note === null ? null : element("p", { class: "note" }, note));
  document.getElementById("content").append(section);
  return section;
}

// What stands where there is nothing to draw.
function addEmpty(section, text) {
  section.append(element("p", { class: "empty" }, text));
}

// A place for a chart with its caption.
function addFigure(host, caption) {
  const place = element("div", { class: "chart" });
  host.append(element("figure", {}, element("figcaption", {}, caption), place));
  return place;
}

// items: [{ name, color, dashed }]
function legend(items) {
  return element("ul", { class: "legend" }, items.map((item) => element("li", {},
    element("span", { class: item.dashed ? "swatch dashed" : "swatch", "aria-hidden": "true",
                      style: `--swatch: ${item.color}` }), item.name)));
}

// columns: [{ title, number, value(row), sortable(row) }]; value gives a text or a node. Shows the
// first rows only, and the rest on demand: a browser is slow with thousands.
const kRowsAtFirst = 100;

function dataTable(label, columns, rows) {
  const body = element("tbody");
  const more = element("button", { type: "button", class: "more" });
  let shown = [];
  const fill = (from, to) => body.append(...shown.slice(from, to).map((row) =>
    element("tr", {}, columns.map((column) =>
      element("td", { class: column.number ? "number" : null }, column.value(row))))));
  const show = (list) => {
    shown = list;
    body.replaceChildren();
    fill(0, kRowsAtFirst);
    more.hidden = shown.length <= kRowsAtFirst;
    more.textContent = `Show all ${format.count(shown.length)} rows`;
  };
  more.addEventListener("click", () => {
    fill(kRowsAtFirst, shown.length);
    more.hidden = true;
  });
  const heads = columns.map((column) => element("th", {
    scope: "col", class: column.number ? "number" : null }, column.title));
  const sort = columns.some((column) => column.sortable);
  if (sort) makeSortable(heads, columns, () => shown, show);
  show(rows);
  const table = element("table", {}, element("caption", { class: "hidden" }, label),
    element("thead", {}, element("tr", {}, heads)), body);
  const scroller = element("div", { class: "scroller", tabindex: "0", role: "region",
                                    "aria-label": label }, table);
  return { node: element("div", { class: "table" }, scroller, more), show };
}

function makeSortable(heads, columns, current, show) {
  heads.forEach((head, index) => {
    if (!columns[index].sortable) return;
    const button = element("button", { type: "button", click: () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      show([...current()].sort(byKey(columns[index].sortable, descending)));
    } }, columns[index].title);
    head.replaceChildren(button);
  });
}

// What has no value comes last, in either direction.
function byKey(key, descending) {
  const names = new Intl.Collator("en", { numeric: true });
  return (left, right) => {
    const [a, b] = [key(left), key(right)];
    if (a === null || b === null) return (a === null) - (b === null);
    const order = typeof a === "string" ? names.compare(a, b) : a - b;
    return descending ? -order : order;
  };
}
