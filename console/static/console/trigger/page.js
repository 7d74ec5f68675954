// The trigger page. The secret is in its field and in the request, and nowhere else.

import { announce } from "../announcing.js";
import { gettext } from "../words.js";
import { answerCard, waitingCard } from "./answer.js";
import { BodyField } from "./body.js";
import { Pairs } from "./pairs.js";
import { Picker } from "./picker.js";
import { parametersOf, pathOf, problemOf } from "./route.js";
import { sendAsMe, sendMessage, sendThroughHttp } from "./sending.js";

const KEPT = 10;
const SEND = { me: sendAsMe, message: sendMessage, http: sendThroughHttp };

const form = document.getElementById("trigger-form");
const field = (id) => document.getElementById(id);
const query = new Pairs(field("query-fields"), gettext("Name"), gettext("Value"));
const headers = new Pairs(field("header-fields"), gettext("Name"), gettext("Value"));
const body = form && new BodyField();
let parameters = new Map();
let definitionId = "";

const chosen = form && JSON.parse(field("chosen-definition").textContent);
// The page of one API has no list to choose from.
const picker = form && field("picker") && new Picker(field("picker"), field("picker-list"), form.dataset.definitions, fillIn);

function showPin(version) {
  field("pinned").hidden = version === null;
  field("pinned").textContent = field("pinned").dataset.text.replace("%d", version);
}

function fillIn(definition) {
  definitionId = definition.id;
  field("route").value = definition.route;
  describe(definition.description);
  field("disabled").hidden = !definition.isDisabled;
  showPin(definition.pinnedTo);
  if (definition.takesParameters) {
    body.choose("json");
    body.text = JSON.stringify(Object.fromEntries(definition.parameters.map((name) => [name, ""])), null, 2);
  }
  body.accept(definition.contentTypes);
  body.show();
  showParameters();
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

const wayOf = () => form.elements.way.value;

function showWay() {
  field("secret-field").hidden = wayOf() === "me";
  field("headers").hidden = wayOf() === "message";
  field("disabled-as-me").hidden = wayOf() !== "me";
  field("disabled-for-clients").hidden = wayOf() === "me";
}

// What is sent; `path` is the route with the values of its placeholders.
function message() {
  const sent = body.sent(headers.pairs());
  const values = new Map([...parameters].map(([name, input]) => [name, input.value]));
  return {
    method: field("method").value,
    route: field("route").value,
    path: pathOf(field("route").value, values),
    values,
    query: query.values(),
    ...sent,
    prefix: form.dataset.prefix,
    pathPrefix: form.dataset.pathPrefix,
    way: wayOf(),
    isThroughHttp: wayOf() === "http",
    // The trigger message has neither headers nor a content type.
    headers: wayOf() === "message" ? [] : sent.headers,
    definitionId,
    names: form.dataset.names,
    links: form.dataset.runPage ? [[gettext("Open the run"), form.dataset.runPage]] : undefined,
  };
}

function problem(asked) {
  const found = problemOf(asked);
  if (!found && asked.way === "me" && !asked.definitionId) {
    return gettext("Choose an API.");
  }
  return found || problemOfBody(asked);
}

function problemOfBody({ way, method, body: text, file }) {
  if (way === "http" && method === "GET" && (text || file)) {
    return gettext("Browsers send no body with GET. Empty the body, or send directly to a worker.");
  }
  if (way === "message" && file) {
    return gettext("Only text goes directly to a worker. Send the file as yourself or over HTTP.");
  }
  return "";
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
  // The body itself says that a file is too large.
  if (found || body.isTooLarge) {
    return;
  }
  const stopping = new AbortController();
  const waiting = waitingCard(asked, () => stopping.abort());
  add(waiting);
  const answer = await SEND[asked.way](asked, field("secret").value, stopping.signal, form.elements.csrfmiddlewaretoken.value);
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
  showWay();
  definitionId = "";
  picker?.clear();
  query.clear();
  headers.clear();
  body.clear();
  describe("");
  field("disabled").hidden = true;
  showPin(null);
  complain("");
  hideSecret();
  showParameters();
  if (picker) {
    field("picker").focus();
  } else {
    fillIn(chosen);
    field("method").focus();
  }
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
  for (const way of form.querySelectorAll("[name=way]")) {
    way.addEventListener("change", showWay);
  }
  field("route").addEventListener("input", showParameters);
  field("forget").addEventListener("click", () => {
    field("answers").replaceChildren();
    showEmptiness();
  });
  // A page that the browser restores from memory must not have the secret.
  window.addEventListener("pagehide", () => (field("secret").value = ""));
  if (picker && chosen) {
    picker.choose(chosen);
  } else if (chosen) {
    fillIn(chosen);
  }
  showWay();
}

if (form) {
  start();
}
