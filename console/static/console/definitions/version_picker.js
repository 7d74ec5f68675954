// Replaces the number of a version by a list of the versions of the chosen script. Another script unpins.
import { asker } from "../objects/fetching.js";

function picker(root) {
  const number = root.querySelector("input");
  const script = document.querySelector("[data-script-picker] [data-value]");
  const list = Object.assign(document.createElement("select"), { className: number.className, id: number.id });
  const owner = Object.assign(document.createElement("input"), { type: "hidden", name: "version_of" });
  for (const name of ["aria-describedby", "aria-invalid"]) {
    if (number.hasAttribute(name)) list.setAttribute(name, number.getAttribute(name));
    number.removeAttribute(name);
  }

  const load = asker((html) => {
    if (html === null) {
      keepNumber();
      return;
    }
    list.innerHTML = html;
    // A pinned version that is gone: the save will say so.
    if (list.value !== number.value) list.append(new Option(number.value, number.value, true, true));
    tell();
  });

  // The list cannot be loaded, so the number itself can be edited again.
  function keepNumber() {
    number.id = list.id;
    number.type = "number";
    list.remove();
  }

  function tell() {
    const points = list.selectedOptions[0]?.dataset.entryPoints ?? null;
    root.dispatchEvent(new CustomEvent("console:version", { bubbles: true, detail: points }));
  }

  function show() {
    owner.value = script.value;
    load.now(root.dataset.options, { script: script.value, pinned: number.value });
  }

  list.addEventListener("change", () => {
    number.value = list.value;
    tell();
  });
  script.addEventListener("input", () => {
    if (script.value === owner.value) return;
    number.value = "";
    show();
  });
  number.removeAttribute("id");
  number.type = "hidden";
  root.append(list, owner);
  show();
}

document.querySelectorAll("[data-version-picker]").forEach(picker);
