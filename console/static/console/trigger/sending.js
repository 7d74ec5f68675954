// Sends a trigger, as the user, directly to a worker or over HTTP, and returns what came back:
// { isGood, headline, reason, detail, parameters, status, headers, body, bytes, times, node, triggerId, log, at }.

import { gettext, interpolate } from "../words.js";
import { listsOf } from "./pairs.js";
import { inWords, nameOf } from "./reasons.js";

// Errors of the checks before the one from which on a trigger leaves a run.
const BEFORE_A_RUN = new Set([1, 3, 5, 1008, 1009, 1010, 1011, 1014]);
const TEXT = /^(text\/|application\/([\w.+-]*\+)?(json|xml|javascript)\b)/i;

// Runs a definition as the user, who needs no token.
export function sendAsMe(asked, _secret, signal, csrfToken) {
  return sendJson("/api/management/runs/", requestOf(asked, { definitionId: asked.definitionId }), signal, csrfToken);
}

// Runs source that is not saved; `trial` is what is known of the script.
export function sendTrial(asked, trial, signal, csrfToken) {
  return sendJson("/api/management/scripts/trial/", requestOf(asked, trial), signal, csrfToken);
}

async function requestOf({ method, path, query, headers, body, file }, further) {
  const content = file ? { rawBodyBytes: await base64(file) } : { rawBody: body };
  return { method, route: path, query, headers: listsOf(headers), ...content, ...further };
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.split(",")[1] ?? ""));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}

export function sendMessage(asked, secret, signal, csrfToken) {
  const message = {
    requestMethod: asked.method,
    route: asked.path,
    secret,
    rawBody: asked.body,
    queryParameters: asked.query,
  };
  return sendJson("/api/management/trigger/", message, signal, csrfToken);
}

// Sends a JSON document, or what a promise of it holds, to an address that answers as the trigger message does.
export function sendJson(address, document, signal, csrfToken) {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken };
  const send = async () => fetch(address, { method: "POST", headers, body: JSON.stringify(await document), signal });
  return reached(send, async (answer) => {
    const said = await answer.json().catch(() => ({}));
    return answer.ok ? ofMessage(said) : { ...refused(answer.status, said), retryAfter: retryAfter(answer) };
  });
}

export function sendThroughHttp(asked, secret, signal) {
  const address = asked.pathPrefix + asked.path + queryString(asked.query);
  const content = asked.file ?? asked.body;
  const body = content && asked.method !== "GET" ? content : undefined;
  // Without cookies: a client has no session either.
  const options = { method: asked.method, body, signal, credentials: "omit", cache: "no-store", redirect: "manual" };
  return reached(async () => {
    const headers = new Headers([...asked.headers, ["Authorization", `Bearer ${secret}`]]);
    return fetch(address, { ...options, headers });
  }, ofHttp);
}

export function queryString(query) {
  const pairs = Object.entries(query).flatMap(([name, values]) => values.map((value) => [name, value]));
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
}

async function reached(send, read) {
  const begun = performance.now();
  const at = new Date();
  try {
    const answer = await read(await send(), begun);
    return { at, ...answer, browserMilliseconds: performance.now() - begun };
  } catch (error) {
    return { at, isGood: false, headline: gettext("Not sent or not answered"), detail: whyNot(error) };
  }
}

const whyNot = (error) =>
  error.name === "AbortError"
    ? gettext("You stopped waiting. A run that has started continues.")
    : interpolate(gettext("The browser says: %(why)s"), { why: error.message });

function ofMessage({ traceData, actionResult, statistics, log }) {
  const times = {
    queue: statistics.queueMilliseconds,
    run: statistics.runMilliseconds,
    total: statistics.totalMilliseconds,
  };
  const known = { times, log, node: statistics.node, triggerId: statistics.triggerId };
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

// Nothing was run. `field` and `line` say what is wrong, where they are known.
const refused = (status, said) => ({
  isGood: false,
  headline: interpolate(gettext("The console refused this (%(status)s)"), { status }),
  reason: said.errors?.[0]?.reason,
  detail: said.errors?.[0]?.detail ?? gettext("Reload the page and try again."),
  field: said.errors?.[0]?.field,
  ...(said.errors?.[0]?.line && { line: said.errors[0].line }),
  ...(said.errors?.[0]?.reason === "PackagesNotReady" ? ofBuild(said.errors[0]) : {}),
});

// The packages of the source are not on every node: they are being installed, or could not be.
const ofBuild = ({ state, log, message, detail }) => ({
  headline: state === "Failed" ? gettext("The packages could not be installed") : gettext("The packages are being installed"),
  detail: message || detail,
  build: { isGoingOn: state === "Building", log },
});

async function ofHttp(answer, begun) {
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const total = performance.now() - begun;
  const type = answer.headers.get("Content-Type") ?? "";
  const text = TEXT.test(type) ? new TextDecoder().decode(bytes) : null;
  const headers = Object.fromEntries([...answer.headers].map(([name, value]) => [name, [value]]));
  const body = { bytes: text === null ? bytes : null, text, size: bytes.length };
  const known = {
    headers,
    body,
    times: { queue: null, run: null, total },
    triggerId: answer.headers.get("X-Trigger-Id"),
    retryAfter: retryAfter(answer),
  };
  const found = outcome(answer.status, text);
  return { ...known, ...found, leavesRun: !BEFORE_A_RUN.has(found.errorCode) };
}

const retryAfter = (answer) => Number(answer.headers.get("Retry-After")) || 0;

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
