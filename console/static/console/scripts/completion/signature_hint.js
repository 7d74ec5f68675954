// Shows the signature of the call whose arguments are typed, with the current argument emphasised. Escape closes it.
import { EditorView, StateEffect, StateField, completionStatus, keymap, showTooltip, syntaxTree } from "../codemirror/codemirror.js";
import { announce } from "../../announcing.js";
import { gettext, interpolate } from "../../words.js";
import { activeParameter, callAround } from "./calls.js";
import { description } from "./description.js";
import { Types } from "./types.js";

const closed = StateEffect.define();
const left = StateEffect.define();
const asked = StateEffect.define();

// The extension of the editor, for what is `known`.
export function signatureHint(known) {
  const shown = StateField.define({
    create: () => null,
    update: (hint, transaction) => updated(hint, transaction, known),
    provide: (field) => showTooltip.from(field, (hint) => (hint && !hint.isClosed ? tooltip(hint) : null)),
  });
  const close = (view) => {
    const isOpen = view.state.field(shown) && !completionStatus(view.state);
    if (isOpen) view.dispatch({ effects: closed.of(null) });
    // Escape still lets Tab leave the editor.
    return false;
  };
  const ask = (view) => (view.dispatch({ effects: asked.of(null) }), view.state.field(shown) !== null);
  const told = EditorView.updateListener.of((update) => tell(update.startState.field(shown), update.state.field(shown)));
  const blurred = EditorView.domEventHandlers({ blur: (_event, view) => view.dispatch({ effects: left.of(null) }) });
  return [shown, told, blurred, keymap.of([{ key: "Escape", run: close }, { key: "Mod-Shift-Space", run: ask }])];
}

function updated(hint, transaction, known) {
  const has = (effect) => transaction.effects.some((each) => each.is(effect));
  if (has(left)) return null;
  if (has(closed)) return hint && { ...hint, isClosed: true };
  if (!transaction.docChanged && !transaction.selection && !has(asked)) return hint;
  const found = hintAt(transaction.state, known);
  if (!found || has(asked)) return found;
  const isSame = hint !== null && transaction.changes.mapPos(hint.from) === found.from;
  if (isSame) return { ...found, isClosed: hint.isClosed };
  return transaction.isUserEvent("input") ? found : null;
}

function hintAt(state, { outline }) {
  const { head, empty } = state.selection.main;
  const call = empty ? callAround(syntaxTree(state), head) : undefined;
  const types = new Types(state.doc, outline);
  const entry = call && types.of(call.callee)?.entry;
  if (!entry?.parameters?.length) return null;
  const name = types.text(call.callee.getChild("PropertyName") ?? call.callee);
  const active = activeParameter(call.list, head, entry.parameters, types.text);
  return { name, entry, active, from: call.list.from, pos: Math.max(call.list.from, state.doc.lineAt(head).from) };
}

function tooltip({ name, entry, active, pos }) {
  const create = () => {
    const dom = description(name, entry, active);
    dom.classList.add("ud-hint");
    dom.setAttribute("role", "tooltip");
    return { dom };
  };
  return { pos, above: true, create };
}

// Screen readers hear the signature when it opens, then each argument.
function tell(before, hint) {
  if (!hint || hint.isClosed) return;
  const isNew = !before || before.isClosed || before.entry !== hint.entry;
  if (!isNew && before.active === hint.active) return;
  const argument = hint.entry.parameters[hint.active];
  const whole = `${hint.name}(${hint.entry.parameters.join(", ")})`;
  const current = argument ? interpolate(gettext("Argument: %(argument)s"), { argument }) : "";
  announce([isNew ? whole : "", current].filter(Boolean).join(". "), true);
}
