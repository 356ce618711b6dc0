// Completion, a name for screen readers, the cursor's line, and marks: what NiceGUI's editor has no
// hook for. What can be written is asked of the page's server, which knows the schema and the file.
import * as CM from "nicegui-codemirror";

async function source(context) {
  const word = context.matchBefore(/[\w$.-]*$/);
  const before = context.state.sliceDoc(Math.max(0, context.pos - 2), context.pos);
  const asked = context.explicit || word?.text || /[{:,[-] $|[{[]$/.test(before);
  if (!asked) return null;
  const line = context.state.doc.lineAt(context.pos);
  const answer = await fetch("/scenario/complete", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      text: context.state.doc.toString(),
      line: line.number,
      column: context.pos - line.from,
    }),
  });
  if (!answer.ok || context.aborted) return null;
  const { start, options } = await answer.json();
  if (!options.length) return null;
  return {
    from: line.from + start,
    validFor: /^[\w$.-]*$/,
    options: options.map(({ label, insert, kind, detail, info }) => ({
      label,
      apply: insert,
      type: kind,
      detail,
      info: info || undefined,
    })),
  };
}

function extensions(id, label, completes) {
  const named = CM.EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" });
  if (!completes) return [named];
  const cursor = CM.EditorView.updateListener.of((update) => {
    if (!update.selectionSet) return;
    const line = update.state.doc.lineAt(update.state.selection.main.head).number;
    emitEvent("editor-cursor", { id, line });
  });
  return [named, cursor, CM.EditorState.languageData.of(() => [{ autocomplete: source }])];
}

// The editor is there a little later than the page: it is waited for.
window.extendEditor = async (id, label, completes) => {
  for (let tries = 0; tries < 200; tries += 1) {
    const editor = getElement(id)?.editor;
    if (editor) {
      editor.dispatch({ effects: CM.StateEffect.appendConfig.of(extensions(id, label, completes)) });
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
};

// Marks are given to the text that they were made for: one that came late is waited for, and where
// more was typed meanwhile the next marks are on their way.
const turns = {};
window.markEditor = async (id, marks, length) => {
  const turn = (turns[id] = (turns[id] ?? 0) + 1);
  for (let tries = 0; tries < 80 && turns[id] === turn; tries += 1) {
    const shown = getElement(id);
    if (shown?.editor && [...shown.editor.state.doc.toString()].length === length) {
      shown.setDecorations(marks);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
};
