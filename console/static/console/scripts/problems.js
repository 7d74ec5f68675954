// Shows what the server has found in the source: what a save does to APIs, problems with their lines, and what is in it.
import { gettext, interpolate } from "../words.js";
import { showLine } from "./editor.js";

const place = document.getElementById("found");
const summary = document.getElementById("found-summary");
const count = document.getElementById("problem-count");

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function code(text) {
  return element("code", { className: "ud-code", textContent: text });
}

function line(icon, tone, ...children) {
  const sign = element("span", { className: "material-symbols-outlined", textContent: icon, ariaHidden: "true" });
  return element("p", { className: `ud-check ${tone}` }, sign, element("span", {}, ...children));
}

function list(id, title, items) {
  const heading = element("h3", { id, className: "ud-panel-title", textContent: title });
  const made = element("ul", {}, ...items.map((item) => element("li", {}, item)));
  made.setAttribute("aria-labelledby", id);
  return [heading, made];
}

const spaced = (names) => names.flatMap((name) => [code(name), " "]);

// The place and the words of a problem; the place leads there.
function located(view, { line: number, message }) {
  if (!number) return [message];
  const button = element("button", { type: "button", className: "ud-link" });
  button.textContent = place.dataset.line.replace("%d", number);
  button.addEventListener("click", () => showLine(view, number));
  return [button, " ", message];
}

function ofProblem(view, problem) {
  const [icon, tone] = problem.is_error ? ["error", "bad"] : ["warning", "warn"];
  return line(icon, tone, ...located(view, problem));
}

function ofConsequence({ message, count: number, apis }) {
  const links = apis.flatMap(({ route, page }) => [element("a", { className: "ud-link", href: page, textContent: route }), " "]);
  const more = (number ?? 0) - apis.length;
  const rest = more > 0 ? [interpolate(gettext("and %(count)s more"), { count: more })] : [];
  return line("error", "bad", message, " ", ...links, ...rest);
}

// What the source reads and the script does not declare; `add` declares it.
function offer(missing, add) {
  const words = place.dataset;
  const button = element("button", { type: "button", className: "ud-link", textContent: words.add });
  button.addEventListener("click", () => add(missing));
  return line("data_object", "warn", `${words.asks}: `, ...spaced(missing), ` ${words.missing}. `, button);
}

function ofParameters({ parameters }, declared, add) {
  const missing = parameters.filter((name) => !declared.includes(name));
  const known = parameters.filter((name) => declared.includes(name));
  const lines = known.length ? [line("data_object", "plain", `${place.dataset.asks}: `, ...spaced(known))] : [];
  return missing.length ? [...lines, offer(missing, add)] : lines;
}

// `declared` are the names of the script's parameters, `add` adds some to them.
export function showFindings(view, findings, declared, add) {
  const words = place.dataset;
  const consequences = findings.consequences ?? [];
  const problems = problemsIn(findings);
  const parts = [];
  if (consequences.length) parts.push(...list("effects", words.effects, consequences.map(ofConsequence)));
  if (problems.length) parts.push(...list("problems", words.problems, problems.map((problem) => ofProblem(view, problem))));
  if (!parts.length && findings.checked) parts.push(line("check_circle", "good", words.fine));
  if (findings.checked) parts.push(element("p", { className: "ud-help", textContent: findings.checked }));
  if (findings.entry_points?.length) parts.push(line("api", "plain", `${words.entry}: `, ...spaced(findings.entry_points)));
  if (findings.parameters?.length) parts.push(...ofParameters(findings, declared, add));
  if (findings.reach?.length) parts.push(...list("reach", words.reach, findings.reach.map((text) => line("lan", "plain", text))));
  place.replaceChildren(...parts);
  summarise(problems, consequences);
}

export function problemsIn(findings) {
  return findings.message ? [{ ...findings, is_error: true }] : (findings.problems ?? []);
}

// The number on the tab, and a sentence below the editor; breaking APIs comes first.
function summarise(problems, consequences) {
  const number = problems.length + consequences.length;
  count.textContent = number;
  count.hidden = number === 0;
  const isBad = consequences.length > 0 || problems.some((each) => each.is_error);
  count.classList.toggle("is-bad", isBad);
  summary.dataset.tone = isBad ? "bad" : number ? "warn" : "good";
  summary.textContent = [ofApis(consequences), ofSource(problems)].filter(Boolean).join(" · ") || summary.dataset.fine;
}

function ofApis(consequences) {
  if (!consequences.length) return "";
  const most = Math.max(...consequences.map((each) => each.count ?? 0));
  if (most === 0) return gettext("Saving affects APIs");
  return most === 1 ? gettext("Saving affects 1 API") : interpolate(gettext("Saving affects %(count)s APIs"), { count: most });
}

function ofSource(problems) {
  if (!problems.length) return "";
  return problems.length === 1 ? gettext("1 problem") : interpolate(gettext("%(count)s problems"), { count: problems.length });
}
