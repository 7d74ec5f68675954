// Sends a trigger, directly to a worker or over HTTP, and returns what came back:
// { isGood, headline, reason, detail, parameters, status, headers, body, bytes, times, node, triggerId, at }.

import { gettext, interpolate } from "../words.js";
import { inWords, nameOf } from "./reasons.js";
import { TYPES } from "./formats.js";

const TEXT = /^(text\/|application\/([\w.+-]*\+)?(json|xml|javascript)\b)/i;

export async function sendMessage(asked, secret, signal, csrfToken) {
  const message = {
    requestMethod: asked.method,
    route: asked.path,
    secret,
    rawBody: asked.body,
    queryParameters: asked.query,
  };
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken };
  const options = { method: "POST", headers, body: JSON.stringify(message), signal };
  return reached("/api/management/trigger/", options, async (answer) => {
    const said = await answer.json().catch(() => ({}));
    return answer.ok ? ofMessage(said) : refused(answer.status, said);
  });
}

export function sendThroughHttp(asked, secret, signal) {
  const headers = { Authorization: `Bearer ${secret}` };
  if (asked.body) {
    headers["Content-Type"] = TYPES[asked.format];
  }
  const address = asked.pathPrefix + asked.path + queryString(asked.query);
  const body = asked.body && asked.method !== "GET" ? asked.body : undefined;
  // Without cookies: a client has no session either.
  const options = { method: asked.method, headers, body, signal, credentials: "omit", cache: "no-store", redirect: "manual" };
  return reached(address, options, ofHttp);
}

export function queryString(query) {
  const pairs = Object.entries(query).flatMap(([name, values]) => values.map((value) => [name, value]));
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
}

async function reached(address, options, read) {
  const begun = performance.now();
  const at = new Date();
  try {
    const answer = await read(await fetch(address, options), begun);
    return { at, ...answer, browserMilliseconds: performance.now() - begun };
  } catch (error) {
    return { at, isGood: false, headline: gettext("Not sent or not answered"), detail: whyNot(error) };
  }
}

const whyNot = (error) =>
  error.name === "AbortError"
    ? gettext("You stopped waiting. A run that has started continues.")
    : interpolate(gettext("The browser says: %(why)s"), { why: error.message });

function ofMessage({ traceData, actionResult, statistics }) {
  const times = {
    queue: statistics.queueMilliseconds,
    run: statistics.runMilliseconds,
    total: statistics.totalMilliseconds,
  };
  const known = { times, node: statistics.node, triggerId: statistics.triggerId };
  const [error] = traceData.errorData;
  if (error) {
    const { reason, message, parameters } = error;
    return { ...known, isGood: false, headline: inWords(reason), reason, detail: message, parameters };
  }
  const raw = actionResult.responseBodyBytes;
  const bytes = raw === null ? null : Uint8Array.from(atob(raw), (character) => character.charCodeAt(0));
  const body = { bytes, text: bytes ? null : actionResult.responseBody, size: statistics.responseBytes };
  return { ...known, ...answered(actionResult.responseCode), headers: actionResult.responseHeaders, body };
}

const refused = (status, said) => ({
  isGood: false,
  headline: interpolate(gettext("The console refused this (%(status)s)"), { status }),
  reason: said.errors?.[0]?.reason,
  detail: said.errors?.[0]?.detail ?? gettext("Reload the page and try again."),
});

async function ofHttp(answer, begun) {
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const total = performance.now() - begun;
  const type = answer.headers.get("Content-Type") ?? "";
  const text = TEXT.test(type) ? new TextDecoder().decode(bytes) : null;
  const headers = Object.fromEntries([...answer.headers].map(([name, value]) => [name, [value]]));
  const body = { bytes: text === null ? bytes : null, text, size: bytes.length };
  return { ...outcome(answer.status, text), headers, body, times: { queue: null, run: null, total } };
}

// An error of the catalogue, or the script's own response.
function outcome(status, text) {
  const error = catalogued(text);
  if (!error) {
    return answered(status);
  }
  const reason = nameOf(error.errorCode);
  const headline = inWords(reason);
  return { isGood: false, headline, reason, status, errorCode: error.errorCode, detail: error.detail, node: error.faultingNode };
}

function catalogued(text) {
  try {
    const [error] = JSON.parse(text).errors;
    return Number.isInteger(error.errorCode) && error.title && error.detail ? error : undefined;
  } catch {
    return undefined;
  }
}

const answered = (status) => ({
  isGood: status < 400,
  status,
  headline: interpolate(status < 400 ? gettext("Success: the script answered %(status)s") : gettext("The script answered %(status)s"), { status }),
});
