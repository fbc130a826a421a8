// News from the server: asks whether anything was written, and then puts new parts of the page in place of old ones.
const body = document.body;
const pulse = document.querySelector("#pulse");
const LEAST = 2000; // milliseconds between two questions
const IDLE = 15000; // the same where nothing runs
const SHARE = 0.01; // of one core that the news of a page may cost the server; what is not counted beside it is a fourth of that
const LONGEST = 300000;

let sequence = Number(body.dataset.sequence || 0);
let heard = Date.now();
let failures = 0;
let looked = 0;
let spent = 0; // milliseconds of the server's processor since then
let driving = null; // whether a process drove the project at the last answer
let news = false; // what a page costs that comes for the first time is not counted

async function ask(address) {
  const answer = await fetch(address, { headers: { accept: "text/html,application/json" }, signal: AbortSignal.timeout(35000) });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer;
}

// Counts what an answer cost the server: charts that are drawn anew as well as the page.
export function count(answer) {
  if (news) spent += Number(/dur=([\d.]+)/.exec(answer.headers.get("server-timing") ?? "")?.[1] ?? 0);
}

// Puts each part that has changed in place of the one that is there; what a person holds is left alone.
function renew(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  for (const part of document.querySelectorAll("[data-live][id]")) {
    const other = fresh.getElementById(part.id);
    if (!other && "gone" in part.dataset) part.remove();
    if (!other || other.outerHTML === part.dataset.shown) continue;
    const shown = other.outerHTML;
    if (part.contains(document.activeElement) && document.activeElement !== document.body && document.activeElement.matches("input, select, textarea")) continue;
    const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const places = [...part.querySelectorAll(".scroll")].map((each) => [each.scrollTop, each.scrollLeft]);
    const marked = new Set([...part.querySelectorAll("input:checked[name]")].map((each) => each.value));
    const open = new Set([...part.querySelectorAll("details[open][id]")].map((each) => each.id));
    const made = document.importNode(other, true);
    made.dataset.shown = shown;
    part.replaceWith(made);
    for (const each of made.querySelectorAll("input[type=checkbox][name]")) each.checked ||= marked.has(each.value);
    for (const each of made.querySelectorAll("details[id]")) if (open.has(each.id)) each.open = true;
    made.querySelectorAll(".scroll").forEach((each, place) => { [each.scrollTop, each.scrollLeft] = places[place] ?? [0, 0]; });
    if (focused) made.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }
  // What has something to show only now: charts of the first trials, the best one's drawing.
  for (const place of document.querySelectorAll("[data-grow][id]")) {
    const other = fresh.getElementById(place.id);
    for (const child of other ? [...other.children] : []) {
      if (child.id && !document.getElementById(child.id)) place.append(document.importNode(child, true));
    }
  }
  if (fresh.querySelector("#choose") && !document.querySelector("#choose")) location.reload();
  document.dispatchEvent(new CustomEvent("netwright:news", { detail: fresh }));
}

function say(is, text) {
  if (!pulse) return;
  pulse.dataset.is = is;
  if (pulse.textContent !== text) pulse.textContent = text;
}

let timer = 0;
let looking = false;

async function look() {
  if (looking) return;
  looking = true;
  clearTimeout(timer);
  looked = Date.now();
  spent = 0;
  let driven = false;
  try {
    const answer = await ask(`${body.dataset.liveAddress}?after=${sequence}`);
    const told = await answer.json();
    count(answer);
    driven = told.driven;
    const ended = driving && !driven; // a process that was killed writes nothing more
    driving = driven;
    if (told.changed || ended) {
      news = true;
      const page = await ask(location.href);
      count(page);
      renew(await page.text());
      sequence = told.sequence;
    } else if (told.sequence < sequence) {
      location.reload(); // another project lies there now
    }
    heard = Date.now();
    failures = 0;
    say(driven ? "live" : "idle", driven ? "live" : "idle");
  } catch {
    failures += 1;
    const since = new Date(heard).toLocaleTimeString();
    say("stale", `no answer since ${since}; trying again`);
  }
  looking = false;
  timer = setTimeout(next, failures ? LEAST * 2 ** Math.min(failures, 4) : driven ? LEAST : IDLE);
}

// The next question, when what the last one cost is a small part of the time since.
function next() {
  const rest = Math.min(spent / SHARE, LONGEST) - (Date.now() - looked);
  if (rest > 0) timer = setTimeout(next, rest);
  else again();
}

// A page that nobody sees asks nothing, and one that is looked at again asks at once.
function again() {
  if (!document.hidden) look();
}

export function follow() {
  if (!body.dataset.liveAddress) return;
  document.addEventListener("visibilitychange", again);
  look();
}
