// Charts and drawings: fetched when they come into view, drawn in the page's colours, and anew when there is news.
import { count } from "./live.js";

const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const seen = new WeakSet();
let script = null;

const isDark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const theme = () => (isDark() ? "dark" : "light");

// The library of charts, once and only where one is drawn.
function library() {
  script ??= new Promise((done, failed) => {
    const made = document.createElement("script");
    made.src = document.body.dataset.charts;
    made.addEventListener("load", () => done(window.netwrightCharts));
    made.addEventListener("error", () => { script = null; failed(new Error("the charts' library did not come")); });
    document.head.append(made);
  });
  return script;
}

function cellOf(kind, value) {
  const cell = document.createElement(kind);
  if (typeof value === "number") { cell.className = "number"; cell.textContent = Number.isInteger(value) ? value.toLocaleString("en") : Number(value.toPrecision(6)).toString(); }
  else cell.textContent = value ?? "–";
  return cell;
}

function tableOf(told) {
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const name of told.columns) { const cell = cellOf("th", name); cell.scope = "col"; head.append(cell); }
  const body = table.createTBody();
  for (const row of told.rows) body.insertRow().append(...row.map((each) => cellOf("td", each)));
  return table;
}

// Where a picture is wider than its place, the arrow keys must reach it.
function reachable(drawing, title) {
  const wide = drawing.scrollWidth > drawing.clientWidth;
  for (const [name, value] of [["tabindex", "0"], ["role", "region"], ["aria-label", title]]) wide ? drawing.setAttribute(name, value) : drawing.removeAttribute(name);
}

async function draw(figure) {
  const drawing = $(".drawing", figure);
  const asked = new URLSearchParams(figure.dataset.settings);
  asked.set("theme", theme());
  try {
    const answer = await fetch(`${figure.dataset.figure}?${asked}`);
    count(answer);
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error ?? answer.status);
    $(".note", figure).textContent = told.note;
    const rows = $(".table", figure);
    rows.replaceChildren(told.table.columns.length ? tableOf(told.table) : "no data");
    if (told.table.all > told.table.rows.length) rows.append(`the first ${told.table.rows.length} of ${told.table.all.toLocaleString("en")} rows; CSV has all`);
    if (told.empty) { drawing.replaceChildren(told.empty); drawing.classList.add("soft"); return; }
    if (JSON.stringify(told.specification) === figure.drawnFrom) return;
    figure.drawnFrom = JSON.stringify(told.specification);
    told.specification.config = { ...told.specification.config, background: "transparent" };
    drawing.classList.remove("soft");
    for (const each of [...drawing.childNodes]) if (!each.classList?.contains("chart-drawing")) each.remove();
    await (await library()).show(drawing, told.specification);
    reachable(drawing, told.title);
  } catch (problem) {
    const line = document.createElement("p");
    line.className = "problem";
    line.textContent = `This chart could not be drawn: ${problem.message}`;
    if (!$(".chart-drawing", drawing)) drawing.replaceChildren(line);
  } finally {
    drawing.setAttribute("aria-busy", "false");
  }
}

// Charts whose colours or data are old are drawn anew, those out of sight when they come into it.
const watcher = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    target.inSight = isIntersecting;
    if (isIntersecting && target.old !== false) { target.old = false; draw(target); }
  }
}, { rootMargin: "200px" });

function again() {
  for (const figure of $$("[data-figure]")) {
    figure.old = true;
    if (figure.inSight) { figure.old = false; draw(figure); }
  }
}

function watch() {
  for (const figure of $$("[data-figure]")) if (!seen.has(figure)) { seen.add(figure); watcher.observe(figure); }
  for (const picture of $$("img[data-drawing]")) {
    const address = `${picture.dataset.drawing}?theme=${theme()}`;
    if (picture.getAttribute("src") === address) continue;
    picture.addEventListener("error", () => { picture.hidden = true; }, { once: true });
    picture.src = address;
  }
}

// A mark that stands for a trial leads to it; its drawing is shown where a pointer rests.
const run = /^\/runs\/([^/]+)/.exec(location.pathname)?.[1];
document.addEventListener("chart-select", ({ detail }) => {
  if (run && Number.isInteger(detail.trial)) location.assign(`/runs/${run}/trials/${detail.trial}`);
});
let small = null;
document.addEventListener("chart-point", ({ detail }) => {
  const box = $(".chart-tooltip");
  if (!run || !box || !Number.isInteger(detail.trial) || !document.body.dataset.drawn) return;
  small?.remove();
  small = document.createElement("img");
  small.className = "thumbnail";
  small.alt = "";
  const mine = small;
  small.addEventListener("load", () => {
    if (box.hidden || mine !== small) return;
    box.append(mine);
    box.style.top = `${Math.max(4, Math.min(box.offsetTop, window.innerHeight - box.offsetHeight - 4))}px`;
  });
  small.src = `/runs/${run}/trials/${detail.trial}/drawing.svg?small=true&theme=${theme()}`;
});

export function charts() {
  watch();
  document.addEventListener("netwright:news", () => { watch(); again(); });
  document.addEventListener("netwright:theme", () => { watch(); again(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { watch(); again(); });
}
