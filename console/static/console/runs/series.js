// Runs the listed runs again, one after the other, and fills in their rows.

import { element } from "../trigger/elements.js";
import { gettext, interpolate } from "../words.js";

const form = document.getElementById("series-form");
const field = (id) => document.getElementById(id);
let isStopped = false;

function place(row, name, ...content) {
  row.querySelector(`[data-${name}]`).replaceChildren(...content);
}

function say(text) {
  field("progress").textContent = text;
}

const subtle = (text) => element("span", { className: "ud-subtle" }, text);
const link = (text, address, id) => element("a", { className: "ud-link", href: address.replace("$ID", id) }, text);

async function repeat(row, version) {
  const document = {
    runId: row.dataset.run,
    scriptVersion: version ? Number(version) : null,
    isConfirmed: field("confirmed").checked,
  };
  const headers = { "Content-Type": "application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
  try {
    const answer = await fetch(form.dataset.url, { method: "POST", headers, body: JSON.stringify(document) });
    const said = await answer.json();
    return answer.ok ? said : { problem: said.errors?.[0]?.detail };
  } catch {
    return { problem: gettext("Not sent or not answered") };
  }
}

function show(row, said) {
  if (!said.id) {
    place(row, "difference", element("span", { className: "ud-tone warn" }, gettext("not run")), ` ${said.problem ?? ""}`);
    return false;
  }
  place(row, "now", link(`${said.result}, ${said.milliseconds} ms`, form.dataset.runPage, said.id));
  const compare = link(gettext("Compare"), row.dataset.compare, said.id);
  const isSame = said.differences.length === 0;
  const words = isSame ? wordsOfSame(said) : `${gettext("differs")}: ${said.differences.join(", ")}`;
  place(row, "difference", element("span", { className: `ud-tone ${isSame ? "good" : "warn"}` }, words), " ", compare);
  return !isSame;
}

const wordsOfSame = (said) => (said.comparesBody ? gettext("same") : gettext("same code; the response was not kept"));

async function runAll() {
  const version = field("version").value;
  const rows = [...document.querySelectorAll("[data-run]")];
  let done = 0;
  let different = 0;
  isStopped = false;
  setRunning(true);
  for (const row of rows) {
    if (isStopped) break;
    if (row.dataset.method !== form.dataset.harmless && !field("confirmed").checked) {
      const why = interpolate(gettext("skipped: not %(method)s"), { method: form.dataset.harmless });
      place(row, "difference", subtle(why));
      continue;
    }
    place(row, "difference", subtle(gettext("runs …")));
    different += show(row, await repeat(row, version)) ? 1 : 0;
    done += 1;
    say(interpolate(gettext("%(done)s run again, %(different)s differ"), { done, different }));
  }
  if (done === 0) say(gettext("Nothing was run again."));
  setRunning(false);
}

function setRunning(isRunning) {
  field("run").disabled = isRunning;
  field("stop").hidden = !isRunning;
}

if (form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    runAll();
  });
  field("stop").addEventListener("click", () => {
    isStopped = true;
  });
}
