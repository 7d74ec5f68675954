// Elements of cards, made from texts: nothing here reads HTML.

export const folded = (title, ...content) => element("details", {}, element("summary", {}, title), ...content);

export function source(content) {
  const made = element("pre", { className: "ud-source" }, content);
  made.tabIndex = 0;
  return made;
}

export function button(label, act) {
  const made = element("button", { type: "button", className: "ud-button" }, label);
  if (act) {
    made.addEventListener("click", act);
  }
  return made;
}

export const asNode = (value) => (value instanceof Node ? value : String(value));

export function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.map(asNode));
  return made;
}
