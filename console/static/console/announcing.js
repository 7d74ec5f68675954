// A word at the edge of the page, also read out: `announce("Copied")`; a quiet one is only read out.

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
