// What a run has logged, and where it failed.

import { gettext } from "../words.js";
import { button, element, source } from "./elements.js";

// Each line of `log` is the milliseconds since the start, a tab, and the text.
export function logOf(log) {
  if (!log) {
    return undefined;
  }
  const lines = log.replace(/\n$/, "").split("\n").map(lineOf);
  const list = element("ol", { className: "ud-log", tabIndex: 0 }, ...lines);
  list.setAttribute("aria-label", gettext("Log"));
  return element("div", {}, element("h4", {}, gettext("Log")), list);
}

function lineOf(line) {
  const [, time, text] = line.match(/^(\d+)\t(.*)$/s) ?? [null, "", line];
  const shown = time === "" ? "" : `${(Number(time) / 1_000).toFixed(3)} s`;
  return element("li", {}, element("span", { className: "ud-log-time" }, shown), element("span", {}, text));
}

// What the nodes have printed while they installed packages.
export function buildLogOf(build) {
  if (!build?.log) {
    return build && element("pre", { className: "ud-source ud-build-log", hidden: true });
  }
  const made = source(build.log);
  made.classList.add("ud-build-log");
  made.setAttribute("aria-label", gettext("Log"));
  return made;
}

// The text of an error. Frames of `scripts` lead to their line, where `jump` can show it.
export function tracebackOf(text, scripts, jump) {
  const made = source("");
  const frame = /File "<script ([^"]*)>", line (\d+)/g;
  let done = 0;
  for (const found of jump ? text.matchAll(frame) : []) {
    if (scripts.includes(found[1])) {
      const link = button(found[0], () => jump(Number(found[2])));
      link.className = "ud-link";
      made.append(text.slice(done, found.index), link);
      done = found.index + found[0].length;
    }
  }
  made.append(text.slice(done));
  return made;
}
