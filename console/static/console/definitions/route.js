// Checks the route while the user types.
import { asker } from "../objects/fetching.js";

const field = document.getElementById("id_route");
const place = document.getElementById("route-check");

if (field && place) {
  const check = asker((html) => {
    place.innerHTML = html ?? "";
    const isBad = place.querySelector(".ud-check.bad") !== null;
    field.setAttribute("aria-invalid", String(isBad));
    // The check replaces the errors of the route that was submitted.
    if (html !== null) for (const old of place.parentElement.querySelectorAll(".ud-errors")) old.remove();
  });
  const parameters = () => ({ route: field.value, own: place.dataset.own });
  field.setAttribute("aria-describedby", "base-url route-check");
  field.addEventListener("input", () => check.soon(place.dataset.url, parameters()));
  if (field.value) check.now(place.dataset.url, parameters());
}
