// A short message at the edge of the page, which screen readers read out. A quiet one is not visible.

const SECONDS = 4;

const region = document.createElement("div");
region.id = "ud-announcements";
region.setAttribute("role", "status");
document.body.append(region);

let hiding;

export function announce(text, isQuiet = false) {
  region.textContent = text;
  region.classList.add("is-shown");
  region.classList.toggle("is-quiet", isQuiet);
  clearTimeout(hiding);
  hiding = setTimeout(() => region.classList.remove("is-shown"), SECONDS * 1000);
}
