// The composer saves by itself, a moment after typing stops. Whatever goes wrong, the words stay in the page and the
// page says so: no connection, a session that ended, a colleague who saved meanwhile. The server decides; see saving.py.

const PAUSE = 2500;
const LONGEST = 20000;
const AGAIN = 10000;

const form = document.getElementById("compose");
const saved = document.getElementById("saved");
const unsaved = document.getElementById("unsaved");
const SIGNED_OUT = "You are signed out. Your words are still here: sign in on another page, and they are saved by themselves.";
const CUT_OFF = "Not saved: no connection. Your words are still here, and this page tries again.";

let changes = form.hasAttribute("data-unsaved") ? 1 : 0; // how often something was changed here
let kept = 0; // as many of these are saved
let stopped = form.hasAttribute("data-stopped");
let timer = 0;
let since = 0;
let running = null;
let going = false; // on to the page where a button leads
let waiting = false; // for the last save before that

function say(words, problem = "") {
  saved.textContent = words;
  unsaved.hidden = !problem;
  if (unsaved.textContent !== problem) unsaved.textContent = problem;
}

function later(wait) {
  clearTimeout(timer);
  timer = setTimeout(save, wait);
}

function changed() {
  changes += 1;
  if (stopped) return;
  since ||= Date.now();
  say("Not saved yet", unsaved.hidden ? "" : unsaved.textContent);
  later(Date.now() - since > LONGEST ? 0 : PAUSE);
}

function token(value) {
  form.elements.csrfmiddlewaretoken.value = value;
  const holder = document.querySelector("[hx-headers]");
  if (holder) holder.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": value }));
}

// Signing in on another page changes the token: asked for once, so that this page can go on.
async function renewed() {
  const response = await fetch(form.dataset.saving, { credentials: "same-origin" });
  if (!isOurs(response)) return false;
  token((await response.json()).token);
  return true;
}

function isOurs(response) {
  return !response.redirected && (response.headers.get("Content-Type") || "").includes("json");
}

async function ask(keepalive) {
  const send = () => {
    const body = new FormData(form);
    body.delete("shape_file"); // what is imported is imported by its button
    body.delete("shape_text");
    return fetch(form.dataset.saving, { method: "POST", body, credentials: "same-origin", keepalive });
  };
  const response = await send();
  return response.status === 403 && await renewed() ? send() : response;
}

function stop(answer) {
  stopped = true;
  say("", answer.stopped || "Not saved by itself any more: a colleague saved. Choose above.");
  if (!answer.theirs) return;
  const place = document.getElementById("theirs-place");
  place.innerHTML = answer.theirs;
  place.querySelector("#conflict").focus();
}

async function attempt(keepalive) {
  const sent = changes;
  let response;
  try {
    response = await ask(keepalive);
  } catch {
    say("", CUT_OFF);
    later(AGAIN);
    return "cut off";
  }
  if (!isOurs(response)) {
    const out = response.redirected || response.status === 403;
    say("", out ? SIGNED_OUT : CUT_OFF);
    later(AGAIN);
    return out ? "signed out" : "cut off";
  }
  const answer = await response.json();
  if (!response.ok) {
    stop(answer);
    return "stopped";
  }
  form.elements.seen.value = answer.seen;
  kept = sent;
  since = 0;
  say(changes === kept ? answer.saved : "Not saved yet", answer.but ? `Not saved yet, because it needs a change: ${answer.but}` : "");
  return "saved";
}

// One save at a time, in order; who asks meanwhile waits for it, and for one more where words came after it.
async function save(keepalive = false) {
  clearTimeout(timer);
  if (running) await running;
  if (stopped || changes === kept) return "saved";
  running = attempt(keepalive === true);
  const outcome = await running;
  running = null;
  if (outcome === "saved" && changes !== kept) later(PAUSE);
  return outcome;
}

if (changes && !stopped) later(PAUSE);
form.addEventListener("input", (event) => { if (event.target.name && event.target.form === form) changed(); });
form.addEventListener("bell:shape", changed);
document.addEventListener("visibilitychange", () => { if (document.hidden) save(true); else if (!unsaved.hidden) save(); });

// A preview or count that was asked for without a session would take the whole page, words and all, to the sign-in.
document.body.addEventListener("htmx:beforeOnLoad", (event) => {
  if (!event.detail.xhr.getResponseHeader("HX-Redirect")) return;
  event.preventDefault();
  say("", SIGNED_OUT);
});

// A button leads to another page: what cannot be saved for want of a session must not be lost on the way.
form.addEventListener("submit", async (event) => {
  if (going || stopped || (changes === kept && !running)) return;
  event.preventDefault();
  if (waiting) return;
  waiting = true;
  const outcome = await save();
  waiting = false;
  if (outcome === "signed out" || outcome === "stopped") return;
  going = true;
  form.requestSubmit(event.submitter);
  going = false;
});
