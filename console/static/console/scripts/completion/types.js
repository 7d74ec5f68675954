// What expressions of a source stand for, as far as annotations, assignments and the SDK's outline tell:
// a value `{ type, item }`, a class `{ type, isClass }`, something to call `{ entry }`, or a module `{ path }`.
import { childrenOf, importedPaths, lastBinding, scopeOf } from "./bindings.js";

const BY_NAME = { engine: "Engine", request: "ApiTriggerInput" };
const ENTRY_POINTS = { on_api_trigger: ["Engine", "ApiTriggerInput"], run: ["Engine"] };
const LITERALS = {
  String: "str",
  FormatString: "str",
  ContinuedString: "str",
  Boolean: "bool",
  ArrayExpression: "list",
  ArrayComprehensionExpression: "list",
  DictionaryExpression: "dict",
  DictionaryComprehensionExpression: "dict",
};
const DEEPEST = 30;

export class Types {
  constructor(doc, outline) {
    this.outline = outline;
    this.text = (node) => doc.sliceString(node.from, node.to);
  }

  // The members that may follow `node` and a dot, as pairs of name and entry.
  membersOf(node) {
    const meant = this.of(node);
    const members = Object.entries(this.outline.types[meant?.type] ?? {});
    return members.filter(([, entry]) => entry.on_class === Boolean(meant.isClass));
  }

  of(node, depth = 0) {
    if (!node || depth > DEEPEST) return undefined;
    if (node.name in LITERALS) return this.value(LITERALS[node.name]);
    switch (node.name) {
      case "VariableName":
        return this.named(node, depth + 1);
      case "MemberExpression":
        return this.member(node, depth + 1);
      case "CallExpression":
        return this.called(this.of(node.firstChild, depth + 1)?.entry);
      case "AwaitExpression":
        return this.of(node.lastChild, depth + 1);
      case "ParenthesizedExpression":
        return this.of(node.firstChild.nextSibling, depth + 1);
      case "BinaryExpression":
      case "ConditionalExpression":
        return this.of(node.firstChild, depth + 1) ?? this.of(node.lastChild, depth + 1);
    }
    return undefined;
  }

  value(type, item) {
    return type ? { type, item } : undefined;
  }

  called(entry) {
    return entry?.kind === "property" ? undefined : this.value(entry?.type, entry?.item);
  }

  entry(entry) {
    if (!entry) return undefined;
    if (entry.kind === "class") return { type: entry.type, isClass: true, entry };
    if (entry.kind === "method" || entry.kind === "function") return { entry };
    return this.value(entry.type, entry.item);
  }

  path(path) {
    const module = `${this.outline.module}.`;
    return path.startsWith(module) ? this.entry(this.outline.names[path.slice(module.length)]) : { path };
  }

  member(node, depth) {
    const owner = this.of(node.firstChild, depth);
    const property = node.getChild("PropertyName");
    if (!property) return node.getChild("[") ? this.value(owner?.item) : undefined;
    const name = this.text(property);
    if (owner?.path) return this.path(`${owner.path}.${name}`);
    const entry = this.outline.types[owner?.type]?.[name];
    return entry?.on_class === Boolean(owner?.isClass) ? this.entry(entry) : undefined;
  }

  named(node, depth) {
    const name = this.text(node);
    let end = node.from;
    for (let scope = scopeOf(node); scope; scope = scopeOf(scope)) {
      const found = lastBinding(scope, name, this.text, end);
      if (found) return this.bound(found, name, depth);
      const parameter = this.parameters(scope).find((each) => this.text(each) === name);
      if (parameter) return this.argument(scope, parameter, depth);
      // What a function reads may be bound after it.
      end = Infinity;
    }
    return undefined;
  }

  parameters(scope) {
    const list = scope.getChild("ParamList")?.getChildren("VariableName") ?? [];
    return list.filter((each) => each.prevSibling?.name !== "AssignOp");
  }

  argument(scope, parameter, depth) {
    if (parameter.nextSibling?.name === "TypeDef") return this.annotated(parameter.nextSibling, depth);
    const types = ENTRY_POINTS[this.text(scope.getChild("VariableName") ?? parameter)] ?? [];
    const place = this.parameters(scope).findIndex((each) => each.from === parameter.from);
    return this.value(types[place] ?? BY_NAME[this.text(parameter)]);
  }

  annotated(definition, depth) {
    let node = definition.lastChild;
    while (node?.name === "BinaryExpression") node = node.firstChild;
    // Annotations may be quoted.
    const name = node?.name === "String" ? /^["'](\w+)/.exec(this.text(node))?.[1] : undefined;
    const meant = name ? this.entry(this.outline.names[name]) : this.of(node, depth);
    return meant?.isClass ? this.value(meant.type) : this.value(this.builtin(node));
  }

  builtin(node) {
    const name = node ? /^\w*/.exec(this.text(node))[0] : "";
    return name in this.outline.types && !(name in this.outline.names) ? name : undefined;
  }

  bound({ target, statement }, name, depth) {
    switch (statement.name) {
      case "ImportStatement":
        return this.path(importedPaths(this.text(statement)).get(name) ?? "");
      case "AssignStatement":
        return this.assigned(target, statement, depth);
      case "ForStatement":
        return target.nextSibling.name === "in" ? this.value(this.of(target.nextSibling.nextSibling, depth)?.item) : undefined;
      case "TryStatement": {
        const caught = this.of(target.prevSibling.prevSibling, depth);
        return caught?.isClass ? this.value(caught.type) : undefined;
      }
    }
    return undefined;
  }

  assigned(target, statement, depth) {
    if (target.nextSibling.name === "TypeDef") return this.annotated(target.nextSibling, depth);
    const isOne = [...childrenOf(statement)].every((each) => each.name !== ",");
    return isOne ? this.of(statement.lastChild, depth) : undefined;
  }
}
