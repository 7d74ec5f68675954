// Keys of the whole console: Ctrl+K, `/`, `?`, and `g` with another letter for the pages of the menu.

import { openDialog } from "./dialogs.js";

const TYPING = "input, textarea, select, [contenteditable=true], .cm-editor";
const NEXT_KEY_MILLISECONDS = 1500;
const LIST_SEARCH = "main input[type=search]";

let isGoing = false;
let forgetting;

export function listenToShellKeys() {
  document.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    if (key === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
      if (isDialogOpen()) return;
      event.preventDefault();
      openDialog("palette");
    } else if (!isBusy(event)) {
      act(event, key);
    }
  });
}

function isBusy(event) {
  const isCommand = event.ctrlKey || event.metaKey || event.altKey || event.isComposing;
  return isCommand || event.defaultPrevented || event.target.closest?.(TYPING) || isDialogOpen();
}

function isDialogOpen() {
  return Boolean(document.querySelector("dialog[open], [role=dialog][aria-modal=true]"));
}

function act(event, key) {
  if (isGoing) {
    isGoing = false;
    go(event, key);
  } else if (key === "g") {
    isGoing = true;
    clearTimeout(forgetting);
    forgetting = setTimeout(() => (isGoing = false), NEXT_KEY_MILLISECONDS);
  } else if (key === "?") {
    event.preventDefault();
    openDialog("help");
  } else if (key === "/") {
    event.preventDefault();
    const search = document.querySelector(LIST_SEARCH);
    if (search) search.focus();
    else openDialog("palette");
  }
}

function go(event, key) {
  const link = [...document.querySelectorAll("[data-go]")].find(({ dataset }) => dataset.go === key);
  if (link) {
    event.preventDefault();
    link.click();
  }
}
