// Maps: <div class="app-map" id="m" data-map data-label="Where it happened" …>what to read without scripts</div>
//
//   data-base / data-base-url       id of a JSON script, or an address of ours: GeoJSON drawn as the base map
//   data-shapes / data-shapes-url   the same, drawn above it; read again when htmx has changed the JSON script
//   data-edit="textarea-id"         draw polygons and circles; a GeoJSON FeatureCollection is written there
//   data-pin="lon-id,lat-id"        one pin, written into two inputs
//   data-view="lon,lat,zoom"        where to look when nothing else says so
//   data-tiles="/tiles/{z}/{x}/{y}.png" data-credit="…"   a picture below the base map, from our own server
//
// A feature's properties: name, tone (base, area, audience, out, also, quiet, warm, answer, camera, pin, town), count, rank, href.
// Every change fires a bubbling "bell:shape" on the textarea or the first input; its detail is the GeoJSON.
import { startEdit } from "./map-edit.js";
import { startPin } from "./map-pin.js";
import { watchKeys } from "./map-keys.js";
import { markerIcon, nameMarker, textElement } from "./map-marks.js";

const L = window.L;

async function readGeoJson(element, name) {
  const id = element.dataset[name];
  if (id) {
    const script = document.getElementById(id);
    return script && script.textContent.trim() ? JSON.parse(script.textContent) : null;
  }
  const url = element.dataset[`${name}Url`];
  if (!url) return null;
  const response = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  return response.ok ? response.json() : null;
}

function pointLayer(feature, latlng) {
  const { tone = "pin", name = "", count = "", rank = 1, href } = feature.properties || {};
  if (feature.properties && feature.properties.radius_m) {
    return L.circle(latlng, { radius: feature.properties.radius_m, className: `app-shape app-shape--${tone}`, pmIgnore: true });
  }
  const isTown = tone === "town";
  const marker = L.marker(latlng, {
    icon: isTown ? markerIcon("town", name) : markerIcon(tone, String(count)),
    interactive: Boolean(href), keyboard: Boolean(href), pmIgnore: true, snapIgnore: true,
    zIndexOffset: isTown ? -500 : 0,
  });
  if (isTown) marker.townRank = rank;
  else if (name) {
    if (href) nameMarker(marker, name);
    marker.bindTooltip(textElement(name), { direction: "top", offset: [0, -14] });
  }
  if (href) marker.on("click", () => { window.location.assign(href); });
  return marker;
}

function drawFeatures(geojson, defaultTone) {
  return L.geoJSON(geojson, {
    pmIgnore: true, snapIgnore: true,
    interactive: false,
    style: (feature) => ({ className: `app-shape app-shape--${(feature.properties || {}).tone || defaultTone}`, weight: 1.5, pmIgnore: true }),
    pointToLayer: pointLayer,
    onEachFeature: (feature, layer) => {
      const name = (feature.properties || {}).name;
      if (name && defaultTone === "base" && feature.geometry.type !== "Point") {
        layer.bindTooltip(textElement(name), { permanent: true, direction: "center", className: "app-place-name", opacity: 1 });
      }
    },
  });
}

function overlaps(one, other) {
  return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}

// Names only where there is room for them: towns first, the larger before the smaller, then areas.
function thinNames(map, group) {
  const towns = [];
  const areas = [];
  group.eachLayer((layer) => {
    const tooltip = layer.getTooltip && layer.getTooltip();
    const element = layer.townRank ? layer.getElement() : tooltip && tooltip.options.permanent && tooltip.getElement();
    if (!element) return;
    element.hidden = false;
    if (layer.townRank) towns.push({ element, box: element.firstElementChild, rank: layer.townRank });
    else areas.push({ element, box: element, bounds: layer.getBounds() });
  });
  const kept = [];
  const place = ({ element, box }, fits) => {
    const rect = box.getBoundingClientRect();
    element.hidden = !fits(rect) || kept.some((other) => overlaps(rect, other));
    if (!element.hidden) kept.push(rect);
  };
  towns.sort((one, other) => one.rank - other.rank).forEach((town) => place(town, () => true));
  // A pin may lie over a town's name, but an area's name gives way to everything.
  map.getContainer().querySelectorAll(".app-marker:not(.app-marker--town)").forEach((pin) => kept.push(pin.getBoundingClientRect()));
  areas.forEach((area) => {
    const width = map.latLngToLayerPoint(area.bounds.getSouthEast()).x - map.latLngToLayerPoint(area.bounds.getNorthWest()).x;
    place(area, (rect) => rect.width + 8 < width);
  });
}

