// A combobox over all definitions; calls `chosen(definition)`.

import { gettext } from "../words.js";

const WAIT_MILLISECONDS = 150;

export class Picker {
  constructor(input, list, address, chosen) {
    Object.assign(this, { input, list, address, chosen, offered: [], active: -1, asked: 0 });
    input.addEventListener("input", () => this.searchSoon());
    input.addEventListener("click", () => this.search());
    input.addEventListener("keydown", (event) => this.onKey(event));
    input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    list.addEventListener("pointerdown", (event) => this.onPointer(event));
  }

  clear() {
    this.input.value = "";
    this.close();
  }

  choose(definition) {
    this.input.value = definition.name ? `${definition.name} (${definition.route})` : definition.route;
    this.close();
    this.chosen(definition);
  }

  close() {
    this.list.hidden = true;
    this.active = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  searchSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.search(this.input.value), WAIT_MILLISECONDS);
  }

  async search(term = "") {
    const number = ++this.asked;
    const answer = await fetch(`${this.address}?${new URLSearchParams({ q: term })}`).catch(() => undefined);
    if (number === this.asked && document.activeElement === this.input) {
      const found = answer?.ok && !answer.redirected ? (await answer.json()).definitions : undefined;
      this.offer(found);
    }
  }

  offer(definitions) {
    this.offered = definitions ?? [];
    this.active = -1;
    const words = definitions ? gettext("No API matches") : gettext("The APIs cannot be loaded right now");
    this.list.replaceChildren(...(this.offered.length ? this.offered.map(option) : [note(words)]));
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
  }

  onKey(event) {
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in moves) {
      event.preventDefault();
      this.list.hidden ? this.search() : this.move(moves[event.key]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.offered[this.active] && this.choose(this.offered[this.active]);
    } else if (event.key === "Escape") {
      this.close();
    }
  }

  move(step) {
    const count = this.offered.length;
    this.active = count ? (this.active + step + count) % count : -1;
    [...this.list.children].forEach((each, index) => each.setAttribute("aria-selected", String(index === this.active)));
    const option = this.list.children[this.active];
    if (option && count) {
      this.input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    }
  }

  onPointer(event) {
    const index = [...this.list.children].indexOf(event.target.closest("[role=option]"));
    if (this.offered[index]) {
      event.preventDefault();
      this.choose(this.offered[index]);
    }
  }
}

function option(definition, index) {
  const made = document.createElement("li");
  made.id = `picker-option-${index}`;
  made.setAttribute("role", "option");
  made.setAttribute("aria-selected", "false");
  made.append(Object.assign(document.createElement("code"), { textContent: definition.route }));
  if (definition.name) {
    made.append(Object.assign(document.createElement("span"), { textContent: definition.name }));
  }
  return made;
}

function note(text) {
  const made = document.createElement("li");
  made.setAttribute("role", "option");
  made.setAttribute("aria-disabled", "true");
  made.setAttribute("aria-selected", "false");
  made.textContent = text;
  return made;
}
