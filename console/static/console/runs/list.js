// The list of runs: searched like other lists.

import { makeMomentFields } from "../moments.js";
import "../objects/list.js";

makeMomentFields();

document.querySelector("[data-reset]").addEventListener("click", () => {
  for (const box of document.querySelectorAll("[data-moment]")) box.value = "";
});
