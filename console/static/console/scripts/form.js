// The form of a script: an editor, and findings in the source while the user types.
import { autocompletion } from "./codemirror/codemirror.js";
import { Known } from "./completion/known.js";
import { signatureHint } from "./completion/signature_hint.js";
import { completions } from "./completion/suggestions.js";
import { addBlock, hasBlock } from "./block.js";
import { editorFor, markLines, showLine } from "./editor.js";
import { keepPlace } from "./place.js";
import { listenToShortcuts } from "./shortcuts.js";
import { tryBeside } from "./trying.js";

const WAIT_MILLISECONDS = 400;
const EMPTY = {};
const root = document.querySelector("[data-editor]");
const found = document.getElementById("found");
const parameters = document.getElementById("id_parameters");
const adding = document.getElementById("add-block");
let timer = 0;
let isAsking = false;
let hasChanged = false;
let trial;

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

// The place and the words of a problem; the place leads there.
function located(view, { line: number, message }) {
  if (!number) return [message];
  const button = element("button", { type: "button", className: "ud-link" });
  button.textContent = found.dataset.line.replace("%d", number);
  button.addEventListener("click", () => showLine(view, number));
  return [button, " ", message];
}

function listed(view, problem) {
  const [icon, tone] = problem.is_error ? ["error", "bad"] : ["warning", "warn"];
  return element("li", {}, line(icon, tone, ...located(view, problem)));
}

function problemList(view, problems) {
  const title = element("h3", { id: "problems", className: "ud-label", textContent: found.dataset.problems });
  const list = element("ul", {}, ...problems.map((problem) => listed(view, problem)));
  list.setAttribute("aria-labelledby", title.id);
  return [title, list];
}

function showFound(view, findings) {
  const words = found.dataset;
  trial?.offer(findings.entry_points);
  const entry = findings.entry_points.length ? [`${words.entry}: `, ...spaced(findings.entry_points)] : [];
  const lines = [];
  if (findings.problems.length) lines.push(...problemList(view, findings.problems));
  else lines.push(line("check_circle", "good", words.fine, " ", ...entry));
  lines.push(element("p", { className: "ud-help", textContent: findings.checked }));
  if (findings.problems.length && entry.length) lines.push(line("api", "plain", ...entry));
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

// Asks one question at a time: a large source takes the server longer than a pause in typing.
async function check(view, known) {
  hasChanged = true;
  if (isAsking) return;
  isAsking = true;
  while (hasChanged) {
    hasChanged = false;
    const findings = await ask(view.state.doc.toString());
    // A source that does not compile at the moment does not tell.
    known.packages = findings?.packages ?? known.packages;
    if (!hasChanged && findings) show(view, findings);
  }
  isAsking = false;
}

// What the server finds in `source`; null without an answer.
async function ask(source) {
  if (!source.trim()) return EMPTY;
  const entered = new FormData(root.closest("form"));
  const about = { kind: entered.get("kind") ?? "", name: entered.get("name") ?? "" };
  try {
    const answer = await fetch(root.dataset.check, {
      method: "POST",
      headers: { "X-CSRFToken": entered.get("csrfmiddlewaretoken") },
      body: new URLSearchParams({ source, ...about }),
    });
    return answer.ok && !answer.redirected ? await answer.json() : null;
  } catch {
    return null;
  }
}

// Whoever may not write the source is offered nothing.
function offerBlock(view) {
  adding.hidden = view.state.readOnly || hasBlock(view.state.doc.toString());
}

function show(view, findings) {
  if (findings === EMPTY) {
    markLines(view, []);
    found.replaceChildren();
  } else if (findings.message) {
    const error = { ...findings, is_error: true };
    markLines(view, [error]);
    found.replaceChildren(line("error", "bad", ...located(view, error)));
  } else {
    markLines(view, findings.problems.filter((problem) => problem.line));
    showFound(view, findings);
  }
}

// What the server has said of the source that it refused is not about what is typed now.
function dropRefusal() {
  for (const error of root.querySelectorAll(".ud-error")) error.remove();
  root.classList.remove("is-bad");
  if (!document.querySelector(".ud-error")) document.querySelector(".errornote")?.remove();
}

if (root) {
  const area = root.querySelector("textarea");
  const form = root.closest("form");
  const known = new Known(root, declared);
  const soon = () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => check(view, known), WAIT_MILLISECONDS);
  };
  const view = editorFor(area, {
    nonce: root.dataset.nonce,
    label: root.dataset.label,
    isReadOnly: root.dataset.readOnly !== undefined,
    changed: () => {
      dropRefusal();
      offerBlock(view);
      soon();
    },
    further: [autocompletion({ override: [completions(known)] }), signatureHint(known)],
  });
  parameters.addEventListener("input", soon);
  for (const field of form.querySelectorAll("[name=kind], [name=name]")) {
    field.addEventListener("input", soon);
  }
  adding.addEventListener("click", () => addBlock(view));
  offerBlock(view);
  document.getElementById("source-title").addEventListener("click", () => view.focus());
  trial = tryBeside(form, () => view.state.doc.toString(), (line) => showLine(view, line));
  listenToShortcuts(form, () => trial?.run());
  keepPlace(form, view);
  known.load();
  check(view, known);
}