function newMap(element) {
  const canvas = document.createElement("div");
  canvas.className = "app-map__canvas";
  canvas.setAttribute("role", "region");
  canvas.setAttribute("aria-label", element.dataset.label || "Map");
  element.replaceChildren(canvas);
  element.classList.add("app-map--live");
  const map = L.map(canvas, { minZoom: 6, maxZoom: 18, zoomSnap: 0.5, wheelPxPerZoomLevel: 100, pmIgnore: !element.dataset.edit });
  map.attributionControl.setPrefix(false);
  if (element.dataset.tiles) {
    L.tileLayer(element.dataset.tiles, { attribution: element.dataset.credit || "", maxZoom: 18 }).addTo(map);
  }
  L.control.scale({ imperial: true, metric: true, maxWidth: 120 }).addTo(map);
  return map;
}

// The map belongs to the hand that is on it: it goes to a place by itself, also when its own size changes, only as long
// as nobody has moved it or drawn on it since they last chose something elsewhere on the page.
function startLeading(map, element) {
  let touched = false;
  const stay = () => {};
  let go = stay;
  const touch = (event) => { if (event.key !== "Tab") touched = true; };
  ["pointerdown", "wheel", "keydown"].forEach((name) => element.addEventListener(name, touch, { capture: true, passive: true }));
  document.body.addEventListener("change", (event) => {
    if (!touched || element.contains(event.target)) return;
    touched = false;
    go = stay;  // where the hand left it is where it is now, until something new leads it
  });
  map.on("resize", () => { if (!touched) go(); });
  map.bellLead = (next) => {
    if (touched) return;
    go = next;
    go();
  };
}

function fit(map, groups, element) {
  const found = groups.map((group) => group && group.getBounds()).find((bounds) => bounds && bounds.isValid());
  if (found) return map.bellLead(() => map.fitBounds(found.pad(0.12), { animate: false, maxZoom: 15 }));
  const [lon, lat, zoom] = (element.dataset.view || "-1.6,53.1,8.5").split(",").map(Number);
  return map.bellLead(() => map.setView([lat, lon], zoom, { animate: false }));
}

async function startMap(element) {
  if (element.dataset.mapReady) return;
  element.dataset.mapReady = "yes";
  const map = newMap(element);
  map.setView([53.1, -1.6], 8, { animate: false });
  const base = drawFeatures((await readGeoJson(element, "base")) || [], "base").addTo(map);
  let shapes = drawFeatures((await readGeoJson(element, "shapes")) || [], "audience").addTo(map);
  const drawn = element.dataset.edit ? startEdit(element, map) : null;
  const pin = element.dataset.pin ? startPin(element, map) : null;
  startLeading(map, element);
  fit(map, [pin, drawn, shapes, base], element);
  map.on("zoomend", () => thinNames(map, base));
  thinNames(map, base);
  watchKeys(map);

  let last = element.dataset.shapes ? (document.getElementById(element.dataset.shapes) || {}).textContent : "";
  document.body.addEventListener("htmx:afterSettle", async () => {
    const script = element.dataset.shapes && document.getElementById(element.dataset.shapes);
    if (!script || script.textContent === last) return;
    last = script.textContent;
    const next = drawFeatures((await readGeoJson(element, "shapes")) || [], "audience");
    shapes.remove();
    shapes = next.addTo(map);
    if (!drawn || !drawn.getLayers().length) fit(map, [shapes, base], element);
    thinNames(map, base);
  });
  element.bellMap = map;
  element.dispatchEvent(new CustomEvent("bell:map", { bubbles: true, detail: map }));
}

function startAll(root) {
  if (root.matches && root.matches("[data-map]")) startMap(root);
  root.querySelectorAll("[data-map]").forEach(startMap);
}

startAll(document);
document.body.addEventListener("htmx:load", (event) => startAll(event.detail.elt));
