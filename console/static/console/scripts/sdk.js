// The names of the SDK with their signatures, searched while the user types; one inserts itself into the editor.
import { description } from "./completion/description.js";
import { importing } from "./completion/imports.js";

const OWNERS = { Engine: "engine", ApiTriggerInput: "request" };
const place = document.getElementById("sdk-names");
const search = document.getElementById("sdk-search");

// `view` is the editor; without it, nothing is inserted.
export function showSdk(outline, view) {
  if (!place) return;
  const groups = groupsOf(outline);
  const show = () => render(groups, search.value.trim().toLowerCase(), outline, view);
  search.addEventListener("input", show);
  show();
}

// Each class with its members, then the names that have none.
function groupsOf({ names, types }) {
  const all = Object.entries(names).map(([name, entry]) => ({ name, entry, members: membersOf(name, entry, types) }));
  const isFirst = ({ name }) => name in OWNERS;
  return [...all.filter(isFirst), ...all.filter((each) => !isFirst(each))];
}

function membersOf(name, entry, types) {
  const found = entry.kind === "class" ? (types[name] ?? types[entry.type] ?? {}) : {};
  return Object.entries(found);
}

function render(groups, text, outline, view) {
  const shown = groups.map((group) => sectionOf(group, text, outline, view)).filter(Boolean);
  if (shown.length) place.replaceChildren(...shown);
  else place.replaceChildren(element("p", "ud-help", place.dataset.nothing));
}

function sectionOf(group, text, outline, view) {
  const matches = (name, entry) => !text || `${name} ${entry.doc}`.toLowerCase().includes(text);
  const isWhole = matches(group.name, group.entry);
  const members = group.members.filter(([name, entry]) => matches(name, entry));
  if (!isWhole && !members.length) return undefined;
  const rows = members.map(([name, entry]) => rowOf(name, entry, view && (() => insertMember(view, group.name, name, entry))));
  // What a class takes is in its members, and long.
  const entry = rows.length ? { ...group.entry, parameters: null } : group.entry;
  const head = rowOf(group.name, entry, view && (() => insertName(view, group.name, outline.module)));
  if (!rows.length) return head;
  const details = element("details", "ud-sdk-group", element("summary", "", element("code", "", group.name), element("span", "ud-tab-count", String(rows.length))));
  details.append(head, ...rows);
  details.open = Boolean(text) || group.name in OWNERS;
  return details;
}

function rowOf(name, entry, insert) {
  const row = element("div", "ud-sdk-name", description(name, entry));
  if (insert) {
    const button = element("button", "ud-link", place.dataset.insert);
    button.type = "button";
    button.setAttribute("aria-label", `${place.dataset.insert} ${name}`);
    button.addEventListener("click", insert);
    row.append(button);
  }
  return row;
}

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

// A name that the source has not imported is imported as well.
function insertName(view, name, module) {
  const { from, to } = view.state.selection.main;
  const isKnown = new RegExp(`^from\\s+${module.replaceAll(".", "\\.")}\\s+import\\b[^\\n]*\\b${name}\\b`, "m").test(view.state.doc.toString());
  if (isKnown) insertText(view, name, name.length);
  else importing(module)(view, { label: name }, from, to);
  view.focus();
}

// The cursor stands between the parentheses of what takes arguments.
function insertMember(view, owner, name, { parameters, on_class: isOnClass }) {
  const start = `${isOnClass ? owner : (OWNERS[owner] ?? owner[0].toLowerCase() + owner.slice(1))}.${name}`;
  const text = parameters ? `${start}()` : start;
  insertText(view, text, text.length - (parameters?.length ? 1 : 0));
  view.focus();
}

function insertText(view, text, place) {
  const { from, to } = view.state.selection.main;
  const selection = { anchor: from + place };
  view.dispatch({ changes: { from, to, insert: text }, selection, userEvent: "input", scrollIntoView: true });
}
