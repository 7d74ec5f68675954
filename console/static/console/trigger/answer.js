// A response as a card: success or failure in words, then all details.

import { gettext, interpolate } from "../words.js";
import { curlOf } from "./curl.js";
import { formatted } from "./formats.js";

const LONGEST_SHOWN = 200_000;
const LONGEST_FORMATTED = 1_000_000;

const moments = new Intl.DateTimeFormat(document.documentElement.lang || undefined, { timeStyle: "medium" });

export function waitingCard(asked, stop) {
  const card = cardOf(asked, gettext("Waiting for the response …"), "is-waiting");
  card.append(element("div", { className: "ud-row" }, button(gettext("Stop waiting (a run that has started continues)"), stop)));
  card.setAttribute("aria-busy", "true");
  return card;
}

export function answerCard(asked, answer, removed) {
  const tone = answer.isGood ? "good" : answer.status && !answer.reason ? "warn" : "bad";
  const card = cardOf(asked, answer.headline, tone);
  card.querySelector("header").append(removeButton(card, removed));
  card.append(...[reason(answer), facts(answer), times(answer), bodyOf(answer), headersOf(answer), curl(asked)].filter(Boolean));
  return card;
}

function cardOf(asked, headline, tone) {
  const title = element("h3", {}, headline);
  const way = asked.isThroughHttp ? gettext("over HTTP") : gettext("directly to a worker");
  const call = element("p", { className: "ud-call" }, element("code", {}, `${asked.method} ${asked.route}`), ` ${way}`);
  return element("article", { className: `ud-card ud-answer ${tone}` }, element("header", {}, element("div", {}, title, call)));
}

function removeButton(card, removed) {
  const icon = element("span", { className: "material-symbols-outlined", ariaHidden: "true" }, "close");
  const made = element("button", { type: "button", className: "ud-icon-button", ariaLabel: gettext("Remove this response") }, icon);
  made.addEventListener("click", () => {
    card.remove();
    removed();
  });
  return made;
}

function reason({ reason: name, detail, errorCode, parameters }) {
  if (!name && !detail) {
    return undefined;
  }
  const code = errorCode === undefined ? "" : ` (${interpolate(gettext("error %(code)s"), { code: errorCode })})`;
  const parts = [element("p", {}, element("strong", {}, name ?? gettext("Reason")), code)];
  if (parameters?.length) {
    parts.push(element("p", {}, interpolate(gettext("Missing: %(names)s"), { names: parameters.join(", ") })));
  }
  if (detail) {
    parts.push(source(detail));
  }
  return element("div", {}, ...parts);
}

function facts({ status, body, node, triggerId, at }) {
  const known = [
    [gettext("Status"), status],
    [gettext("Size"), body && sizeOf(body.size)],
    [gettext("Node"), node],
    [gettext("Time"), moments.format(at)],
    [gettext("Trigger id"), triggerId && element("code", {}, triggerId)],
  ];
  const rows = known
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([label, value]) => element("div", {}, element("dt", {}, label), element("dd", {}, asNode(value))));
  return element("dl", { className: "ud-facts" }, ...rows);
}

function times({ times: taken, browserMilliseconds }) {
  if (!taken) {
    return undefined;
  }
  if (taken.queue === null || taken.queue === undefined) {
    return element("p", { className: "ud-times" }, interpolate(gettext("Total %(total)s"), { total: milliseconds(taken.total) }));
  }
  const overhead = Math.max(0, taken.total - taken.queue - taken.run);
  const parts = [
    ["queue", gettext("Queue"), taken.queue],
    ["run", gettext("Run"), taken.run],
    ["overhead", gettext("Overhead"), overhead],
  ];
  const legend = parts.map(([kind, label, value]) => element("span", { className: `ud-time ${kind}` }, `${label} ${milliseconds(value)}`));
  const total = element("span", {}, interpolate(gettext("Total %(total)s"), { total: milliseconds(taken.total) }));
  total.title = interpolate(gettext("%(time)s measured by this browser"), { time: milliseconds(browserMilliseconds) });
  return element("div", { className: "ud-times" }, bar(parts, taken.total), ...legend, total);
}

function bar(parts, total) {
  const made = element("span", { className: "ud-time-bar", ariaHidden: "true" });
  for (const [kind, , value] of parts) {
    const piece = element("span", { className: kind });
    piece.style.flexGrow = String(value / (total || 1));
    made.append(piece);
  }
  return made;
}

function bodyOf({ body, headers }) {
  if (!body) {
    return undefined;
  }
  if (body.size === 0) {
    return element("p", { className: "ud-subtle" }, gettext("No body"));
  }
  return body.bytes ? download(body, headers) : text(body);
}

function text({ text: whole }) {
  const pretty = whole.length > LONGEST_FORMATTED ? whole : formatted(formatted(whole, "json"), "xml");
  const place = source(pretty.slice(0, LONGEST_SHOWN));
  const copy = button(gettext("Copy body"));
  copy.dataset.copy = whole;
  const parts = [element("div", { className: "ud-bar" }, element("h4", {}, gettext("Body")), copy), place];
  if (pretty.length > LONGEST_SHOWN) {
    parts.push(element("p", { className: "ud-help" }, gettext("Only the beginning is shown. Copy body copies everything.")));
  }
  return element("div", {}, ...parts);
}

function download({ bytes, size }, headers) {
  const type = valueOf(headers, "content-type") ?? "application/octet-stream";
  const link = element("a", { className: "ud-button", download: nameFor(headers) });
  link.href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  link.append(interpolate(gettext("Download %(size)s"), { size: sizeOf(size) }));
  return element("div", { className: "ud-bar" }, element("span", {}, interpolate(gettext("Bytes, %(type)s"), { type })), link);
}

const nameFor = (headers) => valueOf(headers, "content-disposition")?.match(/filename="?([^";/\\]+)"?/)?.[1] ?? "response.bin";

function valueOf(headers, name) {
  const found = Object.entries(headers ?? {}).find(([each]) => each.toLowerCase() === name);
  return found?.[1]?.[0];
}

function headersOf({ headers }) {
  const lines = Object.entries(headers ?? {}).flatMap(([name, values]) => values.map((value) => `${name}: ${value}`));
  return lines.length ? folded(interpolate(gettext("Headers (%(count)s)"), { count: lines.length }), source(lines.join("\n"))) : undefined;
}

function curl(asked) {
  const command = curlOf(asked);
  const copy = button(gettext("Copy curl"));
  copy.dataset.copy = command;
  return folded(gettext("As curl"), source(command), element("div", { className: "ud-row" }, copy));
}

const folded = (title, ...content) => element("details", {}, element("summary", {}, title), ...content);

function source(content) {
  const made = element("pre", { className: "ud-source" }, content);
  made.tabIndex = 0;
  return made;
}

const milliseconds = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString()} ms`;

function sizeOf(bytes) {
  const units = [gettext("bytes"), "KB", "MB"];
  const step = Math.min(2, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  const number = bytes / 1024 ** step;
  return `${(step ? Number(number.toFixed(1)) : number).toLocaleString()} ${units[step]}`;
}

function button(label, act) {
  const made = element("button", { type: "button", className: "ud-button" }, label);
  if (act) {
    made.addEventListener("click", act);
  }
  return made;
}

const asNode = (value) => (value instanceof Node ? value : String(value));

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.map(asNode));
  return made;
}
