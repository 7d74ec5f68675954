// The form of a script: an editor, findings in the source while the user types, and the panel beside it.
import { autocompletion } from "./codemirror/codemirror.js";
import { addBlock, hasBlock } from "./block.js";
import { Known } from "./completion/known.js";
import { signatureHint } from "./completion/signature_hint.js";
import { completions } from "./completion/suggestions.js";
import { editorFor, markLines, showLine } from "./editor.js";
import { isOpen, openTab, showPanel } from "./panel.js";
import { showParts } from "./parts.js";
import { keepPlace } from "./place.js";
import { problemsIn, showFindings } from "./problems.js";
import { showSdk } from "./sdk.js";
import { listenToShortcuts } from "./shortcuts.js";
import { offerTemplates } from "./templates.js";
import { tryBeside } from "./trying.js";

const WAIT_MILLISECONDS = 400;
const EMPTY = {};
const root = document.querySelector("[data-editor]");
const parameters = document.getElementById("id_parameters");
const adding = document.getElementById("add-block");
let timer = 0;
let isAsking = false;
let hasChanged = false;
let trial;

function declared() {
  return parameters.value.split("\n").map((line) => line.trim()).filter(Boolean);
}

function declare(names) {
  parameters.value = [...declared(), ...names].join("\n");
  parameters.dispatchEvent(new Event("input", { bubbles: true }));
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
  const about = { script: root.dataset.script, kind: "", name: "", parameters: "" };
  for (const name of ["kind", "name", "parameters"]) about[name] = entered.get(name) ?? "";
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
  // What has no line concerns the whole source; a source that does not compile is marked all the same.
  markLines(view, problemsIn(findings).filter((problem) => problem.line || findings.message));
  showFindings(view, findings, declared(), declare);
  if (findings.entry_points && !findings.message) trial?.offer(findings.entry_points);
}

// What the server has said of the source that it refused is not about what is typed now.
function dropRefusal() {
  for (const error of root.parentElement.querySelectorAll(".ud-error")) error.remove();
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
    describedBy: "found-summary",
    isReadOnly: root.dataset.readOnly !== undefined,
    changed: () => {
      dropRefusal();
      offerBlock(view);
      soon();
    },
    further: [autocompletion({ override: [completions(known)] }), signatureHint(known)],
  });
  for (const field of form.querySelectorAll("[name=kind], [name=name], [name=parameters]")) {
    field.addEventListener("input", soon);
  }
  adding.addEventListener("click", () => addBlock(view));
  offerBlock(view);
  trial = tryBeside(form, () => view.state.doc.toString(), (line) => showLine(view, line));
  const isLibrary = () => form.elements.kind.value === "Library";
  const run = () => {
    if (isLibrary()) return;
    openTab("run");
    trial.run();
  };
  listenToShortcuts(form, trial && run);
  showPanel();
  const leaveRun = () => isLibrary() && isOpen("run") && openTab("problems");
  form.elements.kind.addEventListener("input", leaveRun);
  leaveRun();
  showParts(form, () => view.requestMeasure());
  offerTemplates(view, form);
  keepPlace(form, view);
  known.load().then(() => showSdk(known.outline, view));
  check(view, known);
}
