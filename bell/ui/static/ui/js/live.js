// Manners around htmx: new fragments get their components, updates are announced politely, the scroll stays put.
import { initAll } from "../../govuk/govuk-frontend.min.js";
import { startShown } from "./shown.js";

// Say something once to people who listen: announce("3 new replies").
export function announce(words) {
  const place = document.getElementById("announcer");
  if (!place || !words) return;
  place.textContent = "";
  window.setTimeout(() => { place.textContent = words; }, 50);
}

function settled(event) {
  const target = event.detail.elt;
  // htmx says so of the whole page at the start too; ui.js has done that.
  if (!(target instanceof Element) || target === document.body) return;
  if (target.parentElement) initAll({ scope: target });
  startShown(target.closest("form") ? target.closest("form").parentElement || document : target);
  const spoken = target.matches("[data-announce]") ? target : target.querySelector("[data-announce]");
  if (spoken) announce(spoken.dataset.announce);
}

// A list that grows above where one reads must not push the text away: data-keep-scroll on the target.
function keepScroll(event) {
  const target = event.detail.target;
  if (!(target instanceof Element) || !target.matches("[data-keep-scroll]")) return;
  const atEnd = target.scrollTop + target.clientHeight >= target.scrollHeight - 4;
  const before = target.scrollTop;
  target.addEventListener("htmx:afterSettle", () => {
    target.scrollTop = atEnd ? target.scrollHeight : before;
  }, { once: true });
}

function failed() {
  announce("That did not work. Check your connection and try again.");
}

export function startLive() {
  document.body.addEventListener("htmx:beforeSwap", keepScroll);
  document.body.addEventListener("htmx:load", settled);
  document.body.addEventListener("htmx:sendError", failed);
  document.body.addEventListener("htmx:responseError", failed);
  // A conversation opens at its newest turn.
  document.querySelectorAll("[data-scroll-end]").forEach((element) => { element.scrollTop = element.scrollHeight; });
}
