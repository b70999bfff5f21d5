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
  const again = async () => {
    try { if ((await fetch("healthz", { cache: "no-store" })).ok) location.reload(); } catch { /* not yet */ }
  };
  addEventListener("online", again);
  setInterval(again, 5000);
})();
