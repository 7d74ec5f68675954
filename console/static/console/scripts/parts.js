// The parts of a script's page, code and settings: switched without a reload, so that unsaved source stays. The address
// follows, and leads back there.

const SETTINGS = "settings";

const chosen = () => (new URLSearchParams(window.location.search).get("tab") === SETTINGS ? SETTINGS : "code");

// `shown` is called when the editor has been shown again.
export function showParts(form, shown) {
  for (const link of links()) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      window.history.pushState(null, "", addressOf(partOf(link)));
      show(form, shown);
    });
  }
  window.addEventListener("popstate", () => show(form, shown));
  followLinks(form, shown);
  const isForced = document.querySelector(`[data-part="${chosen()}"]`)?.hidden;
  // The server has shown the part with errors instead.
  if (isForced) window.history.replaceState(null, "", addressOf(chosen() === SETTINGS ? "code" : SETTINGS));
  show(form, shown);
}

// A link to a field, in the summary of errors, leads there in whichever part it is.
function followLinks(form, shown) {
  document.addEventListener("click", (event) => {
    const field = document.getElementById(event.target.closest?.('a[href^="#id_"]')?.hash.slice(1));
    const part = field?.closest("[data-part]")?.dataset.part;
    if (!part || part === chosen()) return;
    window.history.pushState(null, "", addressOf(part));
    show(form, shown);
  }, true);
}

const isOfThisPage = (link) => new URL(link.href).pathname === window.location.pathname;

const links = () => [...document.querySelectorAll(".ud-object-head .ud-tabs a")].filter(isOfThisPage);

const partOf = (link) => (new URL(link.href).searchParams.get("tab") === SETTINGS ? SETTINGS : "code");

function addressOf(part) {
  const query = new URLSearchParams(window.location.search);
  query.delete("tab");
  if (part === SETTINGS) query.set("tab", SETTINGS);
  return `${window.location.pathname}${query.size ? `?${query}` : ""}`;
}

function show(form, shown) {
  const part = chosen();
  for (const each of document.querySelectorAll("[data-part]")) each.hidden = each.dataset.part !== part;
  for (const link of links()) {
    if (partOf(link) === part) {
      link.setAttribute("aria-current", "page");
      // On a phone, the tabs scroll.
      link.scrollIntoView({ block: "nearest", inline: "nearest" });
    } else {
      link.removeAttribute("aria-current");
    }
  }
  // A save comes back to the part that is shown.
  form?.setAttribute("action", `${window.location.pathname}${window.location.search}`);
  if (part === "code") shown?.();
}
