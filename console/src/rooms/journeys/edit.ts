import { paste, type Clip } from './clip';
import { bridged, freshKey, rename, without } from './graph';
import type { Definition, Frame, Note, Place, Settings, Step } from './model';
import { START, stepOf } from './model';

/** Everything that can be done to a journey on its canvas. */
export type Edit =
  | { do: 'add'; step: Pick<Step, 'kind' | 'settings'> & { key?: string; title?: string }; exits: string[]; at?: Place; after?: { key: string; exit: string } }
  | { do: 'remove'; keys: string[] }
  | { do: 'connect'; from: string; exit: string; to: string | null }
  | { do: 'settings'; key: string; settings: Settings; exits: string[] }
  | { do: 'title'; key: string; title: string }
  | { do: 'rekey'; key: string; to: string }
  | { do: 'move'; places: Record<string, Place> }
  | { do: 'nudge'; keys: string[]; by: Place; from: Record<string, Place> }
  | { do: 'group'; keys: string[]; title: string }
  | { do: 'frame'; at: number; part: Partial<Frame> | null }
  | { do: 'comment'; note: Note }
  | { do: 'note'; at: number; part: Partial<Note> | null }
  | { do: 'journey'; part: Partial<Omit<Definition, 'steps' | 'canvas'>> }
  | { do: 'paste'; clip: Clip; at: Place }
  | { do: 'replace'; definition: Definition };

function stepWith(definition: Definition, key: string, change: (step: Step) => Step): Definition {
  return { ...definition, steps: definition.steps.map((step) => (step.key === key ? change(step) : step)) };
}

function connected(definition: Definition, from: string, exit: string, to: string | null): Definition {
  if (to !== null && !stepOf(definition, to)) return definition;
  if (from === START) return to === null ? definition : { ...definition, start: to };
  return stepWith(definition, from, (step) => {
    const { [exit]: _, ...others } = step.next;
    return { ...step, next: to === null ? others : { ...others, [exit]: to } };
  });
}

function added(definition: Definition, edit: Extract<Edit, { do: 'add' }>): Definition {
  const key = edit.step.key ?? freshKey(edit.step.kind, new Set(definition.steps.map((one) => one.key)));
  const { after } = edit;
  const onward = after && (after.key === START ? definition.start : stepOf(definition, after.key)?.next[after.exit]);
  const first = edit.exits[0];
  const step: Step = { key, kind: edit.step.kind, settings: edit.step.settings, title: edit.step.title ?? '', next: onward && first ? { [first]: onward } : {} };
  const grown: Definition = {
    ...definition,
    start: definition.start === START ? key : definition.start,
    steps: [...definition.steps, step],
    canvas: edit.at ? { ...definition.canvas, places: { ...definition.canvas.places, [key]: edit.at } } : definition.canvas,
  };
  return after ? connected(grown, after.key, after.exit, key) : grown;
}

function grouped(definition: Definition, keys: string[], title: string): Definition {
  const chosen = new Set(keys);
  const others = definition.canvas.groups.map((one) => ({ ...one, steps: one.steps.filter((key) => !chosen.has(key)) })).filter((one) => one.steps.length > 0);
  return { ...definition, canvas: { ...definition.canvas, groups: [...others, { title, steps: keys, color: '' }] } };
}

/** The journey after an edit. Pure: the same edit of the same journey gives the same. */
export function edited(definition: Definition, edit: Edit): Definition {
  const { canvas } = definition;
  switch (edit.do) {
    case 'add':
      return added(definition, edit);
    case 'remove':
      return without(bridged(definition, new Set(edit.keys)), new Set(edit.keys));
    case 'connect':
      return connected(definition, edit.from, edit.exit, edit.to);
    case 'settings':
      return stepWith(definition, edit.key, (step) => ({
        ...step,
        settings: edit.settings,
        next: Object.fromEntries(Object.entries(step.next).filter(([exit]) => edit.exits.includes(exit))),
      }));
    case 'title':
      return stepWith(definition, edit.key, (step) => ({ ...step, title: edit.title }));
    case 'rekey':
      return stepOf(definition, edit.to) ? definition : rename(definition, new Map([[edit.key, edit.to]]));
    case 'move':
      return { ...definition, canvas: { ...canvas, places: { ...canvas.places, ...edit.places } } };
    case 'nudge': {
      const moved = edit.keys.flatMap((key): [string, Place][] => {
        const at = edit.from[key];
        return at ? [[key, [at[0] + edit.by[0], at[1] + edit.by[1]]]] : [];
      });
      return { ...definition, canvas: { ...canvas, places: { ...canvas.places, ...Object.fromEntries(moved) } } };
    }
    case 'group':
      return grouped(definition, edit.keys, edit.title);
    case 'frame': {
      const one = canvas.groups[edit.at];
      if (!one) return definition;
      return { ...definition, canvas: { ...canvas, groups: edit.part ? canvas.groups.with(edit.at, { ...one, ...edit.part }) : canvas.groups.toSpliced(edit.at, 1) } };
    }
    case 'comment':
      return { ...definition, canvas: { ...canvas, comments: [...canvas.comments, edit.note] } };
    case 'note': {
      const one = canvas.comments[edit.at];
      if (!one) return definition;
      return { ...definition, canvas: { ...canvas, comments: edit.part ? canvas.comments.with(edit.at, { ...one, ...edit.part }) : canvas.comments.toSpliced(edit.at, 1) } };
    }
    case 'journey':
      return { ...definition, ...edit.part };
    case 'paste':
      return paste(definition, edit.clip, edit.at);
    case 'replace':
      return edit.definition;
  }
}

/** Edits with the same mark that follow each other quickly are taken back together: letters of a word, a slider's way. */
export function markOf(edit: Edit): string | null {
  switch (edit.do) {
    case 'settings':
    case 'title':
      return `${edit.do} ${edit.key}`;
    case 'nudge':
      return `nudge ${edit.keys.join()}`;
    case 'note':
    case 'frame':
      return edit.part ? `${edit.do} ${edit.at} ${Object.keys(edit.part).join()}` : null;
    case 'journey':
      return `journey ${Object.keys(edit.part).join()}`;
    default:
      return null;
  }
}
