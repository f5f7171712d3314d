// What the keys do, beside each map that one works with: to be opened by those who look, read with the map to those who listen.
let number = 0;

export function helpText(map, lines) {
  const details = document.createElement("details");
  details.className = "govuk-details app-map__help";
  const summary = document.createElement("summary");
  summary.className = "govuk-details__summary";
  const words = document.createElement("span");
  words.className = "govuk-details__summary-text";
  words.textContent = "By keyboard";
  summary.append(words);
  const list = document.createElement("ul");
  list.className = "govuk-details__text govuk-list";
  list.id = `map-help-${number += 1}`;
  lines.forEach((line) => {
    const item = document.createElement("li");
    item.textContent = line;
    list.append(item);
  });
  details.append(summary, list);
  map.getContainer().setAttribute("aria-describedby", list.id);
  return details;
}
