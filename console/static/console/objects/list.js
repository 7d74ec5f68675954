// A list that is searched while the user types. The address says what is shown, so it can be bookmarked and shared.
// Without this script the form is submitted as usual.

import { makeControls } from "../controls.js";
import { showTimes } from "../times.js";

const form = document.getElementById("list-form");
const WAIT_MILLISECONDS = 250;
let timer = 0;
let asked = 0;

export function swap(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const kept = selectedIds();
  for (const part of document.querySelectorAll("[data-swap], [data-part]")) {
    const fresh = page.getElementById(part.id);
    // What the user types stays.
    if (fresh && !part.querySelector("input:focus:not([type=checkbox])")) part.replaceChildren(...document.importNode(fresh, true).childNodes);
    showTimes(part);
    makeControls(part);
  }
  for (const box of boxes()) box.checked = kept.has(box.value);
  showSelection();
  document.dispatchEvent(new CustomEvent("console:swapped"));
}

export async function refresh(address = window.location.href) {
  const number = ++asked;
  const rows = document.getElementById("list-rows");
  rows.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, { headers: { "X-Requested-With": "fetch" } });
    if (number !== asked) return;
    if (!answer.ok || answer.redirected) {
      window.location.assign(address);
      return;
    }
    swap(await answer.text());
  } catch {
    if (number === asked) rows.dispatchEvent(new CustomEvent("console:offline", { bubbles: true }));
  } finally {
    if (number === asked) rows.removeAttribute("aria-busy");
  }
}

function address() {
  const fields = [...new FormData(form)].filter(([, value]) => value !== "");
  const query = new URLSearchParams(fields).toString();
  return query ? `?${query}` : window.location.pathname;
}

async function search() {
  const wanted = address();
  window.history.replaceState(null, "", wanted);
  for (const field of document.querySelectorAll("[data-look] [name=query]")) {
    field.value = wanted.startsWith("?") ? wanted.slice(1) : "";
  }
  await refresh();
  document.dispatchEvent(new CustomEvent("console:searched"));
}

form.addEventListener("input", () => {
  window.clearTimeout(timer);
  timer = window.setTimeout(search, WAIT_MILLISECONDS);
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  window.clearTimeout(timer);
  search();
});

// The filters of a list are renewed with it, so their clicks are heard here.
form.addEventListener("click", (event) => {
  const forgotten = event.target.closest("[data-forget]")?.closest(".ud-filter");
  if (forgotten) {
    forgotten.querySelector("input").value = "";
    search();
  }
  if (!event.target.closest("[data-reset]")) return;
  event.preventDefault();
  for (const field of form.elements) if (field.name) field.value = "";
  search();
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !typing) {
    event.preventDefault();
    document.getElementById("searchbar").focus();
  }
});

// --- Columns and page size ---

async function look(form) {
  const sent = new FormData(form);
  const answer = await fetch(form.action, { method: "POST", body: sent, headers: { "X-Requested-With": "fetch" } });
  if (answer.ok) swap(await answer.text());
  else window.location.reload();
}

document.addEventListener("change", (event) => {
  const chosen = event.target.closest("[data-look]");
  if (chosen) look(chosen);
});

document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll(".ud-drop[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && event.target.closest(".ud-drop[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});

// --- Selecting rows ---

function boxes() {
  return [...document.querySelectorAll("input.action-select")];
}

function selectedIds() {
  return new Set(boxes().filter((box) => box.checked).map((box) => box.value));
}

function showSelection(all = false) {
  const bar = document.querySelector("[data-actions]");
  if (!bar) return;
  const count = selectedIds().size;
  const toggle = document.getElementById("action-toggle");
  bar.hidden = count === 0;
  bar.querySelector("[name=select_across]").value = all ? "1" : "0";
  const words = bar.querySelector(".ud-actions-count");
  const allButton = bar.querySelector("[data-all]");
  words.textContent = count === 1 ? words.dataset.one : words.dataset.many.replace("%d", count);
  if (all) words.textContent = allButton.dataset.text;
  if (allButton) allButton.hidden = all || count < boxes().length;
  if (!toggle) return;
  toggle.checked = count > 0 && count === boxes().length;
  toggle.indeterminate = count > 0 && count < boxes().length;
  for (const box of boxes()) box.closest("tr").classList.toggle("is-selected", box.checked);
}

function selectRows(checked) {
  for (const box of boxes()) box.checked = checked;
  showSelection();
}

document.addEventListener("change", (event) => {
  if (event.target.id === "action-toggle") selectRows(event.target.checked);
  else if (event.target.matches("input.action-select")) showSelection();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-none]")) selectRows(false);
  if (event.target.closest("[data-all]")) showSelection(true);
});

// `renewing.js` replaces the rows when another user has changed one.
document.addEventListener("console:swapped", () => showSelection());

// Browsers restore checkboxes when users go back to a page.
window.addEventListener("pageshow", () => showSelection());
