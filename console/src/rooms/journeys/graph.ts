import type { Definition, Settings, Step } from './model';
import { START, stepOf } from './model';

/** A key nobody has: `wait`, then `wait_2`, … */
export function freshKey(wish: string, taken: ReadonlySet<string>): string {
  const stem = wish.toLowerCase().replace(/[^a-z0-9_]+/g, '_').replace(/^[^a-z]+/, '').slice(0, 34) || 'step';
  if (!taken.has(stem)) return stem;
  const base = stem.replace(/_\d+$/, '');
  let number = 2;
  while (taken.has(`${base}_${number}`)) number += 1;
  return `${base}_${number}`;
}

/** Settings that name another step, as a wait for an answer to it does. */
const NAMES_A_STEP = new Set(['step', 'to', 'back_to']);

function renamedSettings(settings: Settings, names: ReadonlyMap<string, string>): Settings {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name, NAMES_A_STEP.has(name) && typeof value === 'string' ? (names.get(value) ?? value) : value]),
  );
}

/** Steps by other keys; whoever names them does so by the new ones. */
export function renamedStep(step: Step, names: ReadonlyMap<string, string>): Step {
  return {
    ...step,
    key: names.get(step.key) ?? step.key,
    settings: renamedSettings(step.settings, names),
    next: Object.fromEntries(Object.entries(step.next).map(([exit, to]) => [exit, names.get(to) ?? to])),
  };
}

export function rename(definition: Definition, names: ReadonlyMap<string, string>): Definition {
  const named = (key: string) => names.get(key) ?? key;
  const { places, groups, comments } = definition.canvas;
  return {
    ...definition,
    start: named(definition.start),
    steps: definition.steps.map((step) => renamedStep(step, names)),
    canvas: {
      places: Object.fromEntries(Object.entries(places).map(([key, at]) => [named(key), at])),
      groups: groups.map((one) => ({ ...one, steps: one.steps.map(named) })),
      comments,
    },
  };
}

/** Where one gets from a step that is about to go, past others that go too; nowhere if it forks. */
function past(definition: Definition, key: string, going: ReadonlySet<string>): string | null {
  const seen = new Set<string>();
  let here = key;
  while (going.has(here)) {
    if (seen.has(here)) return null;
    seen.add(here);
    const onward = [...new Set(Object.values(stepOf(definition, here)?.next ?? {}))];
    if (onward.length !== 1) return null;
    here = onward[0] as string;
  }
  return here;
}

/** What led to a step that goes leads to the one after it, where there is exactly one. */
export function bridged(definition: Definition, going: ReadonlySet<string>): Definition {
  const steps = definition.steps.map((step) => ({
    ...step,
    next: Object.fromEntries(
      Object.entries(step.next).flatMap(([exit, to]) => {
        const onward = going.has(to) ? past(definition, to, going) : to;
        return onward === null || onward === step.key ? [] : [[exit, onward] as const];
      }),
    ),
  }));
  return { ...definition, steps, start: going.has(definition.start) ? (past(definition, definition.start, going) ?? START) : definition.start };
}

/** The journey without some steps, and nothing left that names them. */
export function without(definition: Definition, going: ReadonlySet<string>): Definition {
  const { places, groups, comments } = definition.canvas;
  const steps = definition.steps
    .filter((step) => !going.has(step.key))
    .map((step) => ({ ...step, next: Object.fromEntries(Object.entries(step.next).filter(([, to]) => !going.has(to))) }));
  const start = going.has(definition.start) || definition.start === START ? (steps[0]?.key ?? START) : definition.start;
  return {
    ...definition,
    start,
    steps,
    canvas: {
      places: Object.fromEntries(Object.entries(places).filter(([key]) => !going.has(key))),
      groups: groups.map((one) => ({ ...one, steps: one.steps.filter((key) => !going.has(key)) })).filter((one) => one.steps.length > 0),
      comments,
    },
  };
}

/** The steps that lead to a step. */
export function before(definition: Definition, key: string): Step[] {
  return definition.steps.filter((step) => Object.values(step.next).includes(key));
}

/** Steps that can be reached from the start. */
export function reached(definition: Definition): Set<string> {
  const seen = new Set<string>();
  const ahead = definition.start ? [definition.start] : [];
  while (ahead.length > 0) {
    const key = ahead.pop() as string;
    const step = seen.has(key) ? undefined : stepOf(definition, key);
    if (!step) continue;
    seen.add(key);
    ahead.push(...Object.values(step.next));
  }
  return seen;
}
