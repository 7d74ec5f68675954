// A word at the edge of the page, also read out: `announce("Copied")`.

const SECONDS = 4;

const region = document.createElement("div");
region.id = "ud-announcements";
region.setAttribute("role", "status");
document.body.append(region);

let hiding;

export function announce(text) {
  region.textContent = text;
  region.classList.add("is-shown");
  clearTimeout(hiding);
  hiding = setTimeout(() => region.classList.remove("is-shown"), SECONDS * 1000);
}
