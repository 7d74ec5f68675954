// The search of everything: a combobox whose options come from the server. Arrow keys move, Enter opens, with Ctrl in a
// new tab, Escape closes.

import { openDialog } from "./dialogs.js";

const WAIT_MILLISECONDS = 120;

export function makePalette() {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const input = dialog.querySelector("input");
  const results = dialog.querySelector("[role=listbox]");
  const note = dialog.querySelector("[role=status]");
  let timer;
  let request;
  let isCurrent = false;

  const options = () => [...results.querySelectorAll("[role=option]")];
  const chosen = () => results.querySelector("[aria-selected=true]");

  function choose(option) {
    chosen()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
  }

  async function load() {
    request?.abort();
    request = new AbortController();
    const { signal } = request;
    const address = `${dialog.dataset.source}?q=${encodeURIComponent(input.value.trim())}`;
    try {
      const answer = await fetch(address, { signal, headers: { "X-Requested-With": "fetch" } });
      // The session has ended.
      if (answer.redirected) window.location.reload();
      else if (answer.ok) show(await answer.text(), signal);
    } catch (error) {
      if (error.name !== "AbortError" && !(error instanceof TypeError)) throw error;
    }
  }

  function show(html, { aborted }) {
    if (aborted) return;
    results.innerHTML = html;
    const told = results.querySelector("template[data-note]");
    note.textContent = told?.content.textContent ?? "";
    told?.remove();
    isCurrent = true;
    choose(options()[0]);
    results.scrollTop = 0;
  }

  function changed() {
    // What an earlier text finds must not be opened for this one.
    request?.abort();
    isCurrent = false;
    clearTimeout(timer);
    timer = setTimeout(load, WAIT_MILLISECONDS);
  }

  async function open(isNewTab) {
    if (!isCurrent) {
      // Enter right after the last letter means what that letter finds.
      clearTimeout(timer);
      await load();
    }
    const option = chosen();
    if (!option) return;
    if (option.dataset.action) act(option.dataset.action);
    else if (isNewTab) window.open(option.href, "_blank", "noopener");
    else window.location.assign(option.href);
  }

  function act(action) {
    dialog.close();
    if (action === "help") openDialog("help");
    else {
      const isDark = document.documentElement.classList.contains("dark");
      document.querySelector(`[data-theme-choice=${isDark ? "light" : "dark"}]`)?.click();
    }
  }

  input.addEventListener("input", changed);
  input.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.indexOf(chosen());
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && all.length) {
      event.preventDefault();
      choose(all[(at + step + all.length) % all.length]);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      open(event.ctrlKey || event.metaKey);
    }
  });
  results.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option?.dataset.action) {
      event.preventDefault();
      act(option.dataset.action);
    }
  });
  // The focus stays in the field.
  results.addEventListener("mousedown", (event) => event.preventDefault());
  results.addEventListener("mousemove", (event) => {
    const option = event.target.closest("[role=option]");
    // Where the list has scrolled below a resting mouse, the keyboard decides.
    if (option && option !== chosen() && (event.movementX || event.movementY)) choose(option);
  });
  new MutationObserver(() => {
    if (!dialog.open) return;
    input.select();
    load();
  }).observe(dialog, { attributeFilter: ["open"] });
}
