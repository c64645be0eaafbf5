import { useCallback, useMemo, useReducer } from 'react';
import { edited, markOf, type Edit } from './edit';
import type { Definition } from './model';

/** Edits of one mark that follow each other quicker than this are one. */
const TOGETHER = 900;

/** A journey with the whole way back and forth: every state shares what did not change with the one before it. */
export interface Past {
  past: Definition[];
  now: Definition;
  next: Definition[];
  mark: string | null;
  at: number;
}

export type Move = { to: 'edit'; edit: Edit; at: number } | { to: 'undo' } | { to: 'redo' } | { to: 'begin'; definition: Definition };

export const begun = (now: Definition): Past => ({ past: [], now, next: [], mark: null, at: 0 });

export function walked(state: Past, move: Move): Past {
  switch (move.to) {
    case 'begin':
      return begun(move.definition);
    case 'edit': {
      const now = edited(state.now, move.edit);
      if (now === state.now) return state;
      const mark = markOf(move.edit);
      const together = mark !== null && mark === state.mark && move.at - state.at < TOGETHER;
      return { past: together ? state.past : [...state.past, state.now], now, next: [], mark, at: move.at };
    }
    case 'undo': {
      const last = state.past.at(-1);
      return last ? { past: state.past.slice(0, -1), now: last, next: [state.now, ...state.next], mark: null, at: 0 } : state;
    }
    case 'redo': {
      const [first, ...rest] = state.next;
      return first ? { past: [...state.past, state.now], now: first, next: rest, mark: null, at: 0 } : state;
    }
  }
}

/** A draft being drawn. */
export interface Drawing {
  definition: Definition;
  edit: (edit: Edit) => void;
  begin: (definition: Definition) => void;
  undo?: () => void;
  redo?: () => void;
}

export function useDrawing(first: Definition): Drawing {
  const [state, walk] = useReducer(walked, first, begun);
  const edit = useCallback((one: Edit) => walk({ to: 'edit', edit: one, at: performance.now() }), []);
  const begin = useCallback((definition: Definition) => walk({ to: 'begin', definition }), []);
  const undo = useCallback(() => walk({ to: 'undo' }), []);
  const redo = useCallback(() => walk({ to: 'redo' }), []);
  const [back, forth] = [state.past.length > 0, state.next.length > 0];
  return useMemo(
    () => ({ definition: state.now, edit, begin, undo: back ? undo : undefined, redo: forth ? redo : undefined }),
    [state.now, edit, begin, undo, redo, back, forth],
  );
}
