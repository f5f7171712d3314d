// Drawing: Geoman for the mouse and the finger, buttons and keys for everyone. Several shapes, polygons and circles.
// A circle is written as a Point with properties.radius_m, because GeoJSON knows no circle.
import { announce } from "./live.js";
import { helpText } from "./map-help.js";

const L = window.L;
const TOOLS = {
  position: "topleft", drawMarker: false, drawCircleMarker: false, drawPolyline: false, drawRectangle: false, drawText: false,
  cutPolygon: false, rotateMode: false, drawPolygon: true, drawCircle: true, editMode: true, dragMode: true, removalMode: true,
};
const STYLE = { className: "app-shape app-shape--drawn", weight: 2.5 };

function round(value) {
  return Array.isArray(value) ? value.map(round) : Math.round(value * 1e6) / 1e6;
}

function toFeature(layer) {
  if (layer instanceof L.Circle) {
    const { lng, lat } = layer.getLatLng();
    return { type: "Feature", properties: { radius_m: Math.round(layer.getRadius()) }, geometry: { type: "Point", coordinates: round([lng, lat]) } };
  }
  const { geometry } = layer.toGeoJSON(7);
  return { type: "Feature", properties: {}, geometry: { type: geometry.type, coordinates: round(geometry.coordinates) } };
}

function polygonsOf(geometry) {
  return geometry.type === "MultiPolygon" ? geometry.coordinates : geometry.type === "Polygon" ? [geometry.coordinates] : [];
}

function layersOf(geojson) {
  const features = geojson.type === "FeatureCollection" ? geojson.features : geojson.type === "Feature" ? [geojson] : [{ geometry: geojson, properties: {} }];
  return features.flatMap((feature) => {
    const { geometry, properties } = feature;
    if (!geometry) return [];
    if (geometry.type === "Point" && properties && properties.radius_m) {
      const [lon, lat] = geometry.coordinates;
      return [L.circle([lat, lon], { ...STYLE, radius: Number(properties.radius_m) })];
    }
    return polygonsOf(geometry).map((rings) => L.polygon(rings.map((ring) => ring.map(([lon, lat]) => [lat, lon])), STYLE));
  });
}

// Geoman's buttons are links without a name or a key: give them both.
function nameTools(canvas) {
  canvas.querySelectorAll(".leaflet-buttons-control-button").forEach((link) => {
    const title = link.parentElement && link.parentElement.getAttribute("title");
    if (title) link.setAttribute("aria-label", title);
  });
}

function nameCorners(map) {
  map.eachLayer((layer) => {
    const icon = layer instanceof L.Marker && layer.getElement();
    if (icon && icon.classList.contains("marker-icon") && !icon.hasAttribute("aria-label")) {
      icon.setAttribute("aria-label", icon.classList.contains("marker-icon-middle") ? "New corner" : "Corner. Move it with the arrow keys");
    }
  });
}

function toolbar(element, actions) {
  const bar = document.createElement("div");
  bar.className = "app-map__bar";
  actions.forEach(([words, action]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "govuk-button govuk-button--secondary govuk-button--small";
    button.textContent = words;
    button.addEventListener("click", action);
    bar.append(button);
  });
  const id = `${element.id || "map"}-radius`;
  const label = document.createElement("label");
  label.className = "app-map__radius";
  label.append("Circle of ");
  const input = document.createElement("input");
  Object.assign(input, { id, type: "text", inputMode: "numeric", value: "500", className: "govuk-input govuk-input--width-4" });
  // It has no name: it belongs to the map, not to the form, so Enter must not send the form.
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  label.append(input, " metres");
  bar.insertBefore(label, bar.children[3] || null);
  element.append(bar);
  return input;
}

