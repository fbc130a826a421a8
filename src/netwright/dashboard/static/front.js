// Choosing a network: a range of each metric is brushed; what remains is counted, and one of it is proposed.
const $ = (selector, within = document) => within.querySelector(selector);
const STEPS = 1000;
const SHOWN = 100;
const WORDS = ["None", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten"];
const SVG = "http://www.w3.org/2000/svg";

const source = $("#choice");
if (source) choose(JSON.parse(source.textContent));

function formatted(metric, value) {
  if (value === null || value === undefined) return "–";
  if (metric.share) return `${(100 * value).toFixed(2)} %`;
  const size = Math.abs(value);
  for (const [factor, letter] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) if (size >= factor) return `${Number((value / factor).toPrecision(3))}${letter}`;
  return `${Number(value.toPrecision(4))}`;
}

// What a person typed as a number of a metric: "95 %", "30k"; null for nothing, NaN for what is no number.
function parsed(metric, text) {
  const found = /^([-+]?[\d.,]+(?:e[-+]?\d+)?)\s*(%|[kMG])?/i.exec(text.trim());
  if (!text.trim()) return null;
  if (!found) return NaN;
  const value = Number(found[1].replaceAll(",", "")) * ({ k: 1e3, m: 1e6, g: 1e9 }[found[2]?.toLowerCase()] ?? 1);
  return found[2] === "%" || (metric.share && value > 1) ? value / 100 : value;
}

function made(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

// Places 0 to 1000 on a scale, logarithmic where values differ by more than a factor of 50.
function scaleOf(values) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const log = low > 0 && high / low > 50;
  const to = log ? Math.log : (each) => each;
  const back = log ? Math.exp : (each) => each;
  const width = to(high) - to(low) || 1;
  return { low, high, log, place: (value) => STEPS * (to(value) - to(low)) / width, value: (place) => (place <= 0 ? low : place >= STEPS ? high : back(to(low) + width * place / STEPS)) };
}

function dominates(first, second) {
  return first.every((each, place) => each >= second[place]) && first.some((each, place) => each > second[place]);
}

// Those that no other beats, and where they bend most (Das 1999): the largest sum of scores scaled to 0..1.
function proposed(trials) {
  const sorted = [...trials].sort((a, b) => b.scores[0] - a.scores[0]);
  const ahead = [];
  for (const each of sorted) if (!ahead.some((other) => dominates(other.scores, each.scores))) ahead.push(each);
  if (ahead.length < 3 || ahead[0].scores.length < 2) return { trial: ahead[0], why: "the best in the first objective" };
  const low = ahead[0].scores.map((_, k) => Math.min(...ahead.map((each) => each.scores[k])));
  const high = ahead[0].scores.map((_, k) => Math.max(...ahead.map((each) => each.scores[k])));
  const sum = (each) => each.scores.reduce((total, score, k) => total + (high[k] > low[k] ? (score - low[k]) / (high[k] - low[k]) : 1), 0);
  const best = ahead.reduce((found, each) => (sum(each) > sum(found) ? each : found));
  return sum(best) > 1 + 1e-12 ? { trial: best, why: "the knee" } : { trial: ahead[0], why: "the best in the first objective" };
}

function choose(choice) {
  const { metrics } = choice;
  const state = metrics.map(() => [null, null]);
  const rows = [];
  let among = "front";
  let lines = null; // trials that the brushes on charts leave, where one is on a choice
  const pool = () => choice.trials.filter((each) => (among === "all" || each.front) && (!lines || lines.has(each.trial)));
  const keeps = (trial) => state.every(([low, high], k) => {
    const value = trial.values[k];
    return (low === null && high === null) || (value !== null && (low === null || value >= low) && (high === null || value <= high));
  });

  function build() {
    $("#ranges").replaceChildren();
    rows.length = 0;
    metrics.forEach((metric, k) => {
      const values = pool().map((each) => each.values[k]).filter((each) => each !== null);
      if (values.length > 1 && Math.min(...values) < Math.max(...values)) rows.push(range(metric, k, scaleOf(values)));
    });
    update(false);
  }

  function range(metric, k, scale) {
    const words = metric.name.replaceAll("_", " ");
    const typed = ["from", "to"].map((which, end) => {
      const input = made("input", { type: "text", size: 9, inputMode: "decimal", autocomplete: "off" });
      input.setAttribute("aria-label", `${words}, ${which}`);
      input.addEventListener("change", () => {
        const value = parsed(metric, input.value);
        input.setAttribute("aria-invalid", Number.isNaN(value));
        if (!Number.isNaN(value)) { state[k][end] = value; update(); }
      });
      return input;
    });
    const said = made("p", { className: "typed" }, typed[0], " to ", typed[1]);
    const strip = document.createElementNS(SVG, "svg");
    strip.setAttribute("viewBox", `0 0 ${STEPS} 30`);
    strip.setAttribute("preserveAspectRatio", "none");
    strip.setAttribute("aria-hidden", "true");
    const shade = document.createElementNS(SVG, "rect");
    shade.setAttribute("height", "30");
    strip.append(shade);
    const ticks = pool().filter((each) => each.values[k] !== null).map((trial) => {
      const line = document.createElementNS(SVG, "line");
      const x = scale.place(trial.values[k]);
      for (const [name, value] of [["x1", x], ["x2", x], ["y1", 7], ["y2", 23]]) line.setAttribute(name, value);
      strip.append(line);
      return [trial, line];
    });
    const ends = ["at least", "at most"].map((which, end) => {
      const input = made("input", { type: "range", min: 0, max: STEPS, step: 1 });
      input.setAttribute("aria-label", `${words}, ${which}`);
      input.addEventListener("input", () => { set(end, Number(input.value)); });
      return input;
    });
    function set(end, place) {
      const edge = end === 0 ? place <= 0 : place >= STEPS;
      state[k][end] = edge ? null : scale.value(place);
      update();
    }
    let from = null;
    const at = (event) => { const box = strip.getBoundingClientRect(); return Math.max(0, Math.min(STEPS, STEPS * (event.clientX - box.left) / box.width)); };
    strip.addEventListener("pointerdown", (event) => { from = at(event); strip.setPointerCapture(event.pointerId); });
    strip.addEventListener("pointermove", (event) => {
      if (from === null || Math.abs(at(event) - from) < 4) return;
      const [low, high] = [from, at(event)].sort((a, b) => a - b);
      state[k] = [low <= 0 ? null : scale.value(low), high >= STEPS ? null : scale.value(high)];
      update();
    });
    strip.addEventListener("pointerup", () => { from = null; });
    strip.addEventListener("dblclick", () => { state[k] = [null, null]; update(); });
    $("#ranges").append(made("div", { className: "range" }, made("h3", {}, `${words} `, made("span", { className: "soft" }, metric.smaller ? "less is better" : "more is better")), made("div", { className: "brush" }, strip, ...ends), said));
    return { k, show() {
      const [low, high] = state[k];
      const places = [low === null ? 0 : scale.place(low), high === null ? STEPS : scale.place(high)];
      ends.forEach((input, end) => {
        input.value = places[end];
        input.setAttribute("aria-valuetext", formatted(metric, end === 0 ? low ?? scale.low : high ?? scale.high));
      });
      shade.setAttribute("x", places[0]);
      shade.setAttribute("width", Math.max(0, places[1] - places[0]));
      for (const [trial, line] of ticks) line.setAttribute("class", keeps(trial) ? "in" : "out");
      for (const [end, input] of typed.entries()) {
        if (input.getAttribute("aria-invalid") === "true" && input === document.activeElement) continue;
        input.value = state[k][end] === null ? "" : formatted(metric, state[k][end]);
        input.placeholder = formatted(metric, end === 0 ? scale.low : scale.high);
        input.removeAttribute("aria-invalid");
      }
    } };
  }

  function update(remember = true) {
    const left = pool().filter(keeps);
    for (const each of rows) each.show();
    const count = left.length;
    $("#remain").textContent = `${WORDS[count] ?? count.toLocaleString("en")} ${count === 1 ? "remains" : "remain"}`;
    tell(left);
    list(left);
    if (remember) history.replaceState(null, "", addressOf());
  }

  function tell(left) {
    const advice = $("#advice");
    const command = $("#command");
    if (!left.length) { advice.textContent = "Widen a range, or take it back with a double click."; command.replaceChildren(); return; }
    const { trial, why } = proposed(left);
    const link = made("a", { href: `/runs/${encodeURIComponent(choice.run)}/trials/${trial.trial}` }, `trial ${trial.trial}`);
    const told = metrics.slice(0, 3).map((metric, k) => `${formatted(metric, trial.values[k])} ${metric.name.replaceAll("_", " ")}`).join(", ");
    advice.replaceChildren(`take ${left.length === 1 ? "it" : why}: `, link, ` with ${told}`);
    const text = choice.command.replace("{}", trial.trial);
    if (command.textContent.includes(`--trial ${trial.trial} `)) return;
    command.replaceChildren(made("div", { className: "take" }, made("pre", { tabIndex: 0 }, made("code", {}, text)), made("button", { type: "button", className: "quiet" }, "Copy")));
    $("button", command).dataset.copy = text;
  }

  function list(left) {
    const table = $("#remaining");
    const head = made("tr", {}, ...["trial", ...metrics.map((each) => each.name.replaceAll("_", " "))].map((name) => Object.assign(made("th", { scope: "col", className: "number" }, name))));
    table.tHead.replaceChildren(head);
    const mine = left.length ? proposed(left).trial : null;
    const sorted = [...left].sort((a, b) => b.scores[0] - a.scores[0]).slice(0, SHOWN);
    table.tBodies[0].replaceChildren(...sorted.map((each) => {
      const row = made("tr", { className: each === mine ? "best" : "" });
      const link = made("a", { href: `/runs/${encodeURIComponent(choice.run)}/trials/${each.trial}` }, `${each.trial}`);
      row.append(made("th", { scope: "row", className: "number" }, link, each === mine ? " ★" : ""), ...metrics.map((metric, k) => made("td", { className: "number" }, formatted(metric, each.values[k]))));
      return row;
    }));
    $("#more").textContent = left.length > SHOWN ? `the first ${SHOWN} of ${left.length.toLocaleString("en")}` : "";
  }

  function addressOf() {
    const asked = new URLSearchParams();
    metrics.forEach((metric, k) => { const [low, high] = state[k]; if (low !== null || high !== null) asked.append("at", `${metric.name}:${low === null ? "" : Number(low.toPrecision(6))}..${high === null ? "" : Number(high.toPrecision(6))}`); });
    if (among === "all") asked.append("among", "all");
    return `${location.pathname}${asked.size ? `?${asked}` : ""}`;
  }

  const asked = new URLSearchParams(location.search);
  if (asked.get("among") === "all") { among = "all"; $("input[name=among][value=all]").checked = true; }
  for (const each of asked.getAll("at")) {
    const [, name, low, high] = /^(.*):([^.]*(?:\.\d+)?)\.\.(.*)$/.exec(each) ?? [];
    const k = metrics.findIndex((metric) => metric.name === name);
    const number = (text) => (text === "" || Number.isNaN(Number(text)) ? null : Number(text));
    if (k >= 0) state[k] = [number(low), number(high)];
  }
  for (const input of document.querySelectorAll("input[name=among]")) input.addEventListener("change", () => { among = input.value; build(); update(); });
  $("#all-ranges").addEventListener("click", () => { lines = null; state.forEach((_, k) => { state[k] = [null, null]; }); update(); });
  build();

  // A brush on an axis of the chart below is the range of that metric; one on a choice leaves only its lines.
  let brushed = [];
  document.addEventListener("chart-brush", ({ detail }) => {
    for (const metric of brushed) state[metrics.findIndex((each) => each.name === metric)] = [null, null];
    const known = detail.ranges.filter((each) => metrics.some((metric) => metric.name === each.metric));
    brushed = known.map((each) => each.metric);
    for (const each of known) state[metrics.findIndex((metric) => metric.name === each.metric)] = [each.from, each.to];
    const before = lines;
    lines = known.length < detail.ranges.length ? new Set(detail.trials) : null;
    if (lines || before) build();
    update();
  });

  document.addEventListener("netwright:news", ({ detail }) => {
    const other = detail?.getElementById("choice");
    if (!other || other.textContent === source.textContent) return;
    const told = JSON.parse(other.textContent);
    if (told.metrics.map((each) => each.name).join() !== metrics.map((each) => each.name).join()) return;
    source.textContent = other.textContent;
    choice.trials = told.trials;
    build();
  });
}
