// Times: exact ones (`data-local-time`) in the browser's zone, with UTC on hover; and how long ago something was
// (`data-ago`), which goes on as time does and has both on hover. `console/relative_times.py` has the same words.

import { gettext, interpolate, ngettext } from "./words.js";

const format = new Intl.DateTimeFormat(document.documentElement.lang || undefined, {
  dateStyle: "medium",
  timeStyle: "medium",
});
const RENEW_MILLISECONDS = 10_000;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const UNITS = [
  [365 * DAY, (count) => ngettext("%(count)d year", "%(count)d years", count)],
  [30 * DAY, (count) => ngettext("%(count)d month", "%(count)d months", count)],
  [DAY, (count) => ngettext("%(count)d day", "%(count)d days", count)],
  [HOUR, (count) => ngettext("%(count)d h", "%(count)d h", count)],
  [MINUTE, (count) => ngettext("%(count)d min", "%(count)d min", count)],
];

function spanInWords(seconds) {
  const unit = UNITS.find(([size]) => seconds >= size);
  if (!unit) return "";
  const count = Math.floor(seconds / unit[0]);
  return interpolate(unit[1](count), { count });
}

function agoInWords(moment) {
  const seconds = (Date.now() - moment) / 1_000;
  const span = spanInWords(Math.abs(seconds));
  if (!span) return gettext("just now");
  return interpolate(seconds > 0 ? gettext("%(span)s ago") : gettext("in %(span)s"), { span });
}

export function showTimes(root) {
  for (const element of root.querySelectorAll("time[data-local-time]")) {
    const moment = new Date(element.dateTime);
    if (!Number.isNaN(moment.getTime())) {
      element.textContent = format.format(moment);
    }
  }
  showAges(root);
}

function showAges(root) {
  for (const element of root.querySelectorAll("time[data-ago]")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    const words = agoInWords(moment);
    if (element.textContent !== words) element.textContent = words;
    // Once: the server's title is in UTC.
    if (!element.dataset.ago) {
      element.dataset.ago = element.title;
      element.title = `${format.format(moment)} (${element.title})`;
    }
  }
}

export function keepTimes() {
  showTimes(document);
  setInterval(() => document.hidden || showAges(document), RENEW_MILLISECONDS);
  document.addEventListener("visibilitychange", () => document.hidden || showAges(document));
}

// The HTML of a part without how long ago things were, which changes with time alone.
export function timeless(part) {
  const copy = part.cloneNode(true);
  for (const element of copy.querySelectorAll("time[data-ago]")) element.textContent = "";
  return copy.innerHTML;
}
