// Markers drawn by style sheets (no image files) and named for people who listen.
const L = window.L;

// Text goes in as text: names are written by people, and Leaflet would read a string as HTML.
export function textElement(words, className) {
  const element = document.createElement("span");
  element.textContent = words;
  if (className) element.className = className;
  return element;
}

export function markerIcon(kind, words) {
  const inner = textElement(words || "", `app-marker__words`);
  return L.divIcon({ className: `app-marker app-marker--${kind}`, html: inner, iconSize: null });
}

export function nameMarker(marker, name) {
  marker.on("add", () => {
    const element = marker.getElement();
    if (element) element.setAttribute("aria-label", name);
  });
}
