// What a place of a chart says, beside the pointer or the focus. The arrow keys lead from place to place.

import { gettext } from "../words.js";
import { spanInWords } from "./ticks.js";

const PLACES = ".ud-plot-places > g";
const AWAY = 12;
const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

const box = document.createElement("div");
let shown;
let shownChart;
let isFirstTap = false;
let tappedKey;

export function makeTooltip() {
  box.className = "ud-tooltip";
  box.hidden = true;
  // Each place has the same words as its label.
  box.setAttribute("aria-hidden", "true");
  document.body.append(box);
  document.addEventListener("pointerover", ({ target }) => show(target.closest?.(PLACES)));
  document.addEventListener("focusin", ({ target }) => show(target.closest?.(PLACES)));
  document.addEventListener("pointerdown", noteTap, true);
  document.addEventListener("click", (event) => isFirstTap && event.target.closest?.(PLACES) && event.preventDefault());
  document.addEventListener("keydown", step);
  document.addEventListener("console:swapped", showAgain);
  window.addEventListener("scroll", hide, { passive: true, capture: true });
}

// A finger shows what a place says with the first tap, and follows its link with the second.
function noteTap({ target, pointerType }) {
  const place = target.closest?.(PLACES);
  isFirstTap = pointerType === "touch" && place && place.dataset.key !== tappedKey;
  tappedKey = pointerType === "touch" && place ? place.dataset.key : undefined;
}

function step(event) {
  const place = event.target.closest?.(PLACES);
  if (!place || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") hide();
  if (!(event.key in STEPS)) return;
  event.preventDefault();
  const places = [...place.parentNode.children];
  const index = Math.min(Math.max(places.indexOf(place) + STEPS[event.key], 0), places.length - 1);
  for (const each of places) each.firstElementChild.setAttribute("tabindex", each === places[index] ? "0" : "-1");
  places[index].firstElementChild.focus({ preventScroll: true });
}

function show(place) {
  if (!place) {
    hide();
    return;
  }
  shown = place;
  shownChart = place.closest("[data-chart]").dataset.chart;
  const row = rowOf(place);
  if (row) {
    box.replaceChildren(head(place, row), list(row));
    box.hidden = false;
    put(place);
  }
}

// A renewed chart has new places; the pointer is where it was.
function showAgain() {
  if (shown && !shown.isConnected) {
    show(document.querySelector(`[data-chart="${shownChart}"] .ud-plot-places > g[data-key="${shown.dataset.key}"]`));
  }
}

function hide() {
  shown = undefined;
  box.hidden = true;
}

const rowOf = (place) => place.closest("[data-chart]").querySelector(`tbody tr[data-key="${place.dataset.key}"]`);

function element(name, className, ...content) {
  const made = document.createElement(name);
  made.className = className;
  made.append(...content);
  return made;
}

function head(place, row) {
  const ofDays = !row.querySelector("time");
  const text = row.querySelector("th").textContent.trim();
  const span = ofDays ? text : spanInWords(new Date(place.dataset.key), new Date(place.dataset.end));
  const isPartial = place.querySelector(".is-partial");
  return element("p", "ud-tooltip-head", isPartial && !ofDays ? `${span} (${gettext("so far")})` : span);
}

function list(row) {
  const titles = [...row.closest("table").querySelectorAll("thead th")].slice(1);
  const lines = [...row.querySelectorAll("td")].map((cell, index) => {
    const { kind } = titles[index].dataset;
    const swatch = element("span", kind ? `ud-swatch is-${kind}` : "ud-swatch is-none");
    return element("li", "", swatch, element("span", "", titles[index].textContent), element("strong", "", cell.textContent));
  });
  return element("ul", "", ...lines);
}

// Beside the place, on the side where there is room.
function put(place) {
  const at = place.getBoundingClientRect();
  const { width, height } = box.getBoundingClientRect();
  const right = at.right + AWAY;
  const left = right + width < window.innerWidth ? right : Math.max(4, at.left - AWAY - width);
  box.style.left = `${left}px`;
  box.style.top = `${Math.max(4, Math.min(at.top + AWAY, window.innerHeight - height - 4))}px`;
}
