// One pin: a click, a drag, the arrow keys or the button put it; two inputs hold its longitude and latitude.
import { announce } from "./live.js";
import { helpText } from "./map-help.js";
import { markerIcon, nameMarker } from "./map-marks.js";

const L = window.L;

function button(words, action) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "govuk-button govuk-button--secondary govuk-button--small";
  made.textContent = words;
  made.addEventListener("click", action);
  return made;
}

export function startPin(element, map) {
  const [lon, lat] = element.dataset.pin.split(",").map((id) => document.getElementById(id.trim()));
  const group = L.featureGroup().addTo(map);
  let marker = null;

  function write() {
    const place = marker.getLatLng().wrap();
    lon.value = place.lng.toFixed(6);
    lat.value = place.lat.toFixed(6);
    const detail = { type: "Point", coordinates: [Number(lon.value), Number(lat.value)] };
    lon.dispatchEvent(new CustomEvent("bell:shape", { bubbles: true, detail }));
  }

  function put(latlng) {
    if (marker) marker.setLatLng(latlng);
    else {
      marker = L.marker(latlng, { icon: markerIcon("pin", ""), draggable: true, pmIgnore: true, autoPan: true });
      nameMarker(marker, "The pin. Move it with the arrow keys");
      marker.on("dragend", write);
      marker.addTo(group);
    }
  }

  function read() {
    if (lon.value === "" || lat.value === "" || Number.isNaN(Number(lon.value)) || Number.isNaN(Number(lat.value))) return;
    put([Number(lat.value), Number(lon.value)]);
  }

  read();
  [lon, lat].forEach((input) => input.addEventListener("change", () => { read(); if (marker) map.panTo(marker.getLatLng()); }));
  map.on("click", (event) => { put(event.latlng); write(); });
  const bar = document.createElement("div");
  bar.className = "app-map__bar";
  const atCross = () => { put(map.getCenter()); write(); announce("The pin is at the cross"); };
  bar.append(button("Put the pin at the cross", atCross));
  element.append(bar, helpText(map, [
    "Arrow keys move the map under the cross, plus and minus come nearer and go away.",
    "Enter puts the pin at the cross. Tab to the pin: arrow keys move it (with Shift by a little).",
  ]));
  map.getContainer().addEventListener("keydown", (event) => {
    if (event.target !== map.getContainer() || event.key !== "Enter") return;
    event.preventDefault();
    atCross();
  });
  element.classList.add("app-map--crossed");
  return group;
}
