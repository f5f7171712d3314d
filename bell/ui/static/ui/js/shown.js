// Fields that matter only for some answers: data-shown-when="name=value,value". Without scripts they are always shown.

function currentValues(form, name) {
  return Array.from(form.elements)
    .filter((element) => element.name === name)
    .filter((element) => !["radio", "checkbox"].includes(element.type) || element.checked)
    .map((element) => element.value);
}

function refresh(form) {
  form.querySelectorAll("[data-shown-when]").forEach((group) => {
    const [name, wanted] = group.dataset.shownWhen.split("=");
    const values = currentValues(form, name);
    group.hidden = !wanted.split(",").some((value) => values.includes(value));
  });
}

export function startShown(root) {
  root.querySelectorAll("form").forEach((form) => {
    if (form.dataset.shownReady || !form.querySelector("[data-shown-when]")) return;
    form.dataset.shownReady = "yes";
    form.addEventListener("change", () => refresh(form));
    refresh(form);
  });
}
