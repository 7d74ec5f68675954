// Renews the parts of a page marked `data-swap` (each with an id) from the page's own address, or from that in
// `data-from`: with changes, and every few seconds as long as one has `data-every`; a part that has both is renewed only
// at its times. Selection, focus, scroll positions and open details (by id, if they have one) stay, and a log marked
// `data-tail` follows its end. While the user types in a part, selects text or has a menu open there, it waits. What a
// renewed part has in `data-said` is announced.

import { announce } from "./announcing.js";
import { makeControls } from "./controls.js";
import { checkSession } from "./session.js";
import { showTimes, timeless } from "./times.js";

const GATHER_MILLISECONDS = 120;
const REST_MILLISECONDS = 800;
const WAIT_MILLISECONDS = 400;
const SECOND = 1_000;
const NEAR_THE_END = 40;
const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";
const TYPING = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]";
const OPEN = "[aria-expanded=true], dialog[open]";

const shown = new Map();
let timer;
const wanted = new Set();
let isRunning = false;

export function renewSoon(milliseconds = GATHER_MILLISECONDS, due = parts().filter(followsChanges)) {
  for (const part of due) wanted.add(sourceOf(part));
  if (wanted.size) {
    clearTimeout(timer);
    timer = setTimeout(renew, milliseconds);
  }
}

export function renewRegularly() {
  let seconds = 0;
  setInterval(() => {
    seconds += 1;
    const due = parts().filter(({ dataset: { every } }) => every && seconds % every === 0);
    if (!document.hidden && due.length) renewSoon(GATHER_MILLISECONDS, due);
  }, SECOND);
  document.addEventListener("visibilitychange", () => renewSoon(GATHER_MILLISECONDS, []));
  showTails(document);
}

async function renew() {
  if (document.hidden || isRunning) {
    return;
  }
  if (isInUse()) {
    renewSoon(WAIT_MILLISECONDS, []);
    return;
  }
  isRunning = true;
  const sources = [...wanted];
  wanted.clear();
  try {
    await Promise.all(sources.map(loadFrom));
  } finally {
    isRunning = false;
    renewSoon(REST_MILLISECONDS, []);
  }
}

async function loadFrom(source) {
  const address = window.location.href;
  const answer = await fetch(source, { headers: { "X-Requested-With": "fetch" } }).catch(() => undefined);
  if (answer?.redirected && source === address) {
    checkSession();
  } else if (answer?.ok && !answer.redirected) {
    const text = await answer.text();
    // The user may have searched or begun to type in the meantime.
    if (address === window.location.href && !isInUse()) {
      await show(new DOMParser().parseFromString(text, "text/html"), source);
    }
  }
}

function isInUse() {
  const selection = window.getSelection();
  return parts().some(
    (part) =>
      part.querySelector(OPEN) ||
      part.contains(document.activeElement?.closest(TYPING) ?? null) ||
      (!selection.isCollapsed && part.contains(selection.anchorNode)),
  );
}

async function show(page, source) {
  for (const part of parts().filter((each) => sourceOf(each) === source)) {
    const fresh = page.getElementById(part.id);
    const content = fresh && timeless(fresh);
    if (fresh && content !== shown.get(part.id)) {
      shown.set(part.id, content);
      await swap(part, fresh);
    }
    if (fresh) follow(part, fresh);
  }
  document.dispatchEvent(new CustomEvent("console:swapped"));
}

// What a part says of itself may change with its content: whether it is renewed further, and what is announced.
function follow(part, fresh) {
  if (fresh.dataset.said && fresh.dataset.said !== part.dataset.said) announce(fresh.dataset.said);
  for (const name of ["every", "said"]) {
    if (name in fresh.dataset) part.dataset[name] = fresh.dataset[name];
    else delete part.dataset[name];
  }
}

async function swap(part, fresh) {
  // Otherwise rows would count as changed because time has gone by.
  showTimes(part);
  const before = remember(part);
  part.replaceChildren(...document.importNode(fresh, true).childNodes);
  // The theme wraps scrolling lists when its observer runs, which would undo what is restored before.
  await Promise.resolve();
  restore(part, before);
  showTimes(part);
  makeControls(part);
  if (!part.dataset.every) {
    mark(part, before.rows);
  }
}

function remember(part) {
  return {
    checked: new Set([...part.querySelectorAll("input[type=checkbox]:checked")].map((box) => box.value)),
    opened: new Map([...part.querySelectorAll("details")].map((each, index) => [each.id || index, each.open])),
    scrolled: scrollers(part).map((each) => [each.scrollLeft, followsItsEnd(each) ? Infinity : each.scrollTop]),
    rows: new Map(rows(part).map((row) => [keyOf(row), row.textContent])),
    focus: placeOfFocus(part),
  };
}

function restore(part, before) {
  for (const box of part.querySelectorAll("input[type=checkbox]")) {
    box.checked = before.checked.has(box.value);
  }
  part.querySelectorAll("details").forEach((each, index) => (each.open = before.opened.get(each.id || index) ?? each.open));
  scrollers(part).forEach((each, index) => scroll(each, ...(before.scrolled[index] ?? [0, 0])));
  if (before.focus) {
    focusAgain(part, before.focus);
  }
}

function placeOfFocus(part) {
  const focused = document.activeElement;
  if (!focused || !part.contains(focused)) {
    return undefined;
  }
  const row = rows(part).find((each) => each.contains(focused));
  const within = row ?? part;
  return { key: row && keyOf(row), index: [...within.querySelectorAll(FOCUSABLE)].indexOf(focused) };
}

function focusAgain(part, { key, index }) {
  const within = key ? rows(part).find((row) => keyOf(row) === key) : part;
  within?.querySelectorAll(FOCUSABLE)[index]?.focus({ preventScroll: true });
}

function mark(part, before) {
  for (const row of rows(part)) {
    row.classList.toggle("ud-fresh", before.get(keyOf(row)) !== row.textContent);
  }
}

function scroll(place, left, top) {
  place.scrollTo(left, Math.min(top, place.scrollHeight));
}

function followsItsEnd(place) {
  return "tail" in place.dataset && place.scrollHeight - place.scrollTop - place.clientHeight < NEAR_THE_END;
}

function showTails(part) {
  for (const log of part.querySelectorAll("[data-tail]")) log.scrollTop = log.scrollHeight;
}

const parts = () => [...document.querySelectorAll("[data-swap]")];

const followsChanges = ({ dataset }) => !(dataset.from && dataset.every);

const sourceOf = (part) => (part.dataset.from ? new URL(part.dataset.from, window.location.href).href : window.location.href);

const rows = (part) => [...part.querySelectorAll("tbody tr, [data-key]")];

const keyOf = (row) =>
  row.dataset.key ?? row.querySelector("input.action-select")?.value ?? row.querySelector("a")?.href ?? row.textContent;

const scrollers = (part) => [...part.querySelectorAll(".simplebar-content-wrapper, pre")];
