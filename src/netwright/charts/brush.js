// Brushes on parallel axes: a range is drawn on an axis with the pointer, lines outside fade, and what remains is said.
// A click on an axis takes its brush back, a double click all. Sends "chart-brush" with the ranges and the trials left.

const NEAR = 14; // pixels from an axis at which a brush begins
const HALF = 0.09; // of the distance of two axes
const LEAST = 0.015; // of an axis's height; less is a click

function brushes(view, element, target, datasets, parameter) {
  const axes = new Map(datasets.heads.map((each) => [each.axis, each]));
  const ranges = (element.brushed ??= new Map()); // kept where the chart is drawn anew
  const said = element.querySelector(":scope > .chart-brushed") ?? document.createElement("p");
  said.className = "chart-brushed small soft";
  said.setAttribute("role", "status");
  said.textContent = "Draw along an axis to choose a range of it; a double click takes every range back.";
  element.append(said);
  let from = null;
  for (const axis of ranges.keys()) if (!axes.has(axis)) ranges.delete(axis);

  function at(event) {
    const box = target.querySelector("svg, canvas").getBoundingClientRect();
    const [left, top] = view.origin();
    const x = view.scale("x");
    const place = Math.round(x.invert(event.clientX - box.left - left));
    if (!axes.has(place) || Math.abs(x(place) - (event.clientX - box.left - left)) > NEAR) return null;
    return { axis: place, y: Math.max(0, Math.min(1, view.scale("y").invert(event.clientY - box.top - top))) };
  }

  function height(event) {
    const [, top] = view.origin();
    const box = target.querySelector("svg, canvas").getBoundingClientRect();
    return Math.max(-0.02, Math.min(1.02, view.scale("y").invert(event.clientY - box.top - top)));
  }

  function remaining() {
    const inside = new Map();
    for (const line of datasets.lines) {
      const range = ranges.get(line.axis);
      if (range && line.at >= range[0] && line.at <= range[1]) inside.set(line.trial, (inside.get(line.trial) ?? 0) + 1);
    }
    return [...inside].filter(([, count]) => count === ranges.size).map(([trial]) => trial);
  }

  function update() {
    const left = ranges.size ? remaining() : null;
    view.signal(parameter, left && Object.fromEntries(left.map((trial) => [trial, true])));
    view.data("brushes", [...ranges].map(([axis, [low, high]]) => ({ axis, left: axis - HALF, right: axis + HALF, low, high })));
    view.runAsync();
    say(left);
    element.dispatchEvent(new CustomEvent("chart-brush", { bubbles: true, detail: { ranges: values(), trials: left } }));
  }

  function say(left) {
    if (!left) { said.textContent = "No range is chosen."; return; }
    const ranks = new Map(datasets.lines.map((each) => [each.trial, each.rank]));
    const best = left.reduce((found, each) => (found === null || ranks.get(each) > ranks.get(found) ? each : found), null);
    const count = `${left.length.toLocaleString("en")} of ${ranks.size.toLocaleString("en")} lines remain`;
    said.textContent = best === null ? `${count}.` : `${count}; the best of them is trial ${best}.`;
  }

  // The ranges of metrics in their own numbers; null for an axis of choices.
  function values() {
    return [...ranges].map(([axis, [low, high]]) => {
      const { metric, ends, name } = axes.get(axis);
      if (!metric) return { name, metric: null };
      const value = (place) => ends[0] + Math.max(0, Math.min(1, place)) * (ends[1] - ends[0]);
      return { name, metric, from: Math.min(value(low), value(high)), to: Math.max(value(low), value(high)) };
    });
  }

  if (ranges.size) update();
  target.style.touchAction = "pan-x";
  target.addEventListener("pointerdown", (event) => {
    from = at(event);
    if (from) { target.setPointerCapture(event.pointerId); event.preventDefault(); }
  });
  target.addEventListener("pointermove", (event) => {
    target.style.cursor = from || at(event) ? "ns-resize" : "";
    if (!from) return;
    const [low, high] = [from.y, height(event)].sort((a, b) => a - b);
    if (high - low < LEAST) return;
    from.drawn = true;
    ranges.set(from.axis, [low, high]);
    update();
  });
  target.addEventListener("pointerup", () => {
    if (from && !from.drawn && ranges.delete(from.axis)) update();
    from = null;
  });
  target.addEventListener("dblclick", () => { ranges.clear(); update(); });
}
