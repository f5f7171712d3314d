// Counts down to a moment by the server's clock: data-countdown="seconds since 1970" inside a page that a poller keeps
// fresh (it carries data-now). Only decoration: the moment itself stands in words beside it.
let ahead = 0;

function setClock() {
  const poller = document.querySelector("[data-now]");
  if (poller) ahead = Number(poller.dataset.now) * 1000 - Date.now();
}

function tick() {
  document.querySelectorAll("[data-countdown]").forEach((element) => {
    const left = Math.max(0, Math.ceil((Number(element.dataset.countdown) * 1000 - Date.now() - ahead) / 1000));
    const words = left ? ` (${left} s)` : " (now)";
    if (element.textContent !== words) element.textContent = words;
  });
}

setClock();
tick();
window.setInterval(tick, 250);
document.body.addEventListener("htmx:afterSwap", () => { setClock(); tick(); });
