import type { Definition, Step } from './model';

export type Change = 'added' | 'changed' | 'removed';

export interface StepChange {
  key: string;
  change: Change;
  /** What is different: the kind, names of settings, exits that lead elsewhere. */
  what: { kind?: [string, string]; title?: [string, string]; settings: string[]; exits: string[] };
  before?: Step;
  after?: Step;
}

export interface Diff {
  steps: StepChange[];
  /** Parts of the journey itself: entries, again, exits, goal, … */
  parts: string[];
}

const PARTS = ['start', 'entries', 'again', 'while_paused', 'exits', 'goal', 'holdout_percent', 'exclusive', 'priority', 'displaces', 'most_inside'] as const;

/** Values as text, with names of an object in one order: the server and the canvas write them in their own. */
function told(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).filter(([, of]) => of !== null && of !== undefined).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  ) ?? '';
}

export const same = (one: unknown, other: unknown): boolean => told(one) === told(other);

function differing(before: Record<string, unknown>, after: Record<string, unknown>): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => !same(before[name], after[name]));
}

/** What an edit did: steps are the same where their key is. How the journey is drawn does not count. */
export function diffOf(before: Definition, after: Definition): Diff {
  const was = new Map(before.steps.map((step) => [step.key, step]));
  const is = new Map(after.steps.map((step) => [step.key, step]));
  const steps: StepChange[] = [];
  for (const step of after.steps) {
    const old = was.get(step.key);
    if (!old) {
      steps.push({ key: step.key, change: 'added', what: { settings: [], exits: [] }, after: step });
      continue;
    }
    const settings = differing(old.settings, step.settings);
    const exits = differing(old.next, step.next);
    const kind: [string, string] | undefined = old.kind === step.kind ? undefined : [old.kind, step.kind];
    const title: [string, string] | undefined = old.title === step.title ? undefined : [old.title, step.title];
    if (kind || title || settings.length > 0 || exits.length > 0) {
      steps.push({ key: step.key, change: 'changed', what: { kind, title, settings, exits }, before: old, after: step });
    }
  }
  for (const step of before.steps) {
    if (!is.has(step.key)) steps.push({ key: step.key, change: 'removed', what: { settings: [], exits: [] }, before: step });
  }
  return { steps, parts: PARTS.filter((part) => !same(before[part], after[part])) };
}

export function isSame(diff: Diff): boolean {
  return diff.steps.length === 0 && diff.parts.length === 0;
}

/** Where the people at steps that are gone would best go: the nearest step ahead that is still there, or out. */
export function suggestedMap(before: Definition, after: Definition): Record<string, string | null> {
  const kept = new Set(after.steps.map((step) => step.key));
  const all = new Map(before.steps.map((step) => [step.key, step]));
  const ahead = (key: string): string | null => {
    const seen = new Set([key]);
    const queue = Object.values(all.get(key)?.next ?? {});
    for (let here = queue.shift(); here !== undefined; here = queue.shift()) {
      if (kept.has(here)) return here;
      if (!seen.has(here)) queue.push(...Object.values(all.get(here)?.next ?? {}));
      seen.add(here);
    }
    return null;
  };
  return Object.fromEntries(before.steps.map(({ key }) => [key, kept.has(key) ? key : ahead(key)]));
}
