"use strict";
// Between the pages and the network: without a connection there is a page that says since when. Nothing else is kept:
// prices of an hour ago that look like prices of now are worse than none. And it shows what is pushed.
const KEPT = "hybridd-offline";
const root = new URL("../", self.location);
const offline = new URL("offline", root).href;
const contact = new URL("static/contact", root).href;

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const kept = await caches.open(KEPT);
    const page = await fetch(offline, { cache: "reload" });
    const html = await page.clone().text();
    await kept.put(offline, page);
    // What the page needs, as it names it.
    const needed = [...html.matchAll(/(?:href|src)="(\.\/static\/[^"]+)"/g)].map((found) => new URL(found[1], root).href);
    await kept.addAll([...new Set(needed)]);
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

async function visit(request) {
  const kept = await caches.open(KEPT);
  try {
    const answer = await fetch(request);
    await kept.put(contact, new Response(String(Date.now())));
    return answer;
  } catch {
    if (request.url.startsWith(offline)) return (await kept.match(offline, { ignoreSearch: true })) || Response.error();
    return Response.redirect(`${offline}?to=${encodeURIComponent(request.url)}`);
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.mode === "navigate" && request.method === "GET") { event.respondWith(visit(request)); return; }
  if (request.url === contact) { event.respondWith(caches.match(contact).then((found) => found || new Response(""))); return; }
  const { pathname } = new URL(request.url);
  if (request.method === "GET" && pathname.startsWith(`${root.pathname}static/`)) {
    event.respondWith(fetch(request).catch(async () => (await caches.match(request)) || Response.error()));
  }
});

self.addEventListener("push", (event) => {
  let said = {};
  try { said = event.data ? event.data.json() : {}; } catch { said = { title: "hybridd", body: event.data.text() }; }
  event.waitUntil(self.registration.showNotification(said.title || "hybridd", {
    body: said.body || "", tag: said.tag, renotify: Boolean(said.tag), icon: new URL("static/icon-192.png", root).href,
    data: { url: said.link || root.href }, requireInteraction: said.severity === "critical",
  }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = new URL(event.notification.data.url, root);
  event.waitUntil(self.clients.openWindow(url.origin === root.origin ? url.href : root.href));
});
