// Searches and filters of a list under names of the user's own. They stay in this browser, separate for each user.

import { gettext, interpolate } from "../words.js";

const KEPT = 20;
const form = document.getElementById("list-form");
const place = document.querySelector("[data-saved]");
const storage = `ud-filters:${form.dataset.user}:${form.dataset.list}`;
const [list, opener, naming] = [place.querySelector("ul"), place.querySelector("[data-save]"), place.querySelector("form")];
const box = naming.querySelector("input");

function read() {
  try {
    const known = JSON.parse(localStorage.getItem(storage) ?? "[]");
    return known.filter(({ name, query }) => typeof name === "string" && typeof query === "string");
  } catch {
    return [];
  }
}

function write(saved) {
  localStorage.setItem(storage, JSON.stringify(saved.slice(-KEPT)));
  show();
}

// What the address asks for, whichever page it is of and in whichever order its parameters stand.
function wanted() {
  const query = new URLSearchParams(window.location.search);
  for (const name of ["p", "e", "before", "after", "_changelist_filters"]) query.delete(name);
  query.sort();
  return query.toString();
}

function chip({ name, query }) {
  const item = document.createElement("li");
  const shown = document.createElement("span");
  shown.className = "ud-chip";
  if (query === wanted()) shown.setAttribute("aria-current", "true");
  const link = Object.assign(document.createElement("a"), { href: `?${query}`, textContent: name });
  const remove = document.createElement("button");
  Object.assign(remove, { type: "button", className: "ud-icon-button" });
  remove.setAttribute("aria-label", interpolate(gettext("Delete the saved filters %(name)s"), { name }));
  const icon = Object.assign(document.createElement("span"), { className: "material-symbols-outlined", textContent: "close" });
  icon.setAttribute("aria-hidden", "true");
  remove.append(icon);
  remove.addEventListener("click", () => write(read().filter((each) => each.name !== name)));
  shown.append(link, remove);
  item.append(shown);
  return item;
}

function show() {
  const saved = read();
  list.replaceChildren(...saved.map(chip));
  const isNarrowed = [...new URLSearchParams(wanted()).keys()].length > 0;
  opener.hidden = !isNarrowed || !naming.hidden || saved.some(({ query }) => query === wanted());
  place.hidden = !saved.length && opener.hidden && naming.hidden;
}

function toggle(isOpen) {
  naming.hidden = !isOpen;
  show();
  if (isOpen) box.focus();
  else box.value = "";
}

opener.addEventListener("click", () => toggle(true));
naming.querySelector("[data-cancel]").addEventListener("click", () => toggle(false));
naming.addEventListener("keydown", (event) => event.key === "Escape" && toggle(false));
naming.addEventListener("submit", (event) => {
  event.preventDefault();
  const name = box.value.trim();
  if (name) write([...read().filter((each) => each.name !== name), { name, query: wanted() }]);
  toggle(false);
});
document.addEventListener("console:searched", show);
show();
