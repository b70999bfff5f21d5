"use strict";
// Asks the browser for the address at which it takes push messages, and sends it with the form.
(() => {
  const form = document.getElementById("register");
  if (!form) return;
  const trouble = document.getElementById("trouble");
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) { trouble.textContent = form.dataset.cannot; return; }
  form.addEventListener("submit", async (event) => {
    if (form.elements.device.value) return;
    event.preventDefault();
    trouble.textContent = "";
    try {
      if (await Notification.requestPermission() !== "granted") { trouble.textContent = form.dataset.denied; return; }
      const worker = await navigator.serviceWorker.ready;
      // Another key than the one that this browser knows: it has to be asked anew.
      const before = await worker.pushManager.getSubscription();
      if (before) await before.unsubscribe();
      const wish = { userVisibleOnly: true, applicationServerKey: bytes(form.dataset.key) };
      form.elements.device.value = JSON.stringify(await worker.pushManager.subscribe(wish));
      form.requestSubmit();
    } catch (error) {
      trouble.textContent = `${form.dataset.cannot} (${error.message})`;
    }
  });
})();
