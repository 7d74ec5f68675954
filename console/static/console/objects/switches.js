// Switches APIs or tokens in their list, and fills the menu of a row.
import { refresh } from "./list.js";
import { menuOf } from "./menu.js";

async function switchTo(url, state) {
  const csrf = document.querySelector("#changelist-form [name=csrfmiddlewaretoken]").value;
  const answer = await fetch(url, {
    method: "POST",
    headers: { "X-CSRFToken": csrf, "X-Requested-With": "fetch" },
    body: new URLSearchParams({ state }),
  });
  // Refused, deleted or logged out: the reloaded page says so.
  if (answer.status === 204) await refresh();
  else window.location.reload();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-switch]");
  if (!button) return;
  event.preventDefault();
  button.disabled = true;
  await switchTo(button.formAction, button.value);
  document.querySelector(`[data-switch="${button.dataset.switch}"]`)?.focus();
});

function fill(menu, row) {
  const pages = menu.dataset.pages;
  for (const item of menu.querySelectorAll("[data-page]")) item.href = `${pages}${row.id}/${item.dataset.page}`;
  for (const item of menu.querySelectorAll("[data-address]")) item.href = item.dataset.address + row.id;
  for (const item of menu.querySelectorAll("[data-copy]")) item.dataset.copy = row.id;
  for (const item of menu.querySelectorAll("[data-do=switch]")) item.textContent = item.dataset[row.state];
  menu.setAttribute("aria-label", row.name);
}

async function act(item, row) {
  if (item.dataset.do !== "switch") return;
  const pages = document.getElementById("row-menu").dataset.pages;
  await switchTo(`${pages}${row.id}/switch/`, row.state === "on" ? "off" : "on");
  document.querySelector(`[data-menu="row-menu"][data-id="${row.id}"]`)?.focus();
}

menuOf("row-menu", fill, act);
