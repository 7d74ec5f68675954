// A short message at the edge of the page, which screen readers read out. A quiet one is not visible; one with an
// `offer`, such as { text: "Undo", act }, has a button and stays longer.

const SECONDS = 4;
const SECONDS_TO_ACT = 12;

const region = document.createElement("div");
region.id = "ud-announcements";
region.setAttribute("role", "status");
document.body.append(region);

let hiding;

export function announce(text, isQuiet = false, offer = undefined) {
  region.replaceChildren(text, ...(offer ? [buttonOf(offer)] : []));
  region.classList.add("is-shown");
  region.classList.toggle("is-quiet", isQuiet);
  clearTimeout(hiding);
  hiding = setTimeout(() => region.classList.remove("is-shown"), (offer ? SECONDS_TO_ACT : SECONDS) * 1000);
}

function buttonOf({ text, act }) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "ud-undo", textContent: text });
  button.addEventListener("click", () => {
    region.replaceChildren();
    act();
  });
  return button;
}
