// The page of a version: its source with the editor's highlighting, to be read.
import { editorFor } from "./editor.js";

const place = document.querySelector("[data-reading]");

if (place) {
  editorFor(place.querySelector("textarea"), {
    nonce: place.dataset.nonce,
    label: place.dataset.label,
    isReadOnly: true,
    changed: () => {},
  });
}
