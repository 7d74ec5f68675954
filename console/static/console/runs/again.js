// The form of Run again…: it starts with what the run was sent, and shows each answer beside it.

import { announce } from "../announcing.js";
import { answerCard, waitingCard } from "../trigger/answer.js";
import { Pairs } from "../trigger/pairs.js";
import { sendJson } from "../trigger/sending.js";
import { gettext } from "../words.js";

const form = document.getElementById("again-form");
const field = (id) => document.getElementById(id);
const start = form && JSON.parse(field("start").textContent);
// As a text area has it.
const shown = (text) => text.replace(/\r\n?/g, "\n");

function pairsIn(id, values) {
  const pairs = new Pairs(field(id), gettext("Name"), gettext("Value"));
  pairs.fill(values);
  return pairs;
}

const isHarmless = () => field("method").value === "GET";
const masked = () => [...form.querySelectorAll("[data-mark]")];

function showConfirmation() {
  field("confirmation").hidden = isHarmless();
}

// A mark that is no longer in the body needs no value.
function showMarks() {
  for (const input of masked()) {
    input.required = field("body").value.includes(input.dataset.mark);
  }
}

const sendsKeptBody = () => Boolean(field("keeps-body")?.checked);

function showBody() {
  field("body").hidden = sendsKeptBody();
}

function complain(text) {
  field("problem").textContent = text;
  field("problem").hidden = !text;
}

function asked(query, headers) {
  const { runPage, comparisonPage } = form.dataset;
  return {
    way: "me",
    method: field("method").value,
    route: field("route").value,
    path: field("route").value,
    query: query.values(),
    pairs: query.pairs(),
    headers: headers.pairs(),
    body: field("body").value === shown(start.body) ? start.body : field("body").value,
    format: "json",
    links: [[gettext("Open the run"), runPage], [gettext("Compare"), comparisonPage]],
  };
}

function documentOf(sent) {
  const version = form.elements.version.value;
  return {
    method: sent.method,
    route: sent.path,
    query: sent.pairs,
    headers: sent.headers,
    rawBody: sent.body,
    masked: masked().map((input) => input.value),
    sendsKeptBody: sendsKeptBody(),
    scriptVersion: version ? Number(version) : null,
  };
}

async function run(query, headers) {
  if (!isHarmless() && !field("confirmed").checked) {
    complain(gettext("Confirm that the script runs again: it may change things."));
    field("confirmed").focus();
    return;
  }
  complain("");
  const sent = asked(query, headers);
  const stopping = new AbortController();
  const waiting = waitingCard(sent, () => stopping.abort());
  field("answers").prepend(waiting);
  field("no-answer").hidden = true;
  const token = form.elements.csrfmiddlewaretoken.value;
  const answer = await sendJson(window.location.pathname, documentOf(sent), stopping.signal, token);
  waiting.replaceWith(answerCard(sent, answer));
  announce(answer.headline, true);
}

function begin() {
  const fields = [pairsIn("query-fields", start.query), pairsIn("header-fields", start.headers)];
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(...fields);
  });
  field("method").addEventListener("change", showConfirmation);
  field("body").addEventListener("input", showMarks);
  field("keeps-body")?.addEventListener("change", showBody);
  showConfirmation();
  showMarks();
}

if (form) {
  begin();
}
