// What every page does: colours, forms whose state is the address, keys, and news from the server.
import { charts } from "./charts.js";
import { follow } from "./live.js";

const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

// Colours: as the system, light, dark, and round again.
const themes = ["", "light", "dark"];
const words = { "": "as the system", light: "light", dark: "dark" };
const signs = { "": "◐", light: "☀", dark: "☾" };
const button = $("#theme");

function paint(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  button.textContent = signs[theme];
  button.setAttribute("aria-label", `Colours: ${words[theme]}`);
  button.title = `Colours: ${words[theme]}`;
  try { localStorage.setItem("netwright-theme", theme); } catch { /* then for this page alone */ }
  document.dispatchEvent(new CustomEvent("netwright:theme"));
}

button.addEventListener("click", () => {
  const now = document.documentElement.dataset.theme ?? "";
  paint(themes[(themes.indexOf(now) + 1) % themes.length]);
});
const chosen = document.documentElement.dataset.theme ?? "";
button.textContent = signs[chosen];
button.title = `Colours: ${words[chosen]}`;

// A form is an address: what is filled in, without what is empty.
function addressOf(form) {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    const split = form.elements[name]?.dataset?.split;
    for (const each of split ? value.split(split) : [value]) if (each.trim()) asked.append(name, each.trim());
  }
  return `${form.getAttribute("action") ?? location.pathname}?${asked}`;
}

for (const form of $$("form[data-go]")) {
  form.addEventListener("submit", (event) => { event.preventDefault(); location.assign(addressOf(form)); });
  for (const each of $$("select", form)) each.addEventListener("change", () => location.assign(addressOf(form)));
}

// A list that is short enough is narrowed where it is.
for (const form of $$("form[data-narrow]")) {
  const field = $("input", form);
  const narrow = () => {
    const wanted = field.value.toLowerCase();
    for (const row of $$(form.dataset.narrow)) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  };
  field.value = new URLSearchParams(location.search).get(field.name) ?? "";
  field.addEventListener("input", () => {
    narrow();
    history.replaceState(null, "", field.value ? `?${new URLSearchParams({ [field.name]: field.value })}` : location.pathname);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("netwright:news", narrow);
  narrow();
}

// What changes something is sent as JSON, and what came of it is said beside the button.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-post]");
  if (!form) return;
  event.preventDefault();
  const pressed = event.submitter;
  if (pressed?.dataset.sure && !window.confirm(pressed.dataset.sure)) return;
  const sent = form.dataset.ask ? { ask: form.dataset.ask } : {};
  if (pressed?.name) sent[pressed.name] = pressed.value;
  for (const each of form.elements) {
    if (!each.name || each.type === "submit" || each.tagName === "BUTTON") continue;
    if ("list" in each.dataset) sent[each.name] = each.value.split(",").map((text) => text.trim()).filter(Boolean);
    else if (each.value.trim() || each.name === "text") sent[each.name] = "number" in each.dataset ? Number(each.value) : each.value;
  }
  const said = $(".said", form);
  said.textContent = "…";
  try {
    const answer = await fetch(form.dataset.post, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(sent) });
    const told = await answer.json();
    const wrong = told.error ?? `not understood (${answer.status})`;
    said.textContent = answer.ok ? (answer.status === 202 ? "asked; taken up between trials" : "kept") : wrong;
    if (answer.ok && answer.status === 202) for (const each of $$("input, textarea", form)) each.value = "";
  } catch { said.textContent = "the server did not answer"; }
});

// Texts to take along.
document.addEventListener("click", async (event) => {
  const copy = event.target.closest("button[data-copy]");
  if (!copy) return;
  const text = copy.dataset.copy || $(copy.dataset.of)?.textContent || "";
  const before = copy.textContent;
  try { await navigator.clipboard.writeText(text); copy.textContent = "copied"; } catch { copy.textContent = "not allowed here"; }
  setTimeout(() => { copy.textContent = before; }, 1500);
});

// Menus close when one looks elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

// Keys: / searches, g and a letter goes, ? explains, Escape closes.
let before = "";
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") for (const menu of $$("details.menu[open]")) { menu.open = false; $("summary", menu).focus(); }
  if (event.target.closest("input, textarea, select")) return;
  if (event.key === "/") { const field = $("input[type=search]"); if (field) { event.preventDefault(); field.focus(); } }
  if (event.key === "?") location.assign("/help");
  if (before === "g") {
    const tab = event.key === "r" ? $(".brand") : $$(".tabs a").find((each) => each.textContent.trim().toLowerCase().startsWith(event.key));
    if (tab) location.assign(tab.href);
  }
  before = event.key;
});

// What is being made on the server is asked for until an address leads on to it.
for (const part of $$("[data-wait]")) {
  const asking = setInterval(async () => {
    const answer = await fetch(part.dataset.wait, { redirect: "manual" }).catch(() => null);
    if (!answer || answer.status === 200) return;
    clearInterval(asking);
    $("h2", part).textContent = answer.type === "opaqueredirect" ? "The report is there" : "The report could not be made";
    location.assign(part.dataset.wait);
  }, 1000);
}

charts();
follow();
