// The page Code for users who may only read it: the panel and the two parts of the page.
import { showPanel } from "./panel.js";
import { showParts } from "./parts.js";
import { showSdk } from "./sdk.js";

async function outline() {
  const answer = await fetch(document.getElementById("sdk-names").dataset.sdk).catch(() => undefined);
  return answer?.ok && !answer.redirected ? answer.json() : { names: {}, types: {} };
}

showPanel();
showParts();
outline().then((found) => showSdk(found));
