// The call around a place of a source, and which of its arguments is there.

// `{ callee, list }` of the innermost call whose arguments contain `position`.
export function callAround(tree, position) {
  for (let node = tree.resolveInner(position, -1); node; node = node.parent) {
    if (node.name === "ArgList" && node.parent.name === "CallExpression" && isInside(node, position)) {
      return { callee: node.parent.firstChild, list: node };
    }
    // The body of a function or a block is no argument of a call around it.
    if (node.name === "Body") return undefined;
  }
  return undefined;
}

function isInside(list, position) {
  const isClosed = list.lastChild.name === ")";
  return position > list.from && (position < list.to || !isClosed);
}

// Which of `parameters` the argument at `position` is for; -1 for none of them.
export function activeParameter(list, position, parameters, text) {
  const [commas, keyword] = argumentAt(list, position, text);
  const names = parameters.map((each) => /^\**\w*/.exec(each)[0]);
  if (keyword) {
    const named = names.indexOf(keyword);
    return named < 0 ? names.findIndex((name) => name.startsWith("**")) : named;
  }
  let left = commas;
  for (const [place, name] of names.entries()) {
    if (name === "*" || name.startsWith("**")) return -1;
    if (name.startsWith("*")) return place;
    if (name && left-- === 0) return place;
  }
  return -1;
}

// How many arguments come before, and the keyword of this one.
function argumentAt(list, position, text) {
  let [commas, keyword] = [0, ""];
  for (let child = list.firstChild; child && child.from < position; child = child.nextSibling) {
    if (child.name === ",") [commas, keyword] = [commas + 1, ""];
    if (child.name === "AssignOp" && child.prevSibling.name === "VariableName") keyword = text(child.prevSibling);
  }
  return [commas, keyword];
}
