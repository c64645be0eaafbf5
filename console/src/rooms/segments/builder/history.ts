import { useCallback, useEffect, useMemo, useRef, useState } from 'react';

/** Changes that follow each other quicker than this, such as letters of a word, are taken back together. */
const TOGETHER = 600;
const MOST = 200;

interface Steps<Value> {
  past: Value[];
  now: Value;
  next: Value[];
}

/** A value with the way back and forth through what it was. */
export interface History<Value> {
  value: Value;
  set: (value: Value) => void;
  /** Another beginning: what was before is forgotten. */
  begin: (value: Value) => void;
  undo?: () => void;
  redo?: () => void;
}

/** How many conditions a value has: another number is never taken back together with typing. */
const partsOf = (value: unknown): number => JSON.stringify(value).split('"kind"').length;

export function useHistory<Value>(first: Value): History<Value> {
  const [steps, setSteps] = useState<Steps<Value>>({ past: [], now: first, next: [] });
  const changedAt = useRef(0);
  const size = useRef(partsOf(first));
  const set = useCallback((value: Value) => {
    const at = performance.now();
    const grown = partsOf(value) !== size.current;
    const together = !grown && at - changedAt.current < TOGETHER;
    size.current = partsOf(value);
    changedAt.current = grown ? 0 : at;
    setSteps(({ past, now }) => ({ past: together && past.length > 0 ? past : [...past, now].slice(-MOST), now: value, next: [] }));
  }, []);
  const begin = useCallback((value: Value) => {
    changedAt.current = 0;
    setSteps({ past: [], now: value, next: [] });
  }, []);
  const undo = useCallback(() => {
    changedAt.current = 0;
    setSteps(({ past, now, next }) => (past.length === 0 ? { past, now, next } : { past: past.slice(0, -1), now: past.at(-1) as Value, next: [now, ...next] }));
  }, []);
  const redo = useCallback(() => {
    changedAt.current = 0;
    setSteps(({ past, now, next }) => (next.length === 0 ? { past, now, next } : { past: [...past, now], now: next[0] as Value, next: next.slice(1) }));
  }, []);
  const [back, forth] = [steps.past.length > 0, steps.next.length > 0];
  return useMemo(
    () => ({ value: steps.now, set, begin, undo: back ? undo : undefined, redo: forth ? redo : undefined }),
    [steps.now, set, begin, undo, redo, back, forth],
  );
}

/** Ctrl Z and Ctrl Shift Z (or Ctrl Y), except in texts outside the builder, which take back their own letters. */
export function useUndoKeys({ undo, redo }: Pick<History<unknown>, 'undo' | 'redo'>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
      const key = event.key.toLowerCase();
      const verb = key === 'y' || (key === 'z' && event.shiftKey) ? redo : key === 'z' ? undo : null;
      if (verb === null) return;
      const target = event.target instanceof HTMLElement ? event.target : null;
      if (target?.closest('input,textarea,[contenteditable]') && !target.closest('[data-builder]')) return;
      event.preventDefault();
      verb?.();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [undo, redo]);
}
