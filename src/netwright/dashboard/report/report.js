// Shows the figures of a report when they come into view, in the reader's colours; their data as table, CSV and SVG.
(() => {
  "use strict";
  const root = document.documentElement;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const MOST_ROWS = 200;

  const theme = () => root.dataset.theme || (prefersDark.matches ? "dark" : "light");
  const places = [...document.querySelectorAll("[data-figure]")];
  const views = new Map();
  const figureOf = (place) => {
    const figure = JSON.parse(place.querySelector("script").textContent);
    for (const [name, { names, rows }] of Object.entries(figure.data)) {
      figure.data[name] = rows.map((row) => Object.fromEntries(names.map((each, k) => [each, row[k]])));
    }
    return figure;
  };

  async function draw(place) {
    const figure = figureOf(place);
    try {
      const view = await netwrightCharts.show(place, { ...figure[theme()], datasets: figure.data });
      views.set(place, view);
    } catch (problem) {
      const line = document.createElement("p");
      line.textContent = `this chart could not be drawn: ${problem.message}`;
      place.append(line);
    }
  }

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      seen.unobserve(entry.target);
      draw(entry.target);
    }
  }, { rootMargin: "400px" });
  places.forEach((place) => seen.observe(place));

  const again = () => views.forEach((view, place) => draw(place));
  prefersDark.addEventListener("change", again);
  document.getElementById("theme")?.addEventListener("click", () => {
    root.dataset.theme = theme() === "dark" ? "light" : "dark";
    again();
  });
  addEventListener("beforeprint", () => places.filter((place) => !views.has(place)).forEach(draw));

  const rowsOf = (place) => Object.values(figureOf(place).data)[0] ?? [];
  const columnsOf = (rows) => [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cell = (value) => (value === null || value === undefined ? "" : String(value));
  const rounded = (value) => (typeof value === "number" && !Number.isInteger(value) ? String(+value.toPrecision(6)) : cell(value));

  function table(place, target) {
    const rows = rowsOf(place);
    const columns = columnsOf(rows);
    const made = document.createElement("table");
    const head = made.createTHead().insertRow();
    for (const name of columns) {
      const each = document.createElement("th");
      each.scope = "col";
      each.textContent = name;
      head.append(each);
    }
    const body = made.createTBody();
    for (const row of rows.slice(0, MOST_ROWS)) {
      const line = body.insertRow();
      for (const name of columns) line.insertCell().textContent = rounded(row[name]);
    }
    target.replaceChildren(made);
    if (rows.length > MOST_ROWS) {
      const line = document.createElement("p");
      line.className = "small soft";
      line.textContent = `the first ${MOST_ROWS} of ${rows.length.toLocaleString("en")} rows; the CSV has all`;
      target.append(line);
    }
  }

  function csv(place) {
    const rows = rowsOf(place);
    const columns = columnsOf(rows);
    const quoted = (value) => {
      const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : cell(value);
      return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    return [columns, ...rows.map((row) => columns.map((name) => row[name]))].map((row) => row.map(quoted).join(",")).join("\r\n");
  }

  function keep(text, kind, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: kind }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  for (const chart of document.querySelectorAll(".chart")) {
    const place = chart.querySelector("[data-figure]");
    if (!place) continue;
    const name = chart.id || "chart";
    chart.querySelector("details")?.addEventListener("toggle", (event) => {
      const target = event.target.querySelector(".scroll");
      if (event.target.open && !target.firstChild) table(place, target);
    });
    chart.querySelector(".as-csv")?.addEventListener("click", () => keep(csv(place), "text/csv", `${name}.csv`));
    chart.querySelector(".as-svg")?.addEventListener("click", async () => {
      if (!views.has(place)) await draw(place);
      keep(await views.get(place).toSVG(), "image/svg+xml", `${name}.svg`);
    });
  }
})();
