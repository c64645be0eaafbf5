import { freshKey, renamedStep } from './graph';
import type { Definition, Place, Step } from './model';
import { START } from './model';

/** Some steps on their way to another journey, or to another place in the same one. */
export interface Clip {
  antiphon: 'journey-steps';
  steps: Step[];
  places: Record<string, Place>;
}

/** Takes steps along as they are; what they lead to outside of them stays behind. */
export function copy(definition: Definition, keys: readonly string[], places: Record<string, Place>): Clip {
  const chosen = new Set(keys);
  const steps = definition.steps
    .filter((step) => chosen.has(step.key))
    .map((step) => ({ ...step, next: Object.fromEntries(Object.entries(step.next).filter(([, to]) => chosen.has(to))) }));
  return { antiphon: 'journey-steps', steps, places: Object.fromEntries(Object.entries(places).filter(([key]) => chosen.has(key))) };
}

/** What the clipboard holds, if it holds steps. */
export function readClip(text: string): Clip | null {
  try {
    const read = JSON.parse(text) as Partial<Clip> | null;
    const steps = read?.antiphon === 'journey-steps' && Array.isArray(read.steps) ? read.steps : [];
    const sound = steps.length > 0 && steps.every((step) => typeof step?.key === 'string' && typeof step.kind === 'string');
    if (!sound) return null;
    const whole = steps.map(({ key, kind, settings, next, title }) => ({ key, kind, settings: settings ?? {}, next: next ?? {}, title: title ?? '' }));
    return { antiphon: 'journey-steps', steps: whole, places: read?.places ?? {} };
  } catch {
    return null;
  }
}

/** Names the pasted steps will have where their own are taken. */
export function pastedNames(definition: Definition, clip: Clip): Map<string, string> {
  const taken = new Set(definition.steps.map((step) => step.key));
  const names = new Map<string, string>();
  for (const step of clip.steps) {
    const key = freshKey(step.key, taken);
    taken.add(key);
    names.set(step.key, key);
  }
  return names;
}

/** The journey with the steps in it, the upper left of them at a place. */
export function paste(definition: Definition, clip: Clip, at: Place): Definition {
  const names = pastedNames(definition, clip);
  const known = Object.values(clip.places);
  const left = Math.min(...known.map(([x]) => x));
  const top = Math.min(...known.map(([, y]) => y));
  const places = clip.steps.map((step, place): [string, Place] => {
    const was = clip.places[step.key];
    return [names.get(step.key) as string, was ? [at[0] + was[0] - left, at[1] + was[1] - top] : [at[0] + 40 * place, at[1] + 120 * place]];
  });
  const steps = clip.steps.map((step) => renamedStep(step, names));
  return {
    ...definition,
    start: definition.start === START ? (steps[0]?.key ?? START) : definition.start,
    steps: [...definition.steps, ...steps],
    canvas: { ...definition.canvas, places: { ...definition.canvas.places, ...Object.fromEntries(places) } },
  };
}
