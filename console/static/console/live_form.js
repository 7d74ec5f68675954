// Over a form whose object somebody else has changed: says so, and never touches what has been typed.

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
    // What is open was added before, however late that is told: a change that followed was somebody else's.
    if (change && (change.objectId !== this.place.dataset.liveObject || change.verb === "added")) {
      return;
    }
    if (change?.verb === "deleted") {
      this.say(this.words(gettext("%(user)s deleted this at %(time)s. It cannot be saved any more."), change), false);
      return;
    }
    const answer = await fetch(window.location.pathname).catch(() => undefined);
    if (answer?.ok && !answer.redirected) {
      await this.compare(answer, change);
    }
  }

  async compare(answer, change) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const version = page.querySelector("[data-live-version]")?.dataset.liveVersion;
    if (!version || version === this.place.dataset.liveVersion) {
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
    return interpolate(text, { user: change?.user ?? gettext("Somebody"), time });
  }

  say(text, canLoad) {
    const notice = document.createElement("div");
    notice.className = "ud-notice";
    notice.setAttribute("role", "alert");
    const words = document.createElement("p");
    words.textContent = canLoad ? `${text} ${gettext("What you have typed is untouched.")}` : text;
    notice.append(words);
    if (canLoad) {
      const load = gettext("Drop mine and load it");
      notice.append(button(load, () => window.location.assign(window.location.pathname)));
      notice.append(button(gettext("Go on with mine"), () => notice.remove()));
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
