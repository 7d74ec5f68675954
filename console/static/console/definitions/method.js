// Warns at entry points that the script lacks. The input type exists only for `on_api_trigger`.

const cards = [...document.querySelectorAll("[data-entry-point]")];
const inputs = document.getElementById("input-type");

function showInputs() {
  const chosen = cards.find((card) => card.querySelector("input").checked);
  inputs.hidden = chosen?.dataset.entryPoint === "run";
}

function fit(points, mayChoose) {
  for (const card of cards) {
    const isMissing = points !== null && !points.includes(card.dataset.entryPoint);
    card.classList.toggle("is-missing", isMissing);
    card.querySelector(".ud-choice-warning").hidden = !isMissing;
  }
  const fitting = cards.filter((card) => points === null || points.includes(card.dataset.entryPoint));
  const chosen = cards.find((card) => card.querySelector("input").checked);
  if (mayChoose && fitting.length === 1 && !fitting.includes(chosen)) fitting[0].querySelector("input").checked = true;
  showInputs();
}

if (inputs) {
  let isFirst = true;
  const isNew = !document.getElementById("route-check")?.dataset.own;
  document.addEventListener("console:script", (event) => {
    fit(event.detail === null ? null : event.detail.split(" "), !isFirst || isNew);
    isFirst = false;
  });
  document.addEventListener("change", showInputs);
  showInputs();
}
