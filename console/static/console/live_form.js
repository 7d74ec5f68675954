// Shows a notice above a form whose object another user has changed. What was typed stays.

import { gettext, interpolate } from "./words.js";

const FIELDS = "#content-main form";

export function watchForm() {
  const place = document.querySelector("[data-live-object]");
  return place ? new WatchedForm(place) : undefined;
}

class WatchedForm {
  constructor(place) {
    this.place = place;
    this.isTouched = false;
    for (const kind of ["input", "change", "paste"]) {
      document.addEventListener(kind, (event) => (this.isTouched ||= Boolean(event.target.closest(FIELDS))), true);
    }
  }

  async hear(change) {
    // The open object was added before the page was loaded, even if the event arrives late.
    if (change && (change.objectId !== this.place.dataset.liveObject || change.verb === "added")) {
      return;
    }
    if (change?.verb === "deleted") {
      this.say(this.words(gettext("%(user)s deleted this at %(time)s. It can no longer be saved; copy what you need."), change), false);
      return;
    }
    const answer = await fetch(window.location.pathname, { headers: { "X-Requested-With": "fetch" } }).catch(() => undefined);
    if (answer?.ok && !answer.redirected) {
      await this.compare(answer, change);
    }
  }

  async compare(answer, change) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const revision = page.querySelector("[data-live-revision]")?.dataset.liveRevision;
    if (!revision || revision === this.place.dataset.liveRevision) {
      return;
    }
    if (this.isTouched || document.activeElement?.closest(FIELDS)) {
      this.say(this.words(gettext("%(user)s changed this at %(time)s."), change), true);
    } else {
      window.location.reload();
    }
  }

  words(text, change) {
    const time = new Date(change?.time ?? Date.now()).toLocaleTimeString(document.documentElement.lang || undefined);
    return interpolate(text, { user: change?.user ?? gettext("Another user"), time });
  }

  say(text, canLoad) {
    const notice = document.createElement("div");
    notice.className = "ud-notice";
    notice.setAttribute("role", "alert");
    const words = document.createElement("p");
    words.textContent = canLoad ? `${text} ${gettext("What you typed is still here.")}` : text;
    notice.append(words);
    if (canLoad) {
      const load = gettext("Discard mine and reload");
      notice.append(button(load, () => window.location.assign(window.location.pathname)));
      notice.append(button(gettext("Keep editing"), () => notice.remove()));
    }
    this.place.replaceChildren(notice);
  }
}

function button(text, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "ud-button";
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
}
