// The trigger page. The secret is in its field and in the request, and nowhere else.

import { announce } from "../announcing.js";
import { gettext } from "../words.js";
import { answerCard, waitingCard } from "./answer.js";
import { check, formatted } from "./formats.js";
import { Pairs } from "./pairs.js";
import { Picker } from "./picker.js";
import { parametersOf, pathOf, problemOf } from "./route.js";
import { sendMessage, sendThroughHttp } from "./sending.js";

const KEPT = 10;

const form = document.getElementById("trigger-form");
const field = (id) => document.getElementById(id);
const query = new Pairs(field("query-fields"), gettext("Name"), gettext("Value"));
let parameters = new Map();

const picker = form && new Picker(field("picker"), field("picker-list"), form.dataset.definitions, fillIn);

function showPin(version) {
  field("pinned").hidden = version === null;
  field("pinned").textContent = field("pinned").dataset.text.replace("%d", version);
}

function fillIn(definition) {
  field("route").value = definition.route;
  describe(definition.description);
  field("disabled").hidden = !definition.isDisabled;
  showPin(definition.pinnedTo);
  if (definition.takesParameters) {
    field("format").value = "json";
    field("body").value = JSON.stringify(Object.fromEntries(definition.parameters.map((name) => [name, ""])), null, 2);
  }
  showParameters();
  showBodyState();
}

function describe(text) {
  field("description").textContent = text;
  field("description").hidden = !text;
}

// Fields for the placeholders of the route. Values stay as long as their names do.
function showParameters() {
  const names = parametersOf(field("route").value);
  const place = field("route-parameter-fields");
  if (names.join("/") !== [...parameters.keys()].join("/")) {
    const entered = parameters;
    parameters = new Map(names.map((name) => [name, parameterField(name, entered.get(name)?.value ?? "")]));
    place.replaceChildren(...[...parameters.values()].map((input) => input.parentElement));
  }
  field("route-parameters").hidden = names.length === 0;
}

function parameterField(name, value) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  label.className = "ud-pair";
  label.append(Object.assign(document.createElement("span"), { textContent: `{${name}}` }), input);
  Object.assign(input, { className: "ud-input", type: "text", value, spellcheck: false });
  return input;
}

function showBodyState() {
  const state = check(field("body").value, field("format").value);
  const place = field("body-state");
  place.textContent = state.words;
  place.className = state.isBad ? "ud-error" : "ud-help";
}

const isThroughHttp = () => form.elements.way.value === "http";

// What is sent; `path` is the route with the values of its placeholders.
function message() {
  const values = new Map([...parameters].map(([name, input]) => [name, input.value]));
  return {
    method: field("method").value,
    route: field("route").value,
    path: pathOf(field("route").value, values),
    values,
    query: query.values(),
    body: field("body").value,
    format: field("format").value,
    prefix: form.dataset.prefix,
    pathPrefix: form.dataset.pathPrefix,
    isThroughHttp: isThroughHttp(),
  };
}

function problem(asked) {
  const found = problemOf(asked);
  if (!found && asked.isThroughHttp && asked.method === "GET" && asked.body) {
    return gettext("Browsers send no body with GET. Empty the body, or send directly to a worker.");
  }
  return found;
}

function complain(text) {
  field("route-error").textContent = text;
  field("route-error").hidden = !text;
}

async function trigger(event) {
  event.preventDefault();
  const asked = message();
  const found = problem(asked);
  complain(found);
  if (found) {
    return;
  }
  const stopping = new AbortController();
  const waiting = waitingCard(asked, () => stopping.abort());
  add(waiting);
  const send = asked.isThroughHttp ? sendThroughHttp : sendMessage;
  const answer = await send(asked, field("secret").value, stopping.signal, form.elements.csrfmiddlewaretoken.value);
  waiting.replaceWith(answerCard(asked, answer, showEmptiness));
  announce(answer.headline, true);
}

function add(card) {
  const place = field("answers");
  place.prepend(card);
  while (place.children.length > KEPT) {
    place.lastElementChild.remove();
  }
  showEmptiness();
  card.scrollIntoView({ block: "nearest" });
}

function showEmptiness() {
  const isEmpty = field("answers").children.length === 0;
  field("no-answer").hidden = !isEmpty;
  field("forget").hidden = isEmpty;
}

function clear() {
  form.reset();
  picker.clear();
  query.clear();
  describe("");
  field("disabled").hidden = true;
  showPin(null);
  complain("");
  hideSecret();
  showParameters();
  showBodyState();
  field("picker").focus();
}

function reveal() {
  const isShown = field("secret").type === "password";
  field("secret").type = isShown ? "text" : "password";
  field("reveal").setAttribute("aria-pressed", String(isShown));
  field("reveal").textContent = isShown ? gettext("Hide") : gettext("Reveal");
}

function hideSecret() {
  if (field("secret").type === "text") {
    reveal();
  }
}

function start() {
  form.addEventListener("submit", trigger);
  field("clear").addEventListener("click", clear);
  field("reveal").addEventListener("click", reveal);
  field("route").addEventListener("input", showParameters);
  field("body").addEventListener("input", showBodyState);
  field("format").addEventListener("change", showBodyState);
  field("format-body").addEventListener("click", () => {
    field("body").value = formatted(field("body").value, field("format").value);
    showBodyState();
  });
  field("forget").addEventListener("click", () => {
    field("answers").replaceChildren();
    showEmptiness();
  });
  // A page that the browser restores from memory must not have the secret.
  window.addEventListener("pagehide", () => (field("secret").value = ""));
  const chosen = JSON.parse(field("chosen-definition").textContent);
  if (chosen) {
    picker.choose(chosen);
  }
  showBodyState();
}

if (form) {
  start();
}
