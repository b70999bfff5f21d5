"use strict";
// Who may answer an alert and has its page before their eyes has seen it: nobody need be woken any more. It is not
// answered by that. A page that was only fetched, or lies in another tab, says nothing.

const shown = document.querySelector("form[data-seen]");

function say() {
  if (!shown || document.visibilityState !== "visible") return;
  document.removeEventListener("visibilitychange", say);
  fetch(shown.dataset.seen, { method: "POST", body: new URLSearchParams(new FormData(shown)), redirect: "manual" })
    .catch(() => document.addEventListener("visibilitychange", say));
}

document.addEventListener("visibilitychange", say);
say();
