// Ids in a reason become the names of the objects, with links, as far as the user may view them.

import { element } from "./elements.js";

const ID = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/gi;

export async function nameIds(place, address) {
  const ids = new Set(place.textContent.match(ID) ?? []);
  if (!ids.size || !address) {
    return;
  }
  const answer = await fetch(`${address}?${new URLSearchParams([...ids].map((id) => ["id", id]))}`).catch(() => undefined);
  const names = answer?.ok && !answer.redirected ? (await answer.json()).names : {};
  for (const node of textsIn(place)) {
    const parts = node.data.split(new RegExp(`(${ID.source})`, "i"));
    node.replaceWith(...parts.map((part) => linked(names[part.toLowerCase()]) ?? part));
  }
}

function textsIn(place) {
  const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    found.push(walker.currentNode);
  }
  return found;
}

const linked = (known) => known && element("a", { className: "ud-link", href: known.page }, known.name);
