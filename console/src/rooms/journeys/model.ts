import type { Schema } from '@/api/client';
import type { Node } from '../segments/types';

/** A journey as its author writes it; the same shape in the API, in YAML and on the canvas. */
export interface Step {
  key: string;
  kind: string;
  settings: Settings;
  /** The step each exit leads to; an exit that is not named ends the journey. */
  next: Record<string, string>;
  title: string;
}

export type Settings = Record<string, unknown>;
export type Place = [number, number];
export type EventMatch = Pick<Schema<'Trigger'>, 'event' | 'kind' | 'filters'>;

export type Entry =
  | { kind: 'segment'; segment_id: number; when: 'entered' | 'left'; present: boolean }
  | { kind: 'event'; match: EventMatch; fresh_seconds: number }
  | { kind: 'schedule'; segment_id: number; start: string; zone: string; rule: string }
  | { kind: 'api' }
  | { kind: 'import'; source: string };

export interface Again {
  rule: 'once' | 'period' | 'key' | 'always';
  period_seconds: number | null;
  key: string[];
  at_once: number;
}

export interface WhilePaused {
  entries: 'drop' | 'keep';
  most: number;
}

export interface ExitRule {
  reason: string;
  event: EventMatch | null;
  condition: Node | null;
}

export interface Goal {
  event: EventMatch | null;
  condition: Node | null;
  value: string | null;
  ends: boolean;
}

export interface Frame {
  title: string;
  steps: string[];
  color: string;
}

export interface Note {
  text: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Definition {
  start: string;
  steps: Step[];
  entries: Entry[];
  again: Again;
  while_paused: WhilePaused;
  exits: ExitRule[];
  goal: Goal | null;
  holdout_percent: number;
  exclusive: string;
  priority: number;
  displaces: boolean;
  most_inside: number | null;
  canvas: { places: Record<string, Place>; groups: Frame[]; comments: Note[] };
}

/** What leads to the first step; no step is called so. */
export const START = '';
export const MOST_STEPS = 500;

export const EMPTY: Definition = {
  start: START,
  steps: [],
  entries: [],
  again: { rule: 'once', period_seconds: null, key: [], at_once: 1 },
  while_paused: { entries: 'drop', most: 10_000 },
  exits: [],
  goal: null,
  holdout_percent: 0,
  exclusive: '',
  priority: 5,
  displaces: false,
  most_inside: null,
  canvas: { places: {}, groups: [], comments: [] },
};

/** A definition with everything said that may be left out of it. */
export function whole(given: Partial<Definition>): Definition {
  const canvas = { ...EMPTY.canvas, ...given.canvas };
  const steps = (given.steps ?? []).map((step) => ({ ...step, settings: step.settings ?? {}, next: step.next ?? {}, title: step.title ?? '' }));
  return { ...EMPTY, ...given, steps, again: { ...EMPTY.again, ...given.again }, while_paused: { ...EMPTY.while_paused, ...given.while_paused }, canvas };
}

export function stepOf(definition: Definition, key: string): Step | undefined {
  return definition.steps.find((one) => one.key === key);
}
