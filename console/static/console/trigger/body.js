// The body of a request: a text or a file, and its content type. The page is console/request_body.html.

import { gettext, interpolate } from "../words.js";
import { check, formatted, TYPES } from "./formats.js";
import { sizeOf } from "./sizes.js";

const ANY_TYPE = "*/*";

export class BodyField {
  constructor(prefix = "") {
    this.part = (id) => document.getElementById(prefix + id);
    this.part("body").addEventListener("input", () => this.show());
    this.part("file").addEventListener("change", () => this.choose("file"));
    this.part("format").addEventListener("change", () => this.choose(this.format));
    this.part("format-body").addEventListener("click", () => {
      this.text = formatted(this.text, this.format);
      this.show();
    });
    this.choose(this.format);
  }

  get format() {
    return this.part("format").value;
  }

  get text() {
    return this.part("body").value;
  }

  set text(text) {
    this.part("body").value = text;
  }

  get file() {
    return this.format === "file" ? this.part("file").files[0] : undefined;
  }

  // Another format, with its usual content type.
  choose(format) {
    this.part("format").value = format;
    this.part("content-type").value = this.file?.type || TYPES[format];
    this.show();
  }

  // Offers the types that an API accepts, and begins with one of them.
  accept(types) {
    const options = types.filter((type) => type !== ANY_TYPE).map((value) => Object.assign(document.createElement("option"), { value }));
    this.part("content-types").replaceChildren(...options);
    if (options.length && !types.includes(this.part("content-type").value)) {
      this.choose(formatOf(types[0]));
      this.part("content-type").value = types[0];
    }
  }

  clear() {
    this.part("file").value = "";
    this.text = "";
    this.choose("json");
  }

  show() {
    const isFile = this.format === "file";
    this.part("body").hidden = isFile;
    this.part("format-body").hidden = this.format !== "json" && this.format !== "xml";
    this.part("file").hidden = !isFile;
    const state = isFile ? this.stateOfFile : check(this.text, this.format);
    this.part("body-state").textContent = state.words;
    this.part("body-state").className = state.isBad ? "ud-error" : "ud-help";
  }

  get isTooLarge() {
    return this.file?.size > this.largest;
  }

  get largest() {
    return Number(this.part("body-field").dataset.largest);
  }

  get stateOfFile() {
    if (!this.file) {
      return { words: gettext("No file chosen, so no body") };
    }
    const size = sizeOf(this.file.size);
    if (!this.isTooLarge) {
      return { words: size };
    }
    const words = gettext("The file has %(size)s, but a body at most %(largest)s.");
    return { isBad: true, words: interpolate(words, { size, largest: sizeOf(this.largest) }) };
  }

  // What is sent: `file` instead of `body` for a file. The content type joins the headers, unless they have one.
  sent(headers) {
    const body = this.format === "file" ? "" : this.text;
    const type = this.part("content-type").value.trim();
    const needsType = (body || this.file) && type && !headers.some(([name]) => name.toLowerCase() === "content-type");
    return { body, file: this.file, headers: needsType ? [...headers, ["Content-Type", type]] : headers };
  }
}

function formatOf(type) {
  const known = Object.entries(TYPES).find(([, each]) => each === type);
  if (known) {
    return known[0];
  }
  if (type.endsWith("json")) {
    return "json";
  }
  if (type.endsWith("xml")) {
    return "xml";
  }
  return type.startsWith("text/") ? "text" : "file";
}
