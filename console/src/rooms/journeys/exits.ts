import type { Settings, Step } from './model';

/** A kind of step as the server lists it. */
export interface Kind {
  name: string;
  group: string;
  exits: string[];
  settings: unknown;
}

/** The value of each entry of a list, or its field: arms are written as names or with more about each. */
function named(value: unknown, field: string): string[] {
  if (!Array.isArray(value)) return value !== null && typeof value === 'object' ? Object.keys(value) : [];
  return value.flatMap((one: unknown) => {
    const name = typeof one === 'string' ? one : (one as Record<string, unknown> | null)?.[field];
    return typeof name === 'string' && name !== '' ? [name] : [];
  });
}

/** Exits that come from the settings, for kinds of Antiphon's own. */
const MADE: Record<string, (settings: Settings) => string[]> = {
  first_match: (settings) => [...named(settings.arms, 'key'), 'else'],
  split: (settings) => named(settings.parts, 'key'),
  experiment: (settings) => [...named(settings.arms, 'key'), 'none'],
  channel: (settings) => [...named(settings.channels, 'channel'), 'none'],
  wait_until: (settings) => (settings.trait ? ['next', 'missing'] : ['next']),
};

/** What the server said of these very settings: the ways on of others' kinds may follow from theirs. */
const told = new WeakMap<Settings, string[]>();

/** Keeps what a check of a definition said of its steps' exits. */
export function learnExits(steps: readonly Pick<Step, 'key' | 'settings'>[], exits: Readonly<Record<string, string[]>>): void {
  for (const step of steps) {
    const said = exits[step.key];
    if (said) told.set(step.settings, said);
  }
}

/** The ways on from a step, in order. One that a settings change took away stays while something hangs on it. */
export function exitsOf(step: Pick<Step, 'kind' | 'settings' | 'next'>, kinds: ReadonlyMap<string, Kind>): string[] {
  const made = MADE[step.kind]?.(step.settings);
  const exits = made ?? told.get(step.settings) ?? kinds.get(step.kind)?.exits ?? ['next'];
  return [...new Set([...exits, ...Object.keys(step.next)])];
}

/** The exits new settings give, for an edit of them: none is kept that the kind has no more. */
export function exitsFor(kind: string, settings: Settings, kinds: ReadonlyMap<string, Kind>): string[] {
  return exitsOf({ kind, settings, next: {} }, kinds);
}
