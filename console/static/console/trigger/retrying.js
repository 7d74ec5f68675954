// How long to wait before sending again: what `Retry-After` said, counted down.

import { gettext, interpolate } from "../words.js";
import { element } from "./elements.js";

export function retryOf({ retryAfter, at }) {
  if (!retryAfter) {
    return undefined;
  }
  const until = at.getTime() + retryAfter * 1000;
  const left = element("span", {});
  const header = interpolate(gettext("Retry-After: %(seconds)s s"), { seconds: retryAfter });
  const made = element("p", { className: "ud-retry" }, element("code", {}, header), " ", left);
  const count = () => {
    const seconds = Math.ceil((until - Date.now()) / 1000);
    left.textContent = seconds > 0 ? interpolate(gettext("Send again in %(seconds)s s."), { seconds }) : gettext("You can send again now.");
    return seconds > 0;
  };
  if (count()) {
    const timer = setInterval(() => {
      if (!count() || !made.isConnected) {
        clearInterval(timer);
      }
    }, 1000);
  }
  return made;
}
