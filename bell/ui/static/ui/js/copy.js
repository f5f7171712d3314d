// Copies the value of a field: <button type="button" data-copy="id of the field" hidden>. The button shows itself where
// the clipboard can be used, and says what happened, to people who listen too.
const SECONDS = 3;

// Only the button's first words change: what follows them, such as hidden words, stays.
function say(button, words) {
  const shown = button.firstChild;
  button.dataset.words ||= shown.data;
  shown.data = words;
  const announcer = document.getElementById("announcer");
  if (announcer) announcer.textContent = words;
  clearTimeout(Number(button.dataset.timer));
  button.dataset.timer = String(setTimeout(() => { shown.data = button.dataset.words; }, SECONDS * 1000));
}

async function copy(button) {
  const field = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(field.value);
    say(button, "Copied");
  } catch {
    field.focus();
    field.select();
    say(button, "Selected: press Ctrl and C");
  }
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  if (document.getElementById(button.dataset.copy)) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}
