// The JSON of an object from the management API, indented.

import { gettext, interpolate } from "./words.js";

const section = document.querySelector("[data-raw]");
const place = document.getElementById("raw-json");
const copyButton = section.querySelector("[data-copy-from]");

async function show() {
  try {
    const answer = await fetch(section.dataset.raw, { headers: { Accept: "application/json" } });
    const text = await answer.text();
    place.textContent = answer.ok ? indented(text) : refused(answer.status, text);
    place.classList.toggle("is-bad", !answer.ok);
    copyButton.disabled = !answer.ok;
  } catch {
    place.textContent = gettext("The server did not answer. Try again later.");
    place.classList.add("is-bad");
  }
  place.removeAttribute("aria-busy");
}

const indented = (text) => JSON.stringify(JSON.parse(text), null, 2);

const refused = (status, text) => interpolate(gettext("The management API answered %(status)s: %(text)s"), { status, text });

document.addEventListener("console:changed", show);
show();
