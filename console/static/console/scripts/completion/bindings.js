// The places of a source where names get their values, from the inside of a function to the module.

const SCOPES = ["FunctionDefinition", "LambdaExpression", "Script"];
const BLOCK = /^(Script|Body|StatementGroup|DecoratedStatement|Match(Body|Clause)|.*Statement)$/;

export function* childrenOf(node) {
  for (let child = node.firstChild; child; child = child.nextSibling) yield child;
}

export function scopeOf(node) {
  let scope = node.parent;
  while (scope && !SCOPES.includes(scope.name)) scope = scope.parent;
  return scope;
}

// The last node before `end` that binds `name` in a scope; functions inside it have scopes of their own.
export function lastBinding(scope, name, text, end) {
  let found;
  for (const { target, statement } of targets(scope)) {
    if (target.from < end && text(target) === name) found = { target, statement };
  }
  return found;
}

function* targets(node) {
  for (const child of childrenOf(node)) {
    if (child.name === "FunctionDefinition" || child.name === "ClassDefinition") {
      const target = child.getChild("VariableName");
      if (target) yield { target, statement: child };
    } else if (BLOCK.test(child.name)) {
      yield* ownTargets(child);
      yield* targets(child);
    }
  }
}

function* ownTargets(statement) {
  for (const target of statement.getChildren("VariableName")) {
    if (binds(statement, target)) yield { target, statement };
  }
}

function binds(statement, target) {
  const before = target.prevSibling?.name;
  switch (statement.name) {
    case "AssignStatement":
      return target.nextSibling?.name === "TypeDef" || target.from < (statement.getChildren("AssignOp").at(-1)?.from ?? 0);
    case "ForStatement":
      return target.from < (statement.getChild("in")?.from ?? 0);
    case "ImportStatement":
      return target.nextSibling?.name !== "as" && (before === "as" || isImported(statement, target));
  }
  return before === "as";
}

// `import a.b` binds `a`; `from a import b` binds `b`.
function isImported(statement, target) {
  const word = statement.getChild("import");
  return word !== null && word.from < target.from && target.prevSibling.name !== ".";
}

// What an import statement binds: by name, the dotted path that it stands for.
export function importedPaths(words) {
  const plain = words.replace(/#.*$/gm, "").replace(/[()\\]/g, " ");
  const [, module, list] = /^\s*(?:from\s+([\w.]+)\s+)?import\s+([\s\S]*)$/.exec(plain) ?? [];
  const paths = new Map();
  for (const part of (list ?? "").split(",")) {
    const [path, , alias] = part.trim().split(/\s+/);
    if (module) paths.set(alias ?? path, `${module}.${path}`);
    else paths.set(alias ?? path.split(".")[0], alias ? path : path.split(".")[0]);
  }
  return paths;
}