export function startEdit(element, map) {
  const output = document.getElementById(element.dataset.edit);
  const group = L.featureGroup().addTo(map);
  let corners = [];
  const pending = L.layerGroup().addTo(map);
  // What was drawn before each change, so that each can be taken back, whoever made it.
  const past = [];
  let last = output.value;

  function changed() {
    past.push(last);
    last = output.value;
  }

  function write() {
    // Geoman leaves an outline without corners where the last were taken away.
    group.getLayers().filter((layer) => layer.isEmpty && layer.isEmpty()).forEach((layer) => group.removeLayer(layer));
    const shapes = { type: "FeatureCollection", features: group.getLayers().map(toFeature) };
    const text = shapes.features.length ? JSON.stringify(shapes) : "";
    if (text === output.value) return;
    output.value = text;
    changed();
    output.dispatchEvent(new CustomEvent("bell:shape", { bubbles: true, detail: shapes }));
  }

  function draw() {
    group.clearLayers();
    if (output.value.trim()) layersOf(JSON.parse(output.value)).forEach(adopt);
  }

  function said() {
    const count = group.getLayers().length;
    return count === 1 ? "1 shape on the map" : `${count || "No"} shapes on the map`;
  }

  function adopt(layer) {
    group.addLayer(layer);
    layer.on("pm:edit pm:dragend pm:update pm:vertexremoved pm:vertexadded pm:markerdragend", write);
    layer.on("pm:enable pm:vertexadded", () => nameCorners(map));
    layer.on("pm:remove", () => { group.removeLayer(layer); write(); });  // its last corners went
  }

  function showPending() {
    pending.clearLayers();
    const look = { className: "app-shape app-shape--pending", pmIgnore: true, interactive: false };
    if (corners.length) pending.addLayer(L.polyline(corners, look));
    corners.forEach((corner) => pending.addLayer(L.circleMarker(corner, { ...look, radius: 4 })));
  }

  function clearPending() {
    corners = [];
    showPending();
  }

  function addCorner() {
    corners.push(map.getCenter());
    showPending();
    announce(`Corner ${corners.length} put`);
  }

  function takeBack() {
    if (corners.length) {
      corners.pop();
      showPending();
      return announce(`${corners.length} corners`);
    }
    if (!past.length) return announce("There is nothing to take back");
    output.value = last = past.pop();
    draw();
    const detail = { type: "FeatureCollection", features: group.getLayers().map(toFeature) };
    output.dispatchEvent(new CustomEvent("bell:shape", { bubbles: true, detail }));
    return announce(`Taken back. ${said()}`);
  }

  function finish() {
    if (corners.length < 3) return announce("An area needs three corners");
    adopt(L.polygon(corners, STYLE));
    clearPending();
    write();
    return announce(`Area added. ${said()}`);
  }

  function addCircle() {
    const radius = Number(radiusInput.value.replace(/[^\d.]/g, ""));
    if (!(radius >= 1 && radius <= 100000)) return announce("Enter a radius in metres");
    adopt(L.circle(map.getCenter(), { ...STYLE, radius }));
    write();
    return announce(`Circle added. ${said()}`);
  }

  function moveCorners() {
    map.pm.toggleGlobalEditMode();
    announce(map.pm.globalEditModeEnabled() ? "Corners can be moved. Tab to a corner" : "Corners stay where they are");
  }

  const radiusInput = toolbar(element, [
    ["Corner at the cross", addCorner],
    ["Take back", takeBack],
    ["Finish area", finish],
    ["Add circle at the cross", addCircle],
    ["Move corners", moveCorners],
    ["Clear all", () => { group.clearLayers(); clearPending(); write(); announce("All cleared"); }],
  ]);

  draw();
  const mover = [...element.querySelectorAll(".app-map__bar button")].find((button) => button.textContent === "Move corners");
  mover.setAttribute("aria-pressed", "false");
  map.on("pm:globaleditmodetoggled", ({ enabled }) => mover.setAttribute("aria-pressed", String(enabled)));
  element.append(helpText(map, [
    "Arrow keys move the map under the cross, plus and minus come nearer and go away.",
    "Enter puts a corner at the cross, F finishes the area, Backspace takes back what was done last.",
    "“Move corners” shows the corners: Tab to one, arrow keys move it (with Shift by a little), Delete takes it away.",
  ]));
  map.pm.setGlobalOptions({ allowSelfIntersection: false, pathOptions: STYLE, layerGroup: group, continueDrawing: false });
  map.pm.addControls(TOOLS);
  nameTools(map.getContainer());
  map.on("pm:create", ({ layer }) => { adopt(layer); write(); });
  map.on("pm:remove", ({ layer }) => { group.removeLayer(layer); write(); });
  map.on("pm:globaleditmodetoggled pm:globaldrawmodetoggled pm:drawstart", () => { nameCorners(map); nameTools(map.getContainer()); });
  map.getContainer().addEventListener("keydown", (event) => {
    if (event.target !== map.getContainer()) return;
    const action = { Enter: addCorner, f: finish, F: finish, Backspace: takeBack }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  // The server may write shapes too (a postcode and a radius, areas from a tree): it fires "bell:load" on the textarea then.
  output.addEventListener("bell:load", () => {
    if (output.value !== last) changed();
    draw();
    if (group.getLayers().length) map.fitBounds(group.getBounds().pad(0.2), { animate: false, maxZoom: 15 });
  });
  element.classList.add("app-map--crossed");
  return group;
}
