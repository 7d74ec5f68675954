// `<button data-copy="text">` copies the text; `data-copy-from="id"` copies the current content of that element.

import { announce } from "./announcing.js";
import { gettext } from "./words.js";

export function showCopyButtons() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-from]");
    if (button) {
      event.preventDefault();
      announce((await copy(textOf(button))) ? gettext("Copied") : gettext("The browser does not allow copying"));
    }
  });
}

function textOf(button) {
  const source = document.getElementById(button.dataset.copyFrom);
  return source ? (source.value ?? source.textContent) : button.dataset.copy;
}

export async function copy(text) {
  // Browsers offer the clipboard only to https and localhost.
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return copyThroughSelection(text);
    }
  }
  return copyThroughSelection(text);
}

function copyThroughSelection(text) {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "ud-off-screen";
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  focused?.focus();
  return done;
}
