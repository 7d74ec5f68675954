// Turns the text area of a source into an editor for Python. The text area follows, and is what the form submits.
import {
  EditorState, EditorView, bracketMatching, classHighlighter, closeBrackets, closeBracketsKeymap,
  defaultKeymap, drawSelection, dropCursor, foldGutter, foldKeymap, highlightActiveLine, highlightActiveLineGutter,
  highlightSelectionMatches, highlightSpecialChars, history, historyKeymap, indentOnInput, indentUnit, indentWithTab,
  keymap, lineNumbers, lintGutter, python, search, searchKeymap, setDiagnostics, syntaxHighlighting,
} from "./codemirror/codemirror.js";

const KEYS = [
  ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap,
  // Escape, then Tab leaves the editor.
  indentWithTab,
];

// `further` are extensions that come before the editor's own.
export function editorFor(area, { nonce, label, describedBy = "found", isReadOnly, changed, further = [] }) {
  const follow = EditorView.updateListener.of((update) => {
    if (!update.docChanged) return;
    area.value = update.state.doc.toString();
    area.dispatchEvent(new Event("input", { bubbles: true }));
    changed();
  });
  const view = new EditorView({
    state: EditorState.create({
      doc: area.value,
      extensions: [
        further, EditorView.cspNonce.of(nonce), EditorState.readOnly.of(isReadOnly), lineNumbers(), lintGutter(), foldGutter(),
        highlightActiveLineGutter(), highlightSpecialChars(), history(), drawSelection(), dropCursor(), indentOnInput(),
        indentUnit.of("    "), bracketMatching(), closeBrackets(), highlightActiveLine(),
        highlightSelectionMatches(), search({ top: true }), keymap.of(KEYS), python(),
        syntaxHighlighting(classHighlighter), follow,
        // With a tabindex, also who only reads a long source reaches it by the keyboard.
        EditorView.contentAttributes.of({ tabindex: "0", "aria-label": label, "aria-describedby": describedBy, spellcheck: "false" }),
      ],
    }),
  });
  area.insertAdjacentElement("beforebegin", view.dom);
  area.hidden = true;
  area.addEventListener("console:filled", () => {
    view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: area.value } });
  });
  return view;
}

// Marks the lines of what the server has found. The source may have fewer lines by now.
export function markLines(view, found) {
  const { doc } = view.state;
  const marks = found.map(({ line, message, is_error: isError }) => {
    const { from, to, text } = doc.line(Math.min(Math.max(line ?? 1, 1), doc.lines));
    return { from: Math.min(to, from + text.search(/\S|$/)), to, severity: isError ? "error" : "warning", message };
  });
  view.dispatch(setDiagnostics(view.state, marks.sort((one, other) => one.from - other.from)));
}

export function showLine(view, line) {
  const { from } = view.state.doc.line(Math.min(line, view.state.doc.lines));
  view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
  view.focus();
}
