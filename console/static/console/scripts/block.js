// The block at the beginning of a source, a comment that names its packages.

const START = "# /// script";
const PACKAGE = "httpx";
const TEMPLATE = `${START}
# requires-python = ">=3.11"
# dependencies = [
#     "${PACKAGE}",
# ]
# ///

`;

export const hasBlock = (source) => lineOfBlock(source) > 0;

// Puts a block above the source, with the name of its package selected.
export function addBlock(view) {
  const anchor = TEMPLATE.indexOf(PACKAGE);
  const selection = { anchor, head: anchor + PACKAGE.length };
  view.dispatch({ changes: { from: 0, insert: TEMPLATE }, selection, scrollIntoView: true });
  view.focus();
}

// The line of the first package that `message` names, else that of the block; 0 without a block.
export function lineFor(message, source) {
  const start = lineOfBlock(source);
  const lines = start ? source.split("\n").slice(start) : [];
  const found = lines.findIndex((line) => names(line).some((name) => asWord(name).test(message)));
  return found < 0 ? start : start + found + 1;
}

const lineOfBlock = (source) => source.split("\n").findIndex((line) => line.trimEnd() === START) + 1;

const names = (line) => (line.startsWith("#") ? [...line.matchAll(/["']([A-Za-z0-9][\w.-]*)/g)].map(([, name]) => name) : []);

const asWord = (name) => new RegExp(`(?<![\\w.-])${name.replaceAll(".", "\\.")}(?![\\w-])`, "i");
