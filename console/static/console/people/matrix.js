// Says at once which flags have no effect without others. Flags of the chosen groups count as well.

const table = document.querySelector("[data-flag-matrix]");
const hints = [...document.querySelectorAll("[data-hint-of]")];

function given() {
  const own = [...table.querySelectorAll("[data-flag]:checked")].map((box) => box.dataset.flag);
  const groups = [...document.querySelectorAll("[data-flags]:checked")].flatMap((box) => box.dataset.flags.split(" "));
  return new Set([...own, ...groups]);
}

function show() {
  const flags = given();
  const isMet = (hint) => JSON.parse(hint.dataset.alternatives).some((each) => each.every((flag) => flags.has(flag)));
  for (const hint of hints) hint.hidden = !flags.has(hint.dataset.hintOf) || isMet(hint);
}

if (table) {
  document.addEventListener("change", show);
  show();
}
