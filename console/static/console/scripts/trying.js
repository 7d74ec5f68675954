// Runs the source in the editor, and shows log and answer below what was sent.

import { announce } from "../announcing.js";
import { answerCard, showBuild, waitingCard } from "../trigger/answer.js";
import { BodyField } from "../trigger/body.js";
import { Pairs } from "../trigger/pairs.js";
import { sendTrial } from "../trigger/sending.js";
import { gettext } from "../words.js";
import { lineFor } from "./block.js";

const UNNAMED = "unsaved";
const AGAIN_MILLISECONDS = 1_000;
const panel = document.getElementById("try");
const field = (id) => document.getElementById(id);

// `script` is the form of the script, `source` returns what is in the editor, `jump` shows a line of it.
export function tryBeside(script, source, jump) {
  return panel ? new TryPanel(script, source, jump) : undefined;
}

class TryPanel {
  constructor(script, source, jump) {
    Object.assign(this, { script, source, jump });
    this.query = new Pairs(field("try-query"), gettext("Name"), gettext("Value"));
    this.headers = new Pairs(field("try-headers"), gettext("Name"), gettext("Value"));
    this.body = new BodyField("try-");
    this.parameters = new Map();
    this.hasFailedToBuild = false;
    panel.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.run();
    });
    panel.addEventListener("change", () => this.show());
    script.elements.parameters.addEventListener("input", () => this.show());
    this.show();
  }

  get entered() {
    return new FormData(this.script);
  }

  get callsRun() {
    return field("try-entry").value === "run";
  }

  get readsParameters() {
    return this.callsRun || field("try-input").value === "parameters";
  }

  // Only one of the two may be there; then it is the one to call.
  offer(entryPoints) {
    const options = [...field("try-entry").options];
    for (const option of options) {
      option.disabled = entryPoints.length > 0 && !entryPoints.includes(option.value);
    }
    if (field("try-entry").selectedOptions[0]?.disabled) {
      field("try-entry").value = options.find((option) => !option.disabled)?.value ?? "on_api_trigger";
    }
    this.show();
  }

  show() {
    for (const part of panel.querySelectorAll("[data-only]")) {
      part.hidden = part.dataset.only !== field("try-entry").value;
    }
    field("try-body-field").hidden = this.readsParameters;
    field("try-parameters-field").hidden = !this.readsParameters;
    this.showParameters();
  }

  // Values stay as long as their names do.
  showParameters() {
    const names = this.declared();
    if (names.join("\n") !== [...this.parameters.keys()].join("\n")) {
      const before = this.parameters;
      this.parameters = new Map(names.map((name) => [name, before.get(name) ?? parameterField(name)]));
      field("try-parameters").replaceChildren(...[...this.parameters.values()].map((input) => input.parentElement));
    }
    field("try-no-parameters").hidden = names.length > 0;
  }

  declared() {
    return [...new Set(this.entered.get("parameters").split("\n").map((line) => line.trim()).filter(Boolean))];
  }

  // Body and headers.
  sent() {
    const headers = this.callsRun ? [] : this.headers.pairs();
    if (!this.readsParameters) {
      return this.body.sent(headers);
    }
    const body = JSON.stringify(Object.fromEntries([...this.parameters].map(([name, input]) => [name, input.value])));
    return { body, headers: [...headers, ["Content-Type", "application/json"]] };
  }

  asked() {
    const name = this.entered.get("name") || UNNAMED;
    const method = this.callsRun ? "POST" : field("try-method").value;
    const query = this.callsRun ? {} : this.query.values();
    const path = this.callsRun ? "" : field("try-route").value;
    return {
      way: "trial",
      method,
      path,
      query,
      ...this.sent(),
      route: name,
      scripts: [name, UNNAMED],
      links: panel.dataset.runPage ? [[gettext("Open the run"), panel.dataset.runPage]] : undefined,
    };
  }

  trial() {
    const entered = this.entered;
    return {
      name: entered.get("name") ?? "",
      source: this.source(),
      parameters: this.declared(),
      timeoutSeconds: Number(entered.get("timeout_seconds")),
      memoryLimitMb: Number(entered.get("memory_limit_mb")),
      actionType: this.callsRun ? "AutomationScriptNoEntryPoint" : "AutomationScript",
      inputType: this.readsParameters ? "Parameters" : "RawBody",
    };
  }

  // Nothing new while a run is waited for: a second press would run the script twice.
  async run() {
    if (field("try-answer").querySelector(".is-waiting") || this.body.isTooLarge) return;
    const stopping = new AbortController();
    const asked = this.asked();
    const waiting = waitingCard(asked, () => stopping.abort());
    field("try-answer").replaceChildren(waiting);
    waiting.scrollIntoView({ block: "nearest" });
    const answer = await this.answered(asked, waiting, stopping.signal);
    const card = answerCard(asked, answer, undefined, this.jump);
    waiting.replaceWith(card);
    card.scrollIntoView({ block: "nearest" });
    announce(answer.headline, true);
  }

  // While the nodes install the packages of the source, it is sent again every second. A press after a failure builds
  // once more.
  async answered(asked, waiting, signal) {
    const token = this.entered.get("csrfmiddlewaretoken");
    const trial = this.trial();
    let answer = await sendTrial(asked, { ...trial, ...(this.hasFailedToBuild && { buildAgain: true }) }, signal, token);
    while (answer.build?.isGoingOn) {
      showBuild(waiting, answer);
      await pause();
      answer = await sendTrial(asked, trial, signal, token);
    }
    this.hasFailedToBuild = Boolean(answer.build);
    return answer.build ? { line: lineFor(answer.detail, trial.source), ...answer } : answer;
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, AGAIN_MILLISECONDS));

function parameterField(name) {
  const label = Object.assign(document.createElement("label"), { className: "ud-pair" });
  const input = document.createElement("input");
  Object.assign(input, { className: "ud-input", type: "text", spellcheck: false });
  label.append(Object.assign(document.createElement("span"), { textContent: name }), input);
  return input;
}
