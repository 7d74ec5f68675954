// The menu on narrow screens: a drawer that keeps the focus while it is open, and gives it back.

const NARROW = window.matchMedia("(max-width: 79.99rem)");

export function makeDrawer() {
  const menu = document.getElementById("menu");
  const opener = document.querySelector("[data-drawer]");
  if (!menu || !opener) return;
  const rest = [document.getElementById("main"), document.querySelector(".ud-skip")];

  function show(isOpen) {
    menu.classList.toggle("is-open", isOpen);
    document.body.classList.toggle("has-drawer", isOpen);
    opener.setAttribute("aria-expanded", String(isOpen));
    // What is not in the drawer takes no focus and is not read out.
    for (const each of rest) each.inert = isOpen;
    if (isOpen) {
      menu.setAttribute("role", "dialog");
      menu.setAttribute("aria-modal", "true");
      menu.setAttribute("aria-label", opener.getAttribute("aria-label"));
      (menu.querySelector("[aria-current]") ?? menu.querySelector("a")).focus();
    } else {
      for (const name of ["role", "aria-modal", "aria-label"]) menu.removeAttribute(name);
    }
  }

  function close() {
    if (!menu.classList.contains("is-open")) return;
    show(false);
    opener.focus();
  }

  opener.addEventListener("click", () => show(true));
  menu.querySelector("[data-drawer-close]").addEventListener("click", close);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !menu.querySelector(":popover-open")) close();
  });
  document.addEventListener("click", (event) => {
    if (event.target === document.body || event.target.matches(".ud-shell")) close();
  });
  NARROW.addEventListener("change", close);
}
