// Keeps sources, descriptions and notes in the browser while they are typed, and offers them when the form is opened
// again. Only fields marked `data-draft` are kept, never a secret. A save and a log-out remove them.

import { gettext, interpolate } from "./words.js";

const PREFIX = "ud-draft";
const SENT = "ud-draft-sent";
const PAUSE_MILLISECONDS = 300;
const KEPT_MILLISECONDS = 30 * 86_400_000;

export function keepDrafts() {
  forgetSaved();
  forget((key) => !(read(key)?.time > Date.now() - KEPT_MILLISECONDS));
  document.addEventListener("submit", ({ target }) => {
    if (target.getAttribute("action")?.endsWith("/logout/")) forget(() => true);
  });
  const form = document.querySelector("form[data-form-of]");
  if (form?.querySelector("[data-draft]")) follow(form, `${PREFIX}:${form.dataset.formOf}:${window.location.pathname}`);
}

// A page that is no refusal follows a save that went well.
function forgetSaved() {
  const sent = sessionStorage.getItem(SENT);
  if (!sent || !document.querySelector("meta[name=console-live]")) return;
  sessionStorage.removeItem(SENT);
  if (!document.querySelector("[data-form-refused]")) localStorage.removeItem(sent);
}

function forget(isMeant) {
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(`${PREFIX}:`) && isMeant(key));
  keys.forEach((key) => localStorage.removeItem(key));
}

function follow(form, key) {
  const fields = [...form.querySelectorAll("[data-draft]")];
  const initial = valuesOf(fields);
  let timer;
  const keep = () => {
    clearTimeout(timer);
    timer = undefined;
    if (differ(initial, valuesOf(fields)) || form.dataset.formRefused !== undefined) store(key, fields);
    else localStorage.removeItem(key);
  };
  form.addEventListener("input", ({ target }) => {
    if (!fields.includes(target)) return;
    clearTimeout(timer);
    timer = setTimeout(keep, PAUSE_MILLISECONDS);
  });
  window.addEventListener("pagehide", () => timer && keep());
  form.addEventListener("submit", (event) => event.defaultPrevented || sessionStorage.setItem(SENT, key));
  offer(form, key, fields);
}

function store(key, fields) {
  try {
    localStorage.setItem(key, JSON.stringify({ time: Date.now(), values: valuesOf(fields) }));
  } catch {
    // The browser has no room for it.
  }
}

function offer(form, key, fields) {
  const draft = read(key);
  if (!draft || !differ(valuesOf(fields), draft.values)) return;
  const bar = document.createElement("div");
  bar.className = "ud-notice ud-draft";
  bar.setAttribute("role", "status");
  const restore = button(interpolate(gettext("Restore draft of %(time)s"), { time: moment(draft.time) }), () => {
    fill(fields, draft.values);
    bar.remove();
  });
  const discard = button(gettext("Discard"), () => {
    localStorage.removeItem(key);
    bar.remove();
  });
  const words = document.createElement("p");
  words.textContent = gettext("This browser has a text that you typed here and did not save.");
  bar.append(words, restore, discard);
  form.before(bar);
}

function read(key) {
  try {
    const { time, values } = JSON.parse(localStorage.getItem(key)) ?? {};
    return values ? { time, values } : undefined;
  } catch {
    return undefined;
  }
}

function fill(fields, values) {
  for (const field of fields) {
    if (!(field.name in values) || field.readOnly || field.value === values[field.name]) continue;
    field.value = values[field.name];
    // An editor in the place of a text area takes its text from it.
    field.dispatchEvent(new CustomEvent("console:filled"));
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

const valuesOf = (fields) => Object.fromEntries(fields.map((field) => [field.name, field.value]));

const differ = (one, other) => Object.keys(one).some((name) => name in other && one[name] !== other[name]);

function moment(time) {
  const when = new Date(time);
  const isToday = when.toDateString() === new Date().toDateString();
  const form = isToday ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  return when.toLocaleString(document.documentElement.lang || undefined, form);
}

function button(text, act) {
  const made = Object.assign(document.createElement("button"), { type: "button", className: "ud-button", textContent: text });
  made.addEventListener("click", act);
  return made;
}
