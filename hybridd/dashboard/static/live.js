"use strict";
// The page says the same without this, until it is loaded again. With it, times are the reader's own, ages run, and
// every part that is marked data-live is read anew when something happens (data-live="alert ack": only after these).

const language = document.documentElement.lang;
const hours = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" };
const clock = new Intl.DateTimeFormat(language, hours);
const dated = new Intl.DateTimeFormat(language, { year: "numeric", month: "short", day: "numeric", ...hours });

function ago(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
  if (minutes < 60) return `${minutes} min`;
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`;
}

// A demo's clock may run ahead of the reader's: ages are counted from what the page said when it was made.
const begun = performance.now();
let ahead = 0;
function now() { return Date.now() + ahead; }

function tell(root) {
  for (const place of root.querySelectorAll("time")) {
    const at = new Date(place.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    if ("age" in place.dataset) { place.textContent = ago(now() - at); continue; }
    const today = new Date(now()).toDateString() === at.toDateString();
    place.textContent = (today ? clock : dated).format(at);
    place.title = at.toISOString();
  }
}

function run() {
  for (const place of document.querySelectorAll("time[data-age]")) place.textContent = ago(now() - new Date(place.dateTime));
}

// Parts that change

function edited(part) {
  return [...part.querySelectorAll("input, textarea, select")].some((field) =>
    field === document.activeElement || (field.type !== "hidden" && "defaultValue" in field && field.value !== field.defaultValue));
}

function exchange(part, fresh) {
  if (part.dataset.raw === fresh || edited(part)) return false;
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const open = [...part.querySelectorAll("details[open]")].map((one) => one.id);
  const found = new DOMParser().parseFromString(fresh, "text/html");
  part.replaceChildren(...found.body.childNodes);
  part.dataset.raw = fresh;
  for (const id of open) { const one = id && document.getElementById(id); if (one) one.open = true; }
  if (focused) {
    const like = focused.id ? `#${CSS.escape(focused.id)}` : `a[href="${CSS.escape(focused.getAttribute("href") || "")}"]`;
    (part.querySelector(like) || part).focus({ preventScroll: true });
  }
  tell(part);
  part.dispatchEvent(new CustomEvent("exchanged", { bubbles: true }));
  return true;
}

function parts() { return [...document.querySelectorAll("[data-live][id]")]; }

const kinds = new Set();
let reading = false, waiting = 0;

function wanted(part) {
  const wishes = part.dataset.live.split(/\s+/).filter(Boolean);
  return !wishes.length || kinds.has("reset") || wishes.some((wish) => kinds.has(wish));
}

async function read() {
  waiting = 0;
  if (reading) { waiting = setTimeout(read, 100); return; }
  const due = parts().filter(wanted);
  kinds.clear();
  if (!due.length) return;
  reading = true;
  try {
    const answer = await fetch(location.href, { cache: "no-store", headers: { accept: "text/html" }, redirect: "manual" });
    // Whoever has been logged out meanwhile is asked in again.
    if (answer.status === 401 || answer.type === "opaqueredirect") { location.reload(); return; }
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of due) {
      const fresh = page.getElementById(part.id);
      if (fresh) exchange(part, fresh.innerHTML);
    }
  } catch {
    kinds.add("reset"); // the connection has gone: read all once it is back
  } finally {
    reading = false;
  }
}

function heard(kind) {
  kinds.add(kind);
  if (!waiting) waiting = setTimeout(read, 30);
}

// The connection

const link = document.getElementById("link");
let source = null, last = document.body.dataset.event, goneAt = 0, again = 0;

function gone() {
  if (!goneAt) goneAt = Date.now();
  link.hidden = false;
  link.textContent = `${link.dataset.gone} ${clock.format(goneAt)}`;
  if (source && source.readyState === EventSource.CLOSED && !again) again = setTimeout(connect, 5000);
}

function here() {
  link.hidden = true;
  if (goneAt && kinds.size) heard("reset");
  goneAt = 0;
}

function connect() {
  again = 0;
  if (source) source.close();
  if (document.hidden) { source = null; return; }
  source = new EventSource(`${document.body.dataset.stream}?after=${encodeURIComponent(last)}`);
  source.onopen = here;
  source.onerror = gone;
  source.onmessage = (event) => {
    last = event.lastEventId || last;
    heard(JSON.parse(event.data).kind);
  };
}

function begin() {
  const made = document.body.dataset.now;
  if (made) ahead = Number(made) - (Date.now() - (performance.now() - begun));
  for (const part of parts()) part.dataset.raw = part.innerHTML;
  tell(document);
  setInterval(run, 1000);
  if (!document.body.dataset.stream || !window.EventSource) return;
  connect();
  document.addEventListener("visibilitychange", connect);
  addEventListener("online", connect);
  addEventListener("offline", gone);
  // A page that is taken out of the browser's memory has missed what happened meanwhile.
  addEventListener("pageshow", (event) => { if (event.persisted) { heard("reset"); connect(); } });
}

begin();

// The page for when there is no connection, and what is pushed.
if ("serviceWorker" in navigator && document.body.dataset.root) {
  const root = new URL(document.body.dataset.root, location.href);
  navigator.serviceWorker.register(new URL("static/worker.js", root), { scope: root.pathname }).catch(() => {});
}
