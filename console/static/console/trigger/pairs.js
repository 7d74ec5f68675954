// Rows of a name and a value, with an empty one at the end.

import { gettext } from "../words.js";

// The values by name, in order.
export function listsOf(pairs) {
  // Nothing is inherited: a name may be that of a property of every object, such as "constructor".
  const found = Object.create(null);
  for (const [name, value] of pairs) {
    (found[name] ??= []).push(value);
  }
  return found;
}

export class Pairs {
  constructor(place, nameLabel, valueLabel) {
    this.place = place;
    this.labels = [nameLabel, valueLabel];
    if (place) {
      this.add();
      place.addEventListener("input", () => this.keepOneEmpty());
    }
  }

  // The values by name, in order; a row without a name counts only when it has a value.
  values() {
    return listsOf(this.pairs());
  }

  pairs() {
    return this.rows().filter(([name, value]) => name || value);
  }

  // Rows with these names and values. A masked value is for the user to enter.
  fill(start) {
    this.place.replaceChildren();
    for (const { name, value, is_masked: isMasked } of start) {
      const [nameField, valueField] = this.add().querySelectorAll("input");
      nameField.value = name;
      valueField.value = value;
      if (isMasked) {
        Object.assign(valueField, { type: "password", required: true, placeholder: gettext("masked, enter it") });
        valueField.setAttribute("aria-label", name);
      }
    }
    this.add();
  }

  clear() {
    this.place.replaceChildren();
    this.add();
  }

  rows() {
    return [...this.place.children].map((row) => [...row.querySelectorAll("input")].map((input) => input.value));
  }

  keepOneEmpty() {
    const last = this.rows().at(-1);
    if (!last || last[0] || last[1]) {
      this.add();
    }
  }

  add() {
    const row = document.createElement("div");
    row.className = "ud-pair is-row";
    row.append(...this.labels.map(textField), this.removeButton(row));
    this.place.append(row);
    return row;
  }

  removeButton(row) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "ud-icon-button";
    button.setAttribute("aria-label", gettext("Remove this row"));
    const icon = document.createElement("span");
    icon.className = "material-symbols-outlined";
    icon.setAttribute("aria-hidden", "true");
    icon.textContent = "close";
    button.append(icon);
    button.addEventListener("click", () => {
      row.remove();
      this.keepOneEmpty();
      this.place.querySelector("input")?.focus();
    });
    return button;
  }
}

function textField(label) {
  const input = document.createElement("input");
  Object.assign(input, { className: "ud-input", type: "text", placeholder: label, spellcheck: false });
  input.setAttribute("aria-label", label);
  return input;
}
