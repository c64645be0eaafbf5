import { useReactFlow } from '@xyflow/react';
import { useCallback, type KeyboardEvent } from 'react';
import { before } from '../graph';
import type { Definition, Place } from '../model';
import { START, stepOf } from '../model';
import { ENTRANCE, isStep } from './nodes';

const ARROWS: Record<string, Place> = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
const NUDGE = 20;
/** How many frames a step is waited for. */
const FRAMES = 40;

/** The step one comes to in a direction: along an arrow to the right and to the left, else the nearest that way. */
export function stepTowards(definition: Definition, places: Record<string, Place>, from: string, way: Place): string | null {
  if (from === ENTRANCE) return way[0] > 0 && stepOf(definition, definition.start) ? definition.start : null;
  const here = places[from];
  const step = stepOf(definition, from);
  if (!here || !step) return null;
  if (way[0] > 0) {
    const onward = Object.values(step.next).find((key) => (places[key]?.[0] ?? 0) > here[0]);
    if (onward) return onward;
  }
  if (way[0] < 0) {
    if (definition.start === from) return ENTRANCE;
    const back = before(definition, from).find((one) => (places[one.key]?.[0] ?? 0) < here[0]);
    if (back) return back.key;
  }
  let found: string | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const { key } of definition.steps) {
    const at = places[key];
    if (key === from || !at) continue;
    const [dx, dy] = [at[0] - here[0], at[1] - here[1]];
    const ahead = dx * way[0] + dy * way[1];
    const aside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
    if (ahead <= 0 || aside > ahead * 4) continue;
    const far = ahead + 2 * aside;
    if (far < least) [found, least] = [key, far];
  }
  return found;
}

export interface KeyVerbs {
  open: (key: string) => void;
  addAfter: (key: string) => void;
  connect: (key: string) => void;
  remove: (keys: string[]) => void;
  nudge: (by: Place, keys: string[]) => void;
  group: (keys: string[]) => void;
  comment: () => void;
  arrange: () => void;
  duplicate: (keys: string[]) => void;
  help: () => void;
  close: () => void;
}

interface KeysProps {
  definition: Definition;
  places: Record<string, Place>;
  selected: readonly string[];
  onSelect: (ids: string[]) => void;
  verbs: Partial<KeyVerbs>;
}

/** Puts the focus on a step, bringing it into view. */
export function useFocusStep(): (key: string) => void {
  const flow = useReactFlow();
  return useCallback(
    (key) => {
      // A step that was just added is drawn, and what was open beside the board is gone, a few frames from now.
      const seek = (frames: number) => {
        const node = document.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(key)}"]`);
        const there = node && getComputedStyle(node).visibility !== 'hidden';
        if ((!there || frames > FRAMES - 3) && frames > 0) {
          requestAnimationFrame(() => seek(frames - 1));
          return;
        }
        node?.focus({ preventScroll: true });
        const box = node?.getBoundingClientRect();
        const board = node?.closest('.react-flow')?.getBoundingClientRect();
        const seen = box && board && box.left >= board.left && box.right <= board.right && box.top >= board.top && box.bottom <= board.bottom;
        if (!seen) void flow.fitView({ nodes: [{ id: key }], maxZoom: flow.getZoom(), minZoom: flow.getZoom(), duration: 0 });
      };
      seek(FRAMES);
    },
    [flow],
  );
}

/** Everything the mouse can do, by keys, while the focus is on the board. */
export function useKeys({ definition, places, selected, onSelect, verbs }: KeysProps): (event: KeyboardEvent) => void {
  const flow = useReactFlow();
  const focus = useFocusStep();
  return (event) => {
    const target = event.target as HTMLElement;
    if (target.closest('input,textarea,select,[contenteditable],[role="menu"]')) return;
    const here = target.closest<HTMLElement>('.react-flow__node')?.dataset.id ?? null;
    const onNode = here !== null && target.matches('.react-flow__node');
    const { key } = event;
    // What is meant: all that is chosen, or the step the focus is on where that is not among them.
    const acting = here && isStep(here) && !selected.includes(here) ? [here] : [...selected];
    const did = () => {
      event.preventDefault();
      event.stopPropagation();
    };
    const go = (to: string | null, adding: boolean) => {
      if (to === null) return;
      onSelect(adding ? [...new Set([...selected, ...(here ? [here] : []), to])] : [to]);
      focus(to);
    };
    const way = ARROWS[key];
    if (way && !event.ctrlKey && !event.metaKey) {
      did();
      if (event.altKey) {
        return verbs.nudge?.([way[0] * NUDGE, way[1] * NUDGE], acting);
      }
      return go(here ? stepTowards(definition, places, here, way) : definition.start || null, event.shiftKey);
    }
    if ((event.ctrlKey || event.metaKey) && !event.altKey) {
      const letter = key.toLowerCase();
      if (letter === 'a') {
        did();
        onSelect(definition.steps.map((step) => step.key));
      } else if (letter === 'd') {
        did();
        verbs.duplicate?.(acting);
      }
      return;
    }
    if (event.altKey) return;
    const simple: Record<string, (() => void) | undefined> = {
      Delete: verbs.remove && (() => verbs.remove?.(acting)),
      Backspace: verbs.remove && (() => verbs.remove?.(acting)),
      a: here ? () => verbs.addAfter?.(here === ENTRANCE ? START : here) : () => verbs.addAfter?.(definition.steps.at(-1)?.key ?? START),
      c: here && verbs.connect ? () => verbs.connect?.(here === ENTRANCE ? START : here) : undefined,
      g: verbs.group && (() => verbs.group?.(acting)),
      n: verbs.comment,
      l: verbs.arrange,
      f: () => void flow.fitView({ maxZoom: 1, padding: 0.15 }),
      '+': () => void flow.zoomIn(),
      '=': () => void flow.zoomIn(),
      '-': () => void flow.zoomOut(),
      '?': verbs.help,
      Escape: verbs.close,
      Home: () => go(definition.start ? ENTRANCE : null, false),
      End: () => go(definition.steps.at(-1)?.key ?? null, false),
    };
    if (onNode && (key === 'Enter' || key === ' ')) {
      did();
      if (event.shiftKey && isStep(here)) return onSelect(selected.includes(here) ? selected.filter((one) => one !== here) : [...selected, here]);
      onSelect([here]);
      return verbs.open?.(here);
    }
    const verb = simple[key.length === 1 ? key.toLowerCase() : key];
    if (!verb) return;
    did();
    verb();
  };
}
