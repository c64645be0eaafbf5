import { useCallback, type ClipboardEvent } from 'react';
import { readClip, type Clip } from './clip';

/** Steps that were copied, for the buttons of the board: a page may read the clipboard only when it is pasted into. */
const SHELF = 'antiphon.journey-steps';

interface ClipboardProps {
  take: () => Clip | null;
  put: (clip: Clip) => void;
  cut: () => void;
  readOnly: boolean;
}

const isTyping = (event: ClipboardEvent) => (event.target as HTMLElement).closest('input,textarea,[contenteditable]') !== null;

/** Copies steps to the system's clipboard as text, and pastes those of this journey or of another. */
export function useClipboard({ take, put, cut, readOnly }: ClipboardProps) {
  const shelve = (clip: Clip) => localStorage.setItem(SHELF, JSON.stringify(clip));
  const paste = useCallback(() => {
    const clip = readClip(localStorage.getItem(SHELF) ?? '');
    if (clip) put(clip);
  }, [put]);
  const give = (event: ClipboardEvent): boolean => {
    const clip = isTyping(event) ? null : take();
    if (!clip) return false;
    event.clipboardData.setData('text/plain', JSON.stringify(clip, null, 1));
    event.preventDefault();
    shelve(clip);
    return true;
  };
  return {
    copy: () => {
      const clip = take();
      if (!clip) return;
      shelve(clip);
      void navigator.clipboard?.writeText(JSON.stringify(clip, null, 1)).catch(() => undefined);
    },
    paste: readOnly ? undefined : paste,
    onCopy: (event: ClipboardEvent) => void give(event),
    onCut: (event: ClipboardEvent) => {
      if (!readOnly && give(event)) cut();
    },
    onPaste: (event: ClipboardEvent) => {
      if (readOnly || isTyping(event)) return;
      const clip = readClip(event.clipboardData.getData('text/plain'));
      if (!clip) return;
      event.preventDefault();
      put(clip);
    },
  };
}
