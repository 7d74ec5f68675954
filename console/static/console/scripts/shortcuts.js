// Ctrl+S saves a script and Ctrl+Enter tries it, from wherever the focus is; on a Mac also with the Command key.
import { gettext, interpolate } from "../words.js";

const IS_MAC = /^(Mac|iP)/.test(navigator.platform);
const DIALOGS = "dialog[open], [role=dialog], [role=alertdialog]";

// `form` is the form of the script, `runTrial` runs the source in the editor.
export function listenToShortcuts(form, runTrial) {
  const save = [...form.elements].find((each) => each.name === "_save" && !each.matches(".ud-off-screen"));
  const attempt = document.querySelector("#try form [type=submit]");
  describe(save, "S");
  describe(attempt, "Enter");
  const listen = (event) => {
    const act = { s: save && (() => form.requestSubmit(save)), enter: attempt && runTrial }[keyOf(event)];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) act();
  };
  // Before the editor, which has other uses for some of these keys.
  document.addEventListener("keydown", (event) => isDialogOpen() || listen(event), true);
}

function keyOf(event) {
  const isCommand = event.ctrlKey || (IS_MAC && event.metaKey);
  if (!isCommand || event.altKey || event.shiftKey || event.isComposing) return "";
  // With other alphabets, the key has another letter.
  return event.code === "KeyS" && event.key > "\x7f" ? "s" : event.key.toLowerCase();
}

function isDialogOpen() {
  return [...document.querySelectorAll(DIALOGS)].some((each) => each.checkVisibility({ visibilityProperty: true }));
}

function describe(control, key) {
  if (!control) return;
  const shown = IS_MAC ? `⌘${key === "Enter" ? "↩" : key}` : `Ctrl+${key}`;
  const action = [...control.childNodes].filter((each) => each.nodeType === Node.TEXT_NODE).map((each) => each.data).join("");
  control.title = interpolate(gettext("%(action)s (%(keys)s)"), { action: action.trim(), keys: shown });
  control.setAttribute("aria-keyshortcuts", `Control+${key}${IS_MAC ? ` Meta+${key}` : ""}`);
}
