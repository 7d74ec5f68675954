// The times below a chart, in the browser's zone. The server writes those of UTC.

import { gettext, interpolate } from "../words.js";

const LANGUAGE = document.documentElement.lang || undefined;
const time = new Intl.DateTimeFormat(LANGUAGE, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "short" });
const moment = new Intl.DateTimeFormat(LANGUAGE, {
  weekday: "short",
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

const MINUTE = 60_000;

const isMidnight = (when) => when.getHours() === 0 && when.getMinutes() === 0;

export function showTicks() {
  for (const times of document.querySelectorAll(".ud-plot-times:has([data-tick])")) {
    place([...times.querySelectorAll("[data-tick]")], Date.parse(times.dataset.begin), Date.parse(times.dataset.end));
  }
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const note of document.querySelectorAll("[data-zone=times]")) {
    note.textContent = zone === "UTC" ? gettext("Times in UTC") : interpolate(gettext("Times in %(zone)s"), { zone });
  }
}

// What is a round time of UTC, such as midnight, may be none here: the ticks move to the round times of this zone.
function place(ticks, begin, end) {
  const moments = ticks.map((tick) => Date.parse(tick.dataset.tick));
  const step = moments.length > 1 ? moments[1] - moments[0] : 1;
  ticks.forEach((tick, index) => {
    const ahead = -new Date(moments[index]).getTimezoneOffset() * MINUTE;
    // The remainder of a zone behind UTC is positive, too.
    let at = moments[index] - (((ahead % step) + step) % step);
    if (at < begin) at += ticks.length * step;
    tick.classList.toggle("is-outside", at > end);
    tick.classList.toggle("is-minor", Math.round((at + ahead) / step) % 2 === 1);
    tick.setAttribute("x", `${((at - begin) / (end - begin)) * 100}%`);
    tick.textContent = (isMidnight(new Date(at)) ? day : time).format(at);
  });
}

export function spanInWords(start, end) {
  return `${moment.format(start)} – ${time.format(end)}`;
}
