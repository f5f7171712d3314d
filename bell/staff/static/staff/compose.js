// What the composer adds where scripts run: circles without a reload, shapes taken away one by one, areas found by name.
// Numbers, previews and refusals all come from the server; nothing is decided here.

const form = document.getElementById("compose");
const output = document.getElementById("id_shapes");

function shapes() {
  return output.value.trim() ? JSON.parse(output.value).features : [];
}

function put(features) {
  output.value = features.length ? JSON.stringify({ type: "FeatureCollection", features }) : "";
  output.dispatchEvent(new CustomEvent("bell:load"));
  output.dispatchEvent(new CustomEvent("bell:shape", { bubbles: true }));
}

function startCircle() {
  const button = document.getElementById("add-circle");
  const postcode = document.getElementById("id_circle_postcode");
  const radius = document.getElementById("id_circle_radius");
  const problem = document.getElementById("circle-problem");

  async function add() {
    problem.hidden = true;
    const response = await fetch(form.dataset.circle, { method: "POST", body: new URLSearchParams([...new FormData(form)].filter(([name]) => !name.startsWith("shape_"))), credentials: "same-origin" });
    if (!response.ok || response.redirected) return form.requestSubmit(button);
    const answer = await response.json();
    if (answer.problem) {
      problem.textContent = answer.problem;
      problem.hidden = false;
      return postcode.focus();
    }
    put([...shapes(), answer.feature]);
    postcode.value = "";
    return postcode.focus();
  }

  button.addEventListener("click", (event) => { event.preventDefault(); add(); });
  [postcode, radius].forEach((input) => input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    add();
  }));
}

function startRemoving() {
  document.getElementById("drawn").addEventListener("click", (event) => {
    const button = event.target.closest("[data-remove]");
    if (!button) return;
    event.preventDefault();
    const number = Number(button.dataset.remove);
    put(shapes().filter((_, at) => at !== number));
    document.getElementById("map").querySelector(".app-map__canvas, p").focus();
  });
}

function startFilter() {
  const box = document.querySelector(".staff-filter");
  const input = document.getElementById("filter");
  const items = [...document.querySelectorAll(".staff-tree__item")];
  if (items.length < 8) return;
  box.hidden = false;
  const parts = [...document.querySelectorAll(".staff-tree__part")];
  const were = parts.map((part) => part.open);
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    items.forEach((item) => { item.hidden = Boolean(wanted) && !item.dataset.name.toLowerCase().includes(wanted); });
    // A name that fits shows the way down to it.
    items.filter((item) => !item.hidden).forEach((item) => {
      for (let up = item.parentElement.closest(".staff-tree__item"); up; up = up.parentElement.closest(".staff-tree__item")) up.hidden = false;
    });
    parts.forEach((part, at) => { part.open = wanted ? Boolean(part.querySelector(".staff-tree__item:not([hidden])")) : were[at]; });
    document.getElementById("no-areas").hidden = !wanted || items.some((item) => !item.hidden);
  });
  // Finding an area is no change of the audience, and Enter there sends nothing.
  input.addEventListener("change", (event) => event.stopPropagation());
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
}

if (output) {
  startCircle();
  startRemoving();
  startFilter();
}
