// Shows figures: netwrightCharts.show(element, specification) and every <div data-chart> with JSON in it.
// A click on a mark with a trial sends "chart-select", a mark that is pointed at "chart-point", with its row.

const refused = () => Promise.reject(new Error("charts load nothing"));
// Pictures that lie in the data are the one thing that is shown without being drawn here.
const sanitize = (address) => (String(address).startsWith("data:image/png;base64,") ? Promise.resolve({ href: address }) : refused());
const loader = { load: refused, sanitize, http: refused, file: refused };

let box = null;

function tooltipBox() {
  if (!box) {
    box = document.createElement("div");
    box.className = "chart-tooltip";
    box.setAttribute("role", "tooltip");
    box.hidden = true;
    document.body.append(box);
  }
  return box;
}

function tooltip(handler, event, item, value) {
  const shown = tooltipBox();
  if (value === null || value === undefined || value === "") {
    shown.hidden = true;
    return;
  }
  const told = typeof value === "object" ? Object.entries(value) : [["", value]];
  const rows = told.filter(([, text]) => text !== "" && text !== null && text !== "null");
  const same = JSON.stringify(rows) === shown.dataset.rows; // then what a page has put beside them stays
  shown.dataset.rows = JSON.stringify(rows);
  if (!same) shown.replaceChildren(
    ...rows.map(([name, text]) => {
      const line = document.createElement("div");
      const label = document.createElement("span");
      label.className = "chart-tooltip-name";
      label.textContent = name;
      const words = document.createElement("span");
      words.textContent = String(text);
      line.append(label, words);
      return line;
    }),
  );
  shown.hidden = false;
  const right = event.clientX + 14 + shown.offsetWidth > window.innerWidth;
  shown.style.left = `${right ? Math.max(4, event.clientX - shown.offsetWidth - 14) : event.clientX + 14}px`;
  shown.style.top = `${Math.min(event.clientY + 14, window.innerHeight - shown.offsetHeight - 4)}px`;
}

// As wide as there is room. Vega is told so, not Vega-Lite, which warns where the height goes by the row.
function fitted(specification, element) {
  const room = element.clientWidth;
  const single = typeof specification.width === "number" && !specification.usermeta?.fixed;
  if (!single || room < 100) return [specification, {}];
  const patch = (made) => ({ ...made, autosize: { type: "fit-x", contains: "padding" } });
  return [{ ...specification, width: room }, { patch }];
}

function told(element, kind, item) {
  tooltipBox(); // a page may put something into it
  const row = item && item.datum;
  if (row && (row.trial !== undefined || row.run !== undefined)) {
    element.dispatchEvent(new CustomEvent(kind, { detail: row, bubbles: true }));
  }
}

// The picture is one thing for who does not see it; sliders beside it stay what they are.
function describe(target, description) {
  for (const each of [target, ...target.querySelectorAll("div[role]")]) {
    for (const name of ["role", "aria-label", "aria-roledescription"]) each.removeAttribute(name);
  }
  const picture = target.querySelector("svg, canvas");
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", description ?? "chart");
  for (const each of target.querySelectorAll("[fill^='url(']")) { // not by an address, which may change
    each.setAttribute("fill", each.getAttribute("fill").replace(/\(.*#/, "(#"));
  }
}

async function show(element, specification, options = {}) {
  const many = Object.values(specification.datasets ?? {}).some((rows) => rows.length > 2000);
  const renderer = options.renderer ?? (many ? "canvas" : "svg");
  const target = document.createElement("div");
  target.className = "chart-drawing";
  const [drawn, fit] = fitted(specification, element);
  const result = await vegaEmbed(target, drawn, {
    ...fit,
    mode: "vega-lite",
    actions: false,
    defaultStyle: false,
    ast: true,
    renderer,
    loader,
    tooltip,
    logLevel: 1, // errors: Vega warns of every empty table
  });
  describe(target, specification.description);
  const before = element.querySelector(":scope > .chart-drawing");
  if (before) before.replaceWith(target);
  else element.append(target);
  const parameter = specification.usermeta?.brush;
  if (parameter) brushes(result.view, element, target, specification.datasets, parameter);
  result.view.addEventListener("click", (event, item) => told(element, "chart-select", item));
  result.view.addEventListener("mouseover", (event, item) => told(element, "chart-point", item));
  return result.view;
}

async function showAll(root = document) {
  const found = [...root.querySelectorAll("[data-chart]")];
  for (const element of found) {
    const data = element.querySelector(':scope > script[type="application/json"]');
    if (!data || element.dataset.chart === "shown") continue;
    element.dataset.chart = "shown";
    try {
      await show(element, JSON.parse(data.textContent));
    } catch (problem) {
      const line = document.createElement("p");
      line.className = "chart-problem";
      line.textContent = `this chart could not be drawn: ${problem.message}`;
      element.append(line);
    }
  }
}

window.netwrightCharts = { show, showAll };
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => showAll());
else showAll();
