// Buttons that copy: `data-copy` has the text, or `data-copy-from` the id of the element whose text it is.

const SHOWN_MILLISECONDS = 1600;

function textOf(button) {
  if (button.dataset.copy !== undefined) return button.dataset.copy;
  const source = document.getElementById(button.dataset.copyFrom);
  return source.value ?? source.textContent.trim();
}

async function write(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  // A console that is served over http has no clipboard of its own.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "ud-off-screen";
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
  return undefined;
}

function say(text) {
  let place = document.getElementById("copy-status");
  if (!place) {
    place = document.createElement("div");
    place.id = "copy-status";
    place.className = "ud-off-screen";
    place.setAttribute("role", "status");
    document.body.append(place);
  }
  place.textContent = text;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) return;
  event.preventDefault();
  await write(textOf(button));
  button.classList.add("ud-copied");
  button.dispatchEvent(new CustomEvent("console:copied", { bubbles: true }));
  say(button.getAttribute("aria-label") || button.textContent.trim());
  window.setTimeout(() => button.classList.remove("ud-copied"), SHOWN_MILLISECONDS);
});
