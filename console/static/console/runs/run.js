// The page of a run: finds lines of its log, and follows log and state while the run goes on.

import { renewSoon } from "../renewing.js";
import { gettext, interpolate } from "../words.js";

const POLL_MILLISECONDS = 700;
const RENEW_MILLISECONDS = 1_500;
const NEAR_THE_END = 40;

const address = document.querySelector("[data-run]").dataset.run;
const log = document.getElementById("run-log");
const search = document.getElementById("run-log-search");
const count = document.getElementById("run-log-count");
const empty = document.getElementById("run-log-empty");
let next = Number(log.dataset.next);
let renewed = Date.now();

// --- Finding lines ---

function matches(line, wanted) {
  return !wanted || line.textContent.toLowerCase().includes(wanted);
}

function showMatches(lines = log.children) {
  const wanted = search.value.trim().toLowerCase();
  for (const line of lines) line.hidden = !matches(line, wanted);
  showCount(wanted);
}

function showCount(wanted) {
  const all = log.childElementCount;
  const found = wanted ? [...log.children].filter((line) => !line.hidden).length : all;
  const words = wanted ? gettext("%(found)s of %(all)s lines") : gettext("%(all)s lines");
  count.textContent = all ? interpolate(all === 1 && !wanted ? gettext("1 line") : words, { found, all }) : "";
  empty.hidden = all > 0;
  log.hidden = all === 0;
}

search.addEventListener("input", () => showMatches());

// --- Following ---

function append(lines) {
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_THE_END;
  const made = lines.map(lineOf);
  log.append(...made);
  showMatches(made);
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

function lineOf([time, text]) {
  const line = document.createElement("p");
  const parts = [["ud-log-time", time], ["ud-log-text", ` ${text}\n`]].map(([name, words]) => {
    const part = document.createElement("span");
    part.className = name;
    part.textContent = words;
    return part;
  });
  line.append(...parts);
  return line;
}

async function follow() {
  const known = document.hidden ? undefined : await ask();
  if (known) {
    append(known.lines);
    next = known.next;
    if (known.isComplete) {
      finish();
      return;
    }
  }
  if (!document.hidden && Date.now() - renewed > RENEW_MILLISECONDS) {
    renewed = Date.now();
    renewSoon(0);
  }
  setTimeout(follow, POLL_MILLISECONDS);
}

async function ask() {
  const answer = await fetch(`${address}?start=${next}`, { headers: { "X-Requested-With": "fetch" } }).catch(() => undefined);
  return answer?.ok && !answer.redirected ? answer.json() : undefined;
}

function finish() {
  document.getElementById("run-log-following").remove();
  empty.textContent = empty.dataset.none;
  renewSoon(0);
}

showCount("");
if ("follow" in log.dataset) {
  log.scrollTop = log.scrollHeight;
  setTimeout(follow, POLL_MILLISECONDS);
}
