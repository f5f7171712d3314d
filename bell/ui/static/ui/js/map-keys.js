// Nothing on a map needs dragging: a focused corner or pin moves by the arrow keys (10 pixels; 1 with Shift).
const L = window.L;
const STEPS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

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
    if (!step) return;
    const marker = focusedMarker(map);
    if (!marker || !marker.dragging) return;
    event.preventDefault();
    event.stopPropagation();
    const size = event.shiftKey ? 1 : 10;
    nudge(map, marker, step[0] * size, step[1] * size);
  }, true);
}
