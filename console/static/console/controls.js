// Gives clickable elements of the theme that are not buttons a role, a name and the keyboard.

import { gettext } from "./words.js";

const NAMES = {
  more_horiz: () => gettext("More"),
  filter_list: () => gettext("Filters"),
  search: () => gettext("Search"),
};
const CLICKABLE = "[x-on\\:click]:is(span, a:not([href]), div:not([x-data]):not([id$=close]))";

export function makeControls(root) {
  for (const element of root.querySelectorAll(CLICKABLE)) {
    element.setAttribute("role", "button");
    element.setAttribute("tabindex", "0");
  }
  for (const element of root.querySelectorAll("button, a, [role=button]")) {
    name(element);
  }
  // Labels of cells where rows are cards. CSS could capitalise only every word.
  for (const { dataset } of root.querySelectorAll("td[data-label], th[data-label]")) {
    dataset.label = dataset.label.charAt(0).toUpperCase() + dataset.label.slice(1);
  }
}

function name(element) {
  const icons = [...element.querySelectorAll(".material-symbols-outlined")];
  const icon = icons[0] ?? (element.matches(".material-symbols-outlined") ? element : undefined);
  if (!icon || element.hasAttribute("aria-label")) {
    return;
  }
  const words = [...element.querySelectorAll("*"), element]
    .filter((each) => !each.closest(".material-symbols-outlined"))
    .flatMap((each) => [...each.childNodes])
    .some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  if (words) {
    icons.forEach((each) => each.setAttribute("aria-hidden", "true"));
  } else {
    element.setAttribute("aria-label", NAMES[icon.textContent.trim()]?.() ?? element.title ?? icon.textContent.trim());
  }
}

export function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if ((event.key === "Enter" || event.key === " ") && event.target.matches("[role=button]:not(button, a[href])")) {
      event.preventDefault();
      event.target.click();
    }
  });
}
