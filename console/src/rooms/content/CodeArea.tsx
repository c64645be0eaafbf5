import { html } from '@codemirror/lang-html';
import { liquid } from '@codemirror/lang-liquid';
import { Compartment, EditorState } from '@codemirror/state';
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { tags } from '@lezer/highlight';
import { basicSetup, EditorView } from 'codemirror';
import { useEffect, useRef } from 'react';

interface CodeAreaProps {
  label: string;
  value: string;
  plain?: boolean;
  readOnly?: boolean;
  onChange: (value: string) => void;
  /** Gives the page a way to put text at the cursor. */
  onReady?: (insert: (text: string) => void) => void;
}

const look = EditorView.theme({
  '&': { fontSize: '13px', backgroundColor: 'var(--surface-card)', color: 'var(--mantine-color-text)', height: '100%' },
  '.cm-scroller': { fontFamily: 'var(--mantine-font-family-monospace)', lineHeight: '1.6' },
  '.cm-gutters': { backgroundColor: 'var(--surface-card)', color: 'var(--mantine-color-dimmed)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'color-mix(in srgb, var(--mantine-primary-color-filled) 7%, transparent)' },
  '.cm-cursor': { borderLeftColor: 'var(--mantine-color-text)' },
  '&.cm-focused': { outline: '2px solid var(--mantine-primary-color-filled)', outlineOffset: '-2px' },
  '.cm-selectionBackground, &.cm-focused .cm-selectionBackground': { backgroundColor: 'color-mix(in srgb, var(--mantine-primary-color-filled) 25%, transparent) !important' },
});
const colours = HighlightStyle.define([
  { tag: tags.tagName, color: 'light-dark(#3b46a6, #a9b3f2)' },
  { tag: tags.attributeName, color: 'light-dark(#0b7285, #66d0c4)' },
  { tag: [tags.attributeValue, tags.string], color: 'light-dark(#8a4b08, #f0b27a)' },
  { tag: [tags.keyword, tags.operator, tags.variableName, tags.special(tags.brace)], color: 'light-dark(#a61e6d, #f29ac4)' },
  { tag: tags.comment, color: 'var(--mantine-color-dimmed)', fontStyle: 'italic' },
]);

/** A code editor for Liquid in MJML, HTML or plain text. Escape then Tab leaves it by the keyboard. */
export default function CodeArea({ label, value, plain, readOnly, onChange, onReady }: CodeAreaProps) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const change = useRef(onChange);
  change.current = onChange;

  useEffect(() => {
    if (!box.current) return;
    const language = new Compartment();
    const editor = new EditorView({
      parent: box.current,
      state: EditorState.create({
        doc: value,
        extensions: [
          basicSetup,
          look,
          syntaxHighlighting(colours),
          EditorView.lineWrapping,
          EditorState.readOnly.of(readOnly ?? false),
          EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
          language.of(plain ? liquid() : liquid({ base: html() })),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) change.current(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    onReady?.((text) => {
      editor.dispatch(editor.state.replaceSelection(text));
      editor.focus();
    });
    return () => editor.destroy();
    // The editor keeps its own text: it is made anew only for another language, not for each letter.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [plain, readOnly, label]);

  useEffect(() => {
    const editor = view.current;
    if (editor && editor.state.doc.toString() !== value) {
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
    }
  }, [value]);

  return <div ref={box} style={{ height: '100%', overflow: 'hidden' }} />;
}
