// A combobox over all scripts: type to search, arrows to move, Enter to choose, Escape to keep the current one.
import { asker } from "../objects/fetching.js";

function picker(root) {
  const box = root.querySelector("[role=combobox]");
  const list = root.querySelector("[role=listbox]");
  const value = root.querySelector("[data-value]");
  const card = root.querySelector("[data-shown]");
  let chosenName = box.value;

  const options = () => [...list.querySelectorAll("[role=option]:not([aria-disabled])")];
  const active = () => list.querySelector("[aria-selected=true]");

  const search = asker((html) => {
    list.innerHTML = html ?? "";
    list.hidden = html === null;
    box.setAttribute("aria-expanded", String(!list.hidden));
    activate(options().find((option) => option.dataset.id === value.value) ?? null);
  });
  const describe = asker((html) => {
    card.innerHTML = html ?? "";
    const known = card.querySelector("[data-entry-points]");
    root.dispatchEvent(new CustomEvent("console:script", { bubbles: true, detail: known?.dataset.entryPoints ?? null }));
  });

  function activate(option) {
    for (const each of options()) each.setAttribute("aria-selected", String(each === option));
    box.setAttribute("aria-activedescendant", option?.id ?? "");
    option?.scrollIntoView({ block: "nearest" });
  }

  function move(step) {
    const all = options();
    if (!all.length) return;
    const at = all.indexOf(active());
    activate(all[(at + step + all.length) % all.length]);
  }

  function open(text = "") {
    search.now(root.dataset.options, { q: text });
  }

  function close() {
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
    box.setAttribute("aria-activedescendant", "");
  }

  function take(option) {
    value.value = option.dataset.id;
    box.value = chosenName = option.dataset.name;
    value.dispatchEvent(new Event("input", { bubbles: true }));
    close();
    describe.now(root.dataset.card, { script: value.value });
  }

  function leave() {
    close();
    if (box.value.trim() === "") {
      value.value = chosenName = "";
      describe.now(root.dataset.card, { script: "" });
    }
    box.value = chosenName;
  }

  box.addEventListener("input", () => search.soon(root.dataset.options, { q: box.value }));
  box.addEventListener("click", () => (list.hidden ? open() : close()));
  box.addEventListener("blur", leave);
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) open();
      else move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && !list.hidden) {
      event.preventDefault();
      const option = active() ?? options()[0];
      if (option) take(option);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
      box.value = chosenName;
    }
  });
  // Before the focus leaves the box.
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const option = event.target.closest("[role=option]:not([aria-disabled])");
    if (option) take(option);
  });
  if (value.value) describe.now(root.dataset.card, { script: value.value });
}

document.querySelectorAll("[data-script-picker]").forEach(picker);
