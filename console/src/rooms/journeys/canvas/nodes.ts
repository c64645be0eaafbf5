import { MarkerType, type Edge, type Node } from '@xyflow/react';
import { exitsOf, type Kind } from '../exits';
import { heightOf, WIDTH } from '../layout';
import type { Definition, Place } from '../model';

export type Drawn = Node<{ key?: string; at?: number }>;
/** Names of what is no step; a step's key begins with a letter. */
export const ENTRANCE = '-start';
export const frameId = (at: number): string => `-frame-${at}`;
export const noteId = (at: number): string => `-note-${at}`;
export const isStep = (id: string): boolean => !id.startsWith('-');

const ROOM = 18;
const TITLE = 30;

/** The box around the steps of a frame. */
export function frameBox(definition: Definition, steps: readonly string[], places: Record<string, Place>, kinds: ReadonlyMap<string, Kind>) {
  const boxes = steps.flatMap((key) => {
    const step = definition.steps.find((one) => one.key === key);
    const at = places[key];
    return step && at ? [{ x: at[0], y: at[1], tall: heightOf(exitsOf(step, kinds).length) }] : [];
  });
  if (boxes.length === 0) return null;
  const left = Math.min(...boxes.map((one) => one.x)) - ROOM;
  const top = Math.min(...boxes.map((one) => one.y)) - ROOM - TITLE;
  const right = Math.max(...boxes.map((one) => one.x)) + WIDTH + ROOM;
  const bottom = Math.max(...boxes.map((one) => one.y + one.tall)) + ROOM;
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** Where the entrance stands: before the first step, or where the first step would be. */
export function entrancePlace(definition: Definition, places: Record<string, Place>): Place {
  const first = places[definition.start];
  return first ? [first[0] - 250, first[1]] : [-250, 0];
}

interface Words {
  step: (key: string) => string;
  entrance: string;
  roles: { step: string; entrance: string; frame: string; note: string };
}

/** Everything on the canvas, frames behind and notes before the steps. */
export function nodesOf(definition: Definition, places: Record<string, Place>, kinds: ReadonlyMap<string, Kind>, words: Words, readOnly: boolean): Drawn[] {
  const frames = definition.canvas.groups.flatMap((one, at): Drawn[] => {
    const box = frameBox(definition, one.steps, places, kinds);
    if (!box) return [];
    const { x, y, width, height } = box;
    return [{
      id: frameId(at), type: 'frame', position: { x, y }, data: { at }, width, height, zIndex: -1, draggable: !readOnly, selectable: false, focusable: false,
      ariaLabel: one.title, domAttributes: { 'aria-roledescription': words.roles.frame }, dragHandle: '[data-drag]',
    }];
  });
  const notes = definition.canvas.comments.map((one, at): Drawn => ({
    id: noteId(at), type: 'note', position: { x: one.x, y: one.y }, data: { at }, width: one.width, height: one.height, zIndex: 2, focusable: false,
    ariaLabel: one.text, domAttributes: { 'aria-roledescription': words.roles.note },
  }));
  const [x, y] = entrancePlace(definition, places);
  const entrance: Drawn = {
    id: ENTRANCE, type: 'entrance', position: { x, y }, data: {}, draggable: false, deletable: false, ariaLabel: words.entrance, domAttributes: { 'aria-roledescription': words.roles.entrance },
  };
  const steps = definition.steps.map((step): Drawn => ({
    id: step.key, type: 'step', position: { x: places[step.key]?.[0] ?? 0, y: places[step.key]?.[1] ?? 0 }, data: { key: step.key }, draggable: !readOnly, zIndex: 1,
    ariaLabel: words.step(step.key), domAttributes: { 'aria-roledescription': words.roles.step },
  }));
  return [...frames, entrance, ...steps, ...notes];
}

/** An arrow for each exit that leads somewhere. */
export function edgesOf(definition: Definition, told: (from: string, exit: string, to: string) => string): Edge[] {
  const marker = { type: MarkerType.ArrowClosed, width: 16, height: 16, color: 'var(--arrow)' };
  const known = new Set(definition.steps.map((step) => step.key));
  const arrow = (source: string, exit: string, target: string): Edge => ({
    id: `${source} ${exit}`, source, sourceHandle: exit, target, type: 'arrow', markerEnd: marker, focusable: false, ariaLabel: told(source, exit, target), interactionWidth: 24,
    domAttributes: { 'aria-roledescription': '' },
  });
  const first = known.has(definition.start) ? [arrow(ENTRANCE, 'next', definition.start)] : [];
  return [
    ...first,
    ...definition.steps.flatMap((step) => Object.entries(step.next).flatMap(([exit, to]) => (known.has(to) ? [arrow(step.key, exit, to)] : []))),
  ];
}
