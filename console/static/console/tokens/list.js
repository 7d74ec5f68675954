// Switches tokens in their list, and fills the menu of a row.
import { refresh } from "../objects/list.js";
import { menuOf } from "../objects/menu.js";

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

function fill(menu, token) {
  const pages = menu.dataset.pages;
  for (const item of menu.querySelectorAll("[data-page]")) item.href = `${pages}${token.id}/${item.dataset.page}`;
  for (const item of menu.querySelectorAll("[data-address]")) item.href = item.dataset.address + token.id;
  for (const item of menu.querySelectorAll("[data-copy]")) item.dataset.copy = token.id;
  for (const item of menu.querySelectorAll("[data-do=switch]")) item.textContent = item.dataset[token.state];
  menu.setAttribute("aria-label", token.name);
}

async function act(item, token) {
  if (item.dataset.do !== "switch") return;
  const pages = document.getElementById("token-menu").dataset.pages;
  await switchTo(`${pages}${token.id}/switch/`, token.state === "on" ? "off" : "on");
  document.querySelector(`[data-menu="token-menu"][data-id="${token.id}"]`)?.focus();
}

menuOf("token-menu", fill, act);
