// What all forms of objects share: after a failed save the first wrong field has the focus, a new form its first field;
// Ctrl+S saves; the bar at the bottom says that there are unsaved changes.

const FOCUSABLE = "input:not([type=hidden]), textarea, select, .cm-content, button, [tabindex='0']";
const DIALOGS = "dialog[open], [role=dialog], [role=alertdialog]";
const IS_MAC = /^(Mac|iP)/.test(navigator.platform);
const PATIENCE_MILLISECONDS = 5_000;

export function helpWithForms() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-to-field]");
    if (link && goTo(link.hash.slice(1))) event.preventDefault();
  });
  // After the scripts of the page have put their own controls in place of fields.
  if (document.readyState === "complete") begin();
  else window.addEventListener("load", begin);
  const form = document.querySelector("form[data-form-of]");
  if (form) watch(form);
}

function begin() {
  const wrong = document.querySelector("[data-to-field]");
  const marked = [...document.querySelectorAll("main [aria-invalid=true]")].find((each) => each.checkVisibility());
  const summary = document.getElementById("form-summary");
  const fresh = document.querySelector("form[data-is-new]:not([data-form-refused])");
  if (wrong && goTo(wrong.hash.slice(1))) return;
  if (marked) focus(marked);
  else if (summary) focus(summary);
  // On a phone the focus would bring up the keyboard.
  else if (fresh && document.activeElement === document.body && matchMedia("(hover: hover)").matches) focusFirst(fresh);
}

function goTo(id) {
  const element = document.getElementById(id);
  const box = element?.closest(".ud-field, [data-editor]") ?? element;
  const target = [element, ...(box?.querySelectorAll(FOCUSABLE) ?? [])].find((each) => each?.matches(FOCUSABLE) && each.checkVisibility());
  if (target) focus(target);
  return Boolean(target);
}

function focus(element) {
  element.focus({ preventScroll: true });
  (element.closest(".ud-field") ?? element).scrollIntoView({ block: "center" });
}

function focusFirst(form) {
  const first = [...form.querySelectorAll(FOCUSABLE)].find((each) => each.matches("input, textarea, select, .cm-content") && each.checkVisibility());
  first?.focus({ preventScroll: true });
}

function watch(form) {
  const save = [...form.elements].find((each) => each.name === "_save" && !each.matches(".ud-off-screen"));
  const says = document.querySelector("[data-unsaved]");
  form.addEventListener("input", () => says && (says.textContent = says.dataset.unsaved));
  form.addEventListener("change", () => says && (says.textContent = says.dataset.unsaved));
  if (save && !save.hasAttribute("aria-keyshortcuts")) listen(form, save);
  saveOnce(form);
}

function listen(form, save) {
  save.title = `${save.textContent.trim()} (${IS_MAC ? "⌘S" : "Ctrl+S"})`;
  save.setAttribute("aria-keyshortcuts", `Control+S${IS_MAC ? " Meta+S" : ""}`);
  document.addEventListener("keydown", (event) => {
    const isCommand = (event.ctrlKey || (IS_MAC && event.metaKey)) && !event.altKey && !event.shiftKey;
    // With other alphabets, the key has another letter.
    const isSave = event.key.toLowerCase() === "s" || (event.code === "KeyS" && event.key > "\x7f");
    if (!isCommand || !isSave || event.defaultPrevented || isDialogOpen()) return;
    event.preventDefault();
    if (!event.repeat) form.requestSubmit(save);
  });
}

function isDialogOpen() {
  return [...document.querySelectorAll(DIALOGS)].some((each) => each.checkVisibility({ visibilityProperty: true }));
}

// A second press would save what the first one saves already.
function saveOnce(form) {
  let isSaving = false;
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    if (isSaving) event.preventDefault();
    isSaving = true;
    // The user may stop the browser from waiting for the server.
    setTimeout(() => (isSaving = false), PATIENCE_MILLISECONDS);
  });
  window.addEventListener("pageshow", () => (isSaving = false));
}
