// Warns at entry points that the script, or the version that is pinned, lacks. The input type exists only for `on_api_trigger`.

const cards = [...document.querySelectorAll("[data-entry-point]")];
const inputs = document.getElementById("input-type");

function showInputs() {
  const chosen = cards.find((card) => card.querySelector("input").checked);
  inputs.hidden = chosen?.dataset.entryPoint === "run";
}

function fit(ofVersion, ofScript, mayChoose) {
  const points = ofVersion ?? ofScript;
  for (const card of cards) {
    const isMissing = points !== null && !points.includes(card.dataset.entryPoint);
    card.classList.toggle("is-missing", isMissing);
    card.querySelector(".ud-choice-warning").hidden = !isMissing;
    card.querySelector("[data-lacking=script]").hidden = ofVersion !== null;
    card.querySelector("[data-lacking=version]").hidden = ofVersion === null;
  }
  const fitting = cards.filter((card) => points === null || points.includes(card.dataset.entryPoint));
  const chosen = cards.find((card) => card.querySelector("input").checked);
  if (mayChoose && fitting.length === 1 && !fitting.includes(chosen)) fitting[0].querySelector("input").checked = true;
  showInputs();
}

if (inputs) {
  let isFirst = true;
  let ofScript = null;
  let ofVersion = null;
  const isNew = !document.getElementById("route-check")?.dataset.own;
  document.addEventListener("console:script", (event) => {
    ofScript = event.detail?.split(" ") ?? null;
    fit(ofVersion, ofScript, !isFirst || isNew);
    isFirst = false;
  });
  document.addEventListener("console:version", (event) => {
    ofVersion = event.detail?.split(" ") ?? null;
    fit(ofVersion, ofScript, false);
  });
  document.addEventListener("change", showInputs);
  showInputs();
}
