// The page of a version: its source with the editor's highlighting, to be read. `#L12` in the address shows line 12.
import { editorFor, showLine } from "./editor.js";

const place = document.querySelector("[data-reading]");

if (place) {
  const view = editorFor(place.querySelector("textarea"), {
    nonce: place.dataset.nonce,
    label: place.dataset.label,
    isReadOnly: true,
    changed: () => {},
  });
  const show = () => {
    const line = /^#L([1-9][0-9]*)$/.exec(window.location.hash)?.[1];
    if (!line) return;
    place.classList.add("is-pointing");
    showLine(view, Number(line));
  };
  window.addEventListener("hashchange", show);
  show();
}
