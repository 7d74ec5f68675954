// A response as a card: success or failure in words, then all details.

import { gettext, interpolate } from "../words.js";
import { curlOf } from "./curl.js";
import { asNode, button, element, folded, source } from "./elements.js";
import { formatted } from "./formats.js";
import { nameIds } from "./names.js";
import { retryOf } from "./retrying.js";
import { buildLogOf, logOf, tracebackOf } from "./run_log.js";
import { queryString } from "./sending.js";
import { sizeOf } from "./sizes.js";

const LONGEST_SHOWN = 200_000;
const LONGEST_FORMATTED = 1_000_000;

const moments = new Intl.DateTimeFormat(document.documentElement.lang || undefined, { timeStyle: "medium" });

const WAYS = {
  me: () => gettext("as me"),
  message: () => gettext("directly to a worker"),
  http: () => gettext("over HTTP"),
  trial: () => gettext("unsaved source"),
};

export function waitingCard(asked, stop) {
  const card = cardOf(asked, gettext("Waiting for the response …"), "is-waiting");
  card.append(element("div", { className: "ud-row" }, button(gettext("Stop waiting (a run that has started continues)"), stop)));
  card.setAttribute("aria-busy", "true");
  return card;
}

// What a card that waits shows of the build of the packages.
export function showBuild(card, { headline, build }) {
  card.querySelector("h3").textContent = `${headline} …`;
  const log = buildLogOf(build);
  const before = card.querySelector(".ud-build-log");
  if (before) before.replaceWith(log);
  else card.append(log);
  log.scrollTop = log.scrollHeight;
}

// `jump` shows a line of the source, where the page has it; tracebacks name it as one of `asked.scripts`.
export function answerCard(asked, answer, removed, jump) {
  const tone = answer.isGood ? "good" : answer.status && !answer.reason ? "warn" : "bad";
  const card = cardOf(asked, answer.headline, tone);
  if (removed) {
    card.querySelector("header").append(removeButton(card, removed));
  }
  const error = [reason(asked, answer, jump), retryOf(answer), runLinks(asked, answer), facts(answer), times(answer)];
  const content = [bodyOf(answer), logOf(answer.log), buildLogOf(answer.build), headersOf(answer), sentOf(asked), curl(asked)];
  card.append(...[...error, ...content].filter(Boolean));
  return card;
}

function cardOf(asked, headline, tone) {
  const title = element("h3", {}, headline);
  const call = element("p", { className: "ud-call" }, element("code", {}, callOf(asked)), ` ${WAYS[asked.way]()}`);
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

function reason(asked, { reason: name, detail, errorCode, parameters, line }, jump) {
  if (!name && !detail) {
    return undefined;
  }
  const code = errorCode === undefined ? "" : ` (${interpolate(gettext("error %(code)s"), { code: errorCode })})`;
  const parts = [element("p", {}, element("strong", {}, name ?? gettext("Reason")), code)];
  if (parameters?.length) {
    parts.push(element("p", {}, interpolate(gettext("Missing: %(names)s"), { names: parameters.join(", ") })));
  }
  if (detail) {
    parts.push(tracebackOf(detail, asked.scripts ?? [], jump));
  }
  if (line && jump) {
    const link = button(interpolate(gettext("Line %(number)s"), { number: line }), () => jump(line));
    parts.push(element("p", {}, link));
  }
  const made = element("div", {}, ...parts);
  nameIds(made, asked.names);
  return made;
}

// `asked.links` are labels and addresses; the id of the run takes the place of $ID.
function runLinks({ links }, { triggerId, leavesRun = true }) {
  if (!triggerId || !leavesRun || !links) {
    return undefined;
  }
  const made = links.map(([label, address]) => element("a", { className: "ud-link", href: address.replace("$ID", triggerId) }, label));
  return element("p", { className: "ud-row" }, ...made);
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

const callOf = ({ method, path, query }) => `${method} ${path}${queryString(query)}`;

function sentOf(asked) {
  // The secret itself is in its field and in the request, and nowhere else.
  const secret = asked.way === "http" ? ["Authorization: Bearer …"] : [];
  const head = [callOf(asked), ...secret, ...(asked.headers ?? []).map(([name, value]) => `${name}: ${value}`)];
  const content = asked.file ? interpolate(gettext("%(name)s, %(size)s"), { name: asked.file.name, size: sizeOf(asked.file.size) }) : asked.body;
  return folded(gettext("What was sent"), source([head.join("\n"), content].filter(Boolean).join("\n\n")));
}

function curl(asked) {
  if (asked.way === "trial") {
    return undefined;
  }
  const command = curlOf(asked);
  const copy = button(gettext("Copy curl"));
  copy.dataset.copy = command;
  return folded(gettext("As curl"), source(command), element("div", { className: "ud-row" }, copy));
}

const milliseconds = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString()} ms`;
