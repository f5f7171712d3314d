// Nothing on a map needs dragging: a focused corner or pin moves by the arrow keys (10 pixels; 1 with Shift), and Delete
// takes a corner away.
import { announce } from "./live.js";

const L = window.L;
const STEPS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
const WAYS = { ArrowUp: "north", ArrowDown: "south", ArrowLeft: "west", ArrowRight: "east" };

function corners(map) {
  return [...map.getContainer().querySelectorAll(".marker-icon:not(.marker-icon-middle)")];
}

// The circle whose middle or edge this handle is.
function circleOf(map, marker) {
  let found = null;
  map.eachLayer((layer) => {
    if (layer instanceof L.Circle && layer.pm && [layer.pm._centerMarker, layer.pm._outerMarker].includes(marker)) found = layer;
  });
  return found;
}

// Geoman takes a corner away at a right click; a key does the same. The focus goes on to the next corner.
function removeCorner(map, marker) {
  const circle = circleOf(map, marker);
  if (circle) {
    circle.remove();
    map.fire("pm:remove", { layer: circle });
    map.getContainer().focus();
    announce("Circle taken away");
    return;
  }
  const before = corners(map);
  const at = before.indexOf(marker.getElement());
  marker.fire("contextmenu");
  const left = corners(map);
  (left[Math.min(at, left.length - 1)] || map.getContainer()).focus();
  if (left.length === before.length) announce("This corner stays: without it the outline would cross itself");
  else announce(before.length - left.length === 1 ? "Corner taken away" : "Area taken away");
}

function metres(distance) {
  return distance < 10 ? distance.toFixed(1) : Math.round(distance).toLocaleString("en-GB");
}

function focusedMarker(map) {
  let found = null;
  map.eachLayer((layer) => {
    if (layer instanceof L.Marker && layer.getElement() === document.activeElement) found = layer;
  });
  return found;
}

export function nudge(map, marker, dx, dy) {
  const point = map.latLngToContainerPoint(marker.getLatLng()).add([dx, dy]);
  // The same events as a drag by hand, so that Geoman moves the shape along.
  marker.fire("dragstart", { target: marker });
  marker.setLatLng(map.containerPointToLatLng(point));
  marker.fire("drag", { target: marker });
  marker.fire("dragend", { target: marker });
  if (marker.getElement()) marker.getElement().focus();
}

export function watchKeys(map) {
  // In the capture phase, or Leaflet would pan the map by the same key.
  map.getContainer().addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const takes = event.key === "Delete" || event.key === "Backspace";
    if (!step && !takes) return;
    const marker = focusedMarker(map);
    if (takes) {
      if (!marker || !corners(map).includes(marker.getElement())) return;
      event.preventDefault();
      event.stopPropagation();
      removeCorner(map, marker);
      return;
    }
    if (!marker || !marker.dragging) return;
    event.preventDefault();
    event.stopPropagation();
    const size = event.shiftKey ? 1 : 10;
    const before = marker.getLatLng();
    nudge(map, marker, step[0] * size, step[1] * size);
    announce(`Moved ${metres(map.distance(before, marker.getLatLng()))} metres ${WAYS[event.key]}`);
  }, true);
}
