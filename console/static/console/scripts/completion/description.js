// Shows a name of the SDK with its signature and the first paragraph of its docstring.

function element(name, className, ...children) {
  const made = Object.assign(document.createElement(name), { className });
  made.append(...children);
  return made;
}

// `Name(first, second) → Result`; the parameter at `active` is emphasised.
export function signature(name, { kind, parameters, returns }, active = -1) {
  const code = element("code", "ud-signature", element("span", "tok-definition", name));
  if (parameters) {
    const parts = parameters.flatMap((text, place) => [
      ...(place ? [", "] : []),
      element(place === active ? "strong" : "span", "ud-parameter", text),
    ]);
    code.append("(", ...parts, ")");
    if (returns && kind !== "class") code.append(` → ${returns}`);
  } else if (returns && kind !== "class") {
    code.append(kind === "constant" ? ` = ${returns}` : `: ${returns}`);
  }
  return code;
}

// A docstring marks code by backticks.
function paragraph(text) {
  const parts = text.split("`").map((part, place) => (place % 2 ? element("code", "", part) : part));
  return element("p", "", ...parts);
}

export function description(name, entry, active) {
  const parts = [signature(name, entry, active)];
  if (entry.doc) parts.push(paragraph(entry.doc));
  return element("div", "ud-described", ...parts);
}
