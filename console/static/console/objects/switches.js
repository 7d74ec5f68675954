// Fills the menu of a row, and switches APIs and tokens in their list.
import { announce } from "../announcing.js";
import { gettext, interpolate } from "../words.js";
import { refresh } from "./list.js";
import { menuOf } from "./menu.js";

async function switchTo(url, name, state) {
  const csrf = document.querySelector("#changelist-form [name=csrfmiddlewaretoken]").value;
  const answer = await fetch(url, {
    method: "POST",
    headers: { "X-CSRFToken": csrf, "X-Requested-With": "fetch" },
    body: new URLSearchParams({ state }),
  });
  // Refused, deleted or logged out: the reloaded page says so.
  if (answer.status !== 204) {
    window.location.reload();
    return;
  }
  await refresh();
  const said = state === "off" ? gettext("%(name)s disabled.") : gettext("%(name)s enabled.");
  const undo = () => switchTo(url, name, state === "off" ? "on" : "off");
  announce(interpolate(said, { name }), false, { text: gettext("Undo"), act: undo });
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-switch]");
  if (!button) return;
  event.preventDefault();
  button.disabled = true;
  await switchTo(button.formAction, button.dataset.name, button.value);
  document.querySelector(`[data-switch="${button.dataset.switch}"]`)?.focus();
});

const openerOf = ({ id }) => document.querySelector(`[data-menu="row-menu"][data-id="${id}"]`);

// What a button of the row copies already is not in the page twice.
function copied(row, what) {
  return openerOf(row).closest("tr").querySelector(`[data-copies="${what}"]`)?.dataset.copy ?? row[what];
}

function fill(menu, row) {
  const pages = menu.dataset.pages;
  for (const item of menu.querySelectorAll("[data-page]")) item.href = `${pages}${row.id}/${item.dataset.page}`;
  for (const item of menu.querySelectorAll("[data-address]")) item.href = item.dataset.address + row.id;
  for (const item of menu.querySelectorAll("[data-what]")) item.dataset.copy = copied(row, item.dataset.what);
  for (const item of menu.querySelectorAll("[data-do=switch]")) item.textContent = item.dataset[row.state];
  menu.setAttribute("aria-label", row.name);
}

async function act(item, row) {
  if (item.dataset.do !== "switch") return;
  const pages = document.getElementById("row-menu").dataset.pages;
  await switchTo(`${pages}${row.id}/switch/`, row.name, row.state === "on" ? "off" : "on");
  openerOf(row)?.focus();
}

menuOf("row-menu", fill, act);
