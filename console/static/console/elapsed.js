// `<span data-since="2026-01-31T12:00:00Z">` shows how long ago that is, and ticks.

import { gettext, interpolate } from "./words.js";

const SECOND = 1_000;

function inWords(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / SECOND));
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) {
    return interpolate(gettext("%(seconds)s s"), { seconds });
  }
  const hours = Math.floor(minutes / 60);
  return hours
    ? interpolate(gettext("%(hours)s h %(minutes)s min"), { hours, minutes: minutes % 60 })
    : interpolate(gettext("%(minutes)s min %(seconds)s s"), { minutes, seconds: seconds % 60 });
}

function show() {
  for (const place of document.querySelectorAll("[data-since]")) {
    place.textContent = inWords(Date.now() - Date.parse(place.dataset.since));
  }
}

export function showElapsed() {
  show();
  document.addEventListener("console:swapped", show);
  setInterval(show, SECOND);
}
