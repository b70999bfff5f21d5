"use strict";
// Says since when there is no connection, and goes on as soon as there is one.
(async () => {
  const place = document.getElementById("since");
  const last = Number(await (await fetch("static/contact")).text());
  if (last) {
    const at = new Intl.DateTimeFormat(document.documentElement.lang, {
      month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short",
    }).format(last);
    const tell = () => { place.textContent = `${place.dataset.last} ${at} (${Math.floor((Date.now() - last) / 60000)} min)`; };
    tell();
    setInterval(tell, 10000);
  }
  // Back to where somebody wanted to go, if that is a page of ours.
  const asked = new URL(new URLSearchParams(location.search).get("to") || "./", location.href);
  const to = asked.origin === location.origin ? asked.href : new URL("./", location.href).href;
  document.getElementById("again").href = to;
  const again = async () => {
    try { if ((await fetch("healthz", { cache: "no-store" })).ok) location.replace(to); } catch { /* not yet */ }
  };
  addEventListener("online", again);
  setInterval(again, 5000);
})();
