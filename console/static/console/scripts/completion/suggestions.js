// Completes a source: members by their types, names that can be imported, names in strings, and what the source defines.
import { globalCompletion, localCompletionSource, syntaxTree } from "../codemirror/codemirror.js";
import { callAround } from "./calls.js";
import { description } from "./description.js";
import { importing } from "./imports.js";
import { Types } from "./types.js";

const WORD = /^\w*$/;
const IN_STRING = /^[^"'\\]*$/;
const LOOKED_BACK = 2000;
const MODULE = /(?:^|[\n;])[ \t]*(?:from|import)[ \t]+(?:[\w., \t]+,[ \t]*)?([\w.]*)$/;
const IMPORTED = /(?:^|[\n;])[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t]*(?:\(([^()]*)|([^()\n]*))$/;

// A source of completions for what is `known`.
export function completions(known) {
  return (context) => new Completion(context, known).found();
}

class Completion {
  constructor(context, known) {
    Object.assign(this, { context, known });
    const { doc } = context.state;
    this.types = new Types(doc, known.outline);
    this.node = syntaxTree(context.state).resolveInner(context.pos, -1);
    this.before = doc.sliceString(Math.max(0, context.pos - LOOKED_BACK), context.pos);
    this.word = /\w*$/.exec(this.before)[0];
  }

  async found() {
    if (this.node.name === "Comment") return null;
    if (this.node.name === "String") return this.inString();
    if (this.node.name.startsWith("Format")) return null;
    const options = (await this.ofModule()) ?? (await this.ofMember()) ?? this.ofName();
    return options.length ? { from: this.context.pos - this.word.length, options, validFor: WORD } : null;
  }

  // `script_param("…")` and `credential("…")`.
  inString() {
    const list = this.node.parent;
    if (list?.name !== "ArgList" || list.firstChild.nextSibling?.from !== this.node.from) return null;
    const method = list.parent.firstChild.getChild("PropertyName");
    const names = { script_param: this.known.parameters(), credential: this.known.credentials }[method && this.types.text(method)];
    const from = this.node.from + 1;
    if (!names?.length || this.context.pos < from) return null;
    const options = names.filter((name) => IN_STRING.test(name)).map((label) => ({ label, type: "text" }));
    return { from, options, validFor: IN_STRING };
  }

  // After `from`, `import`, and `from … import`.
  async ofModule() {
    const [, module, inParentheses, onLine] = IMPORTED.exec(this.before) ?? [];
    if (module && /\bas[ \t]+\w*$/.test(inParentheses ?? onLine)) return [];
    const inPackages = await this.known.modules();
    if (module) return [...(await this.importable(module)), ...next(`${module}.`, inPackages)];
    const path = MODULE.exec(this.before)?.[1];
    if (path === undefined) return undefined;
    return next(path.slice(0, path.length - this.word.length), [...this.ownModules(), ...inPackages]);
  }

  // Of the SDK and the libraries.
  ownModules() {
    return [this.known.outline.module, ...this.known.libraries.map((name) => `scripts.${name}`)];
  }

  async importable(module) {
    if (module === this.known.outline.module) return this.described(Object.entries(this.known.outline.names));
    const [parent, name, ...rest] = module.split(".");
    if (parent !== "scripts" || !name || rest.length) return [];
    return (await this.known.library(name)).map((label) => ({ label, type: "variable" }));
  }

  async ofMember() {
    const owner = this.owner();
    if (!owner) return undefined;
    const path = this.types.of(owner)?.path;
    if (!path) return this.described(this.types.membersOf(owner));
    return [...next(`${path}.`, this.ownModules()), ...(await this.importable(path))];
  }

  // The expression before the dot at which a member is typed.
  owner() {
    const isDot = this.node.name === "." || (this.node.name === "PropertyName" && this.node.prevSibling?.name === ".");
    const isMember = this.node.parent?.name === "MemberExpression";
    if (isDot && isMember) return this.node.parent.firstChild;
    return undefined;
  }

  described(entries) {
    return entries.map(([label, entry]) => ({
      label,
      type: entry.kind,
      detail: entry.parameters ? "()" : entry.returns,
      info: () => description(label, entry),
    }));
  }

  ofName() {
    if ((!this.word && !this.context.explicit) || /^\d/.test(this.word) || /[\w\])"']\.\w*$/.test(this.before)) return [];
    const local = localCompletionSource(this.context)?.options ?? [];
    const names = this.known.outline.names;
    const isImported = ({ label }) => label in names;
    const imported = this.described(local.filter(isImported).map(({ label }) => [label, names[label]]));
    const own = local.filter((option) => !isImported(option));
    return [...this.arguments(), ...unique([...imported, ...own, ...this.others(local), ...this.global()])];
  }

  // The names of arguments that the call around has not got yet.
  arguments() {
    const { state, pos } = this.context;
    const call = callAround(syntaxTree(state), pos);
    const parameters = (call && this.types.of(call.callee)?.entry?.parameters) ?? [];
    const given = call ? call.list.getChildren("VariableName").map(this.types.text) : [];
    const names = parameters.slice(parameters.indexOf("/") + 1).map((each) => [each, /^\w*/.exec(each)[0]]);
    return names
      .filter(([, name]) => name && (name === this.word || !given.includes(name)))
      .map(([text, name]) => ({ label: `${name}=`, type: "property", detail: /: ?([^=]*)/.exec(text)?.[1].trim(), boost: 2 }));
  }

  // What the SDK has and the source has not imported; choosing one imports it.
  others(local) {
    const here = new Set(local.map(({ label }) => label));
    const missing = Object.entries(this.known.outline.names).filter(([name]) => !here.has(name));
    const { module } = this.known.outline;
    return this.described(missing).map((option) => ({ ...option, detail: module, apply: importing(module), boost: -1 }));
  }

  // Of Python itself; a keyword that begins a block may be a template of the whole block as well.
  global() {
    const keywords = this.known.outline.keywords.map((label) => ({ label, type: "keyword" }));
    return [...keywords, ...(globalCompletion(this.context)?.options ?? [])];
  }
}

// The next parts of the names of those `modules` that begin with `start`.
function next(start, modules) {
  const parts = modules.filter((each) => each.startsWith(start)).map((each) => each.slice(start.length).split(".")[0]);
  return [...new Set(parts)].map((label) => ({ label, type: "namespace" }));
}

function unique(options) {
  const seen = new Set();
  return options.filter(({ label, detail }) => {
    const key = `${label} ${detail ?? ""}`;
    return !seen.has(key) && seen.add(key);
  });
}
