// Comes back to the same place of the source after a save, and says what the page says on top.
import { announce } from "../announcing.js";

const KEY = "script-place";

export function keepPlace(form, view) {
  comeBack(view);
  form.addEventListener("submit", (event) => {
    if (event.submitter?.name !== "_save" || event.defaultPrevented) return;
    const { anchor, head } = view.state.selection.main;
    const place = { anchor, head, top: view.scrollDOM.scrollTop, hasFocus: view.hasFocus, length: view.state.doc.length };
    sessionStorage.setItem(KEY, JSON.stringify(place));
  });
}

function comeBack(view) {
  const place = JSON.parse(sessionStorage.getItem(KEY));
  sessionStorage.removeItem(KEY);
  // What went wrong stands on top of the page.
  if (place?.length !== view.state.doc.length || document.querySelector(".errornote, .ud-error, .ud-conflict")) return;
  view.dispatch({ selection: { anchor: place.anchor, head: place.head } });
  view.requestMeasure({ read: () => {}, write: () => (view.scrollDOM.scrollTop = place.top) });
  if (!place.hasFocus) return;
  view.focus();
  const said = document.querySelector("[data-messages]").innerText.trim();
  if (said) announce(said);
}
