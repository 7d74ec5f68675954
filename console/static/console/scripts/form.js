// The form of a script: an editor, and findings in the source while the user types.
import { editorFor, markLine, showLine } from "./editor.js";

const WAIT_MILLISECONDS = 400;
const root = document.querySelector("[data-editor]");
const found = document.getElementById("found");
const parameters = document.getElementById("id_parameters");
let timer = 0;
let asked = 0;

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function code(text) {
  return element("code", { className: "ud-code", textContent: text });
}

function declared() {
  return parameters.value.split("\n").map((line) => line.trim()).filter(Boolean);
}

function line(icon, tone, ...children) {
  const sign = element("span", { className: "material-symbols-outlined", textContent: icon, ariaHidden: "true" });
  return element("p", { className: `ud-check ${tone}` }, sign, element("span", {}, ...children));
}

function showError(view, findings) {
  const parts = [];
  if (findings.line) {
    const button = element("button", { type: "button", className: "ud-link" });
    button.textContent = found.dataset.line.replace("%d", findings.line);
    button.addEventListener("click", () => showLine(view, findings.line));
    parts.push(button, " ");
  }
  found.replaceChildren(line("error", "bad", ...parts, findings.message));
}

function showFound(findings) {
  const words = found.dataset;
  if (!findings.entry_points.length) {
    found.replaceChildren(line("error", "bad", words.none));
    return;
  }
  const lines = [line("check_circle", "good", words.fine, " ", `${words.entry}: `, ...spaced(findings.entry_points))];
  const missing = findings.parameters.filter((name) => !declared().includes(name));
  if (findings.parameters.length) {
    const known = findings.parameters.filter((name) => !missing.includes(name));
    if (known.length) lines.push(line("data_object", "plain", `${words.asks}: `, ...spaced(known)));
  }
  if (missing.length) lines.push(offer(missing));
  found.replaceChildren(...lines);
}

function offer(missing) {
  const words = found.dataset;
  const add = element("button", { type: "button", className: "ud-link", textContent: words.add });
  add.addEventListener("click", () => {
    parameters.value = [...declared(), ...missing].join("\n");
    parameters.dispatchEvent(new Event("input", { bubbles: true }));
  });
  return line("data_object", "warn", `${words.asks}: `, ...spaced(missing), ` ${words.missing}. `, add);
}

function spaced(names) {
  return names.flatMap((name) => [code(name), " "]);
}

async function check(view) {
  const number = ++asked;
  const source = view.state.doc.toString();
  if (!source.trim()) {
    found.replaceChildren();
    markLine(view, 0, "");
    return;
  }
  const csrf = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const answer = await fetch(root.dataset.check, {
    method: "POST",
    headers: { "X-CSRFToken": csrf },
    body: new URLSearchParams({ source }),
  }).catch(() => null);
  if (number !== asked || !answer?.ok || answer.redirected) return;
  const findings = await answer.json();
  markLine(view, findings.line, findings.message);
  if (findings.message) showError(view, findings);
  else showFound(findings);
}

if (root) {
  const area = root.querySelector("textarea");
  const soon = () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => check(view), WAIT_MILLISECONDS);
  };
  const view = editorFor(area, {
    nonce: root.dataset.nonce,
    label: root.dataset.label,
    isReadOnly: root.dataset.readOnly !== undefined,
    changed: soon,
  });
  parameters.addEventListener("input", soon);
  document.getElementById("source-title").addEventListener("click", () => view.focus());
  check(view);
}
