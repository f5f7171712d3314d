// Where nothing is drawn yet a map looks at the team's own ground: data-patch="west,south,east,north".
function look(element, map) {
  const bounds = (element.dataset.patch || "").split(",").map(Number);
  if (bounds.length !== 4 || bounds.some(Number.isNaN)) return;
  const script = document.getElementById(element.dataset.shapes || "");
  const drawn = document.getElementById(element.dataset.edit || "");
  if ((script && JSON.parse(script.textContent).features.length) || (drawn && drawn.value.trim())) return;
  const [west, south, east, north] = bounds;
  map.bellLead(() => map.fitBounds([[south, west], [north, east]], { animate: false, maxZoom: 15 }));
}

document.body.addEventListener("bell:map", (event) => look(event.target, event.detail));
document.querySelectorAll("[data-patch]").forEach((element) => { if (element.bellMap) look(element, element.bellMap); });
