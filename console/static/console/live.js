// Follows changes made elsewhere: renews parts of the page, and shows a notice above a form.

import { ChangeSource } from "./live_source.js";
import { watchForm } from "./live_form.js";
import { renewRegularly, renewSoon } from "./renewing.js";
import { checkSession } from "./session.js";

export function followChanges() {
  renewRegularly();
  const known = document.querySelector("meta[name=console-live]");
  if (known) {
    const object = watchForm();
    follow(Number(known.content), known.dataset.user, (change) => {
      if (change && "isRefused" in change) {
        checkSession();
        return;
      }
      document.dispatchEvent(new CustomEvent("console:changed", { detail: change }));
      object?.hear(change);
      renewSoon();
    });
  }
}

function follow(after, user, hear) {
  if (!window.SharedWorker) {
    new ChangeSource(after, hear);
    return;
  }
  // The name separates the streams of users who log in one after the other.
  const options = { type: "module", name: `console-${user}` };
  const { port } = new SharedWorker(new URL("live_worker.js", import.meta.url), options);
  port.onmessage = ({ data }) => hear(data);
  port.postMessage({ after });
  window.addEventListener("pagehide", () => port.postMessage({ leave: true }));
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      port.postMessage({ after });
    }
  });
}
