// Several rows chosen from a long list, such as the tokens of a definition. Chosen ones stay in the list during a search,
// because the form sends what is listed.
import { asker } from "./fetching.js";

function picker(root) {
  const list = root.querySelector("[data-list]");
  const only = root.querySelector("[data-only]");
  const search = root.querySelector("[data-search]");
  const count = root.querySelector("[data-count]");
  const more = root.querySelector("[data-more]");
  const rows = () => [...list.querySelectorAll("[data-id]")];
  const isChosen = (row) => row.querySelector("input").checked;

  function show() {
    const text = search.value.trim().toLowerCase();
    const chosen = rows().filter(isChosen);
    for (const row of rows()) {
      const fits = row.textContent.toLowerCase().includes(text);
      row.hidden = (only.checked && !isChosen(row)) || !fits;
    }
    const words = { 0: count.dataset.none, 1: count.dataset.one }[chosen.length];
    count.textContent = words ?? count.dataset.many.replace("%d", chosen.length);
    count.classList.toggle("is-warn", chosen.length === 0);
  }

  const found = asker((html) => {
    if (html === null) return;
    const fresh = new DOMParser().parseFromString(html, "text/html");
    for (const row of rows()) if (!isChosen(row)) row.remove();
    const present = new Set(rows().map((row) => row.dataset.id));
    for (const row of fresh.querySelectorAll("[data-id]")) {
      row.querySelector("input").name = root.dataset.name;
      if (!present.has(row.dataset.id)) list.append(document.importNode(row, true));
    }
    more.hidden = only.checked || !fresh.querySelector("[data-has-more]");
    show();
  });

  search.addEventListener("input", () => {
    show();
    if (root.dataset.options) found.soon(root.dataset.options, { q: search.value });
  });
  // Enter would submit the form.
  search.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  only.addEventListener("change", show);
  list.addEventListener("change", show);
  root.addEventListener("console:new-row", (event) => {
    const html = event.detail;
    list.insertAdjacentElement("afterbegin", html);
    search.value = "";
    show();
    html.scrollIntoView({ block: "nearest" });
  });
  // Without an address the list is whole.
  if (root.dataset.options) found.now(root.dataset.options, { q: "" });
  else show();
}

document.querySelectorAll("[data-row-picker]").forEach(picker);
