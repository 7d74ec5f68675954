// Inserts a completed name and imports it.
import { syntaxTree } from "../codemirror/codemirror.js";
import { childrenOf } from "./bindings.js";

// What choosing a completion does whose label is to be imported from `module`.
export function importing(module) {
  return (view, { label }, from, to) => {
    const { at, insert } = importOf(view.state, module, label);
    view.dispatch({
      changes: [{ from: at, insert }, { from, to, insert: label }],
      selection: { anchor: from + label.length + (at <= from ? insert.length : 0) },
      userEvent: "input.complete",
      scrollIntoView: true,
    });
  };
}

// Where to insert what: into the import of the module that is there, else before the first import.
function importOf(state, module, name) {
  const top = [...childrenOf(syntaxTree(state).topNode)];
  const text = (node) => state.sliceDoc(node.from, node.to);
  const imports = top.filter((node) => node.name === "ImportStatement");
  const there = imports.find((node) => new RegExp(`^from\\s+${module.replaceAll(".", "\\.")}\\s+import\\b(?!\\s*\\*)`).test(text(node)));
  const last = there?.getChildren("VariableName").at(-1);
  if (last) return { at: last.to, insert: `, ${name}` };
  const line = `from ${module} import ${name}\n`;
  const first = imports.find((node) => !/^from\s+__future__/.test(text(node)));
  if (first) return { at: first.from, insert: line };
  const doc = top.find((node) => node.name !== "Comment");
  const isDocstring = doc?.name === "ExpressionStatement" && doc.firstChild.name === "String";
  return isDocstring ? { at: doc.to, insert: `\n\n${line.trimEnd()}` } : { at: 0, insert: `${line}\n` };
}
