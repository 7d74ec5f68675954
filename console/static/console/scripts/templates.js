// Puts a template into the editor of a new script; what was typed elsewhere stays, and Ctrl+Z takes it out again.
import { announce } from "../announcing.js";
import { menuOf } from "../objects/menu.js";

const MENU = "templates-menu";

export function offerTemplates(view, form) {
  const menu = document.getElementById(MENU);
  if (!menu) return;
  menu.addEventListener("click", (event) => event.preventDefault());
  menu.addEventListener("keydown", (event) => {
    if (event.key === " ") {
      event.preventDefault();
      event.target.click();
    }
  });
  menuOf(MENU, () => {}, (item) => insert(item.href, view, form, menu.dataset.said));
}

async function insert(address, view, form, said) {
  const answer = await fetch(address).catch(() => undefined);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["id_kind", "id_parameters"]) {
    form.elements[id].value = page.getElementById(id).value;
    form.elements[id].dispatchEvent(new Event("input", { bubbles: true }));
  }
  const changes = { from: 0, to: view.state.doc.length, insert: page.getElementById("id_source").value };
  view.dispatch({ changes, selection: { anchor: 0 }, scrollIntoView: true });
  window.history.replaceState(null, "", address);
  form.setAttribute("action", address);
  view.focus();
  announce(said);
}
