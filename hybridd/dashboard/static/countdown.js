"use strict";
// The page says the same without this: only the seconds would stand still.
for (const place of document.querySelectorAll("[data-left]")) {
  const end = performance.now() + Number(place.dataset.left) * 1000;
  const tick = () => {
    const left = Math.max(0, Math.round((end - performance.now()) / 1000));
    const minutes = Math.floor(left / 60);
    const time = `${minutes}:${String(left % 60).padStart(2, "0")}`;
    place.textContent = left ? place.dataset.says.replace("#", time) : place.dataset.over;
    if (left) setTimeout(tick, 1000);
  };
  tick();
}
