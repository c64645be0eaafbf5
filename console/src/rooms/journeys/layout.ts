import type { Definition, Place, Step } from './model';

export const WIDTH = 220;
const COLUMN = WIDTH + 64;
const GAP = 28;
const HEAD = 66;
const ROW = 26;

/** How tall a step is drawn: its head, and a line for each exit where there are several. */
export function heightOf(exits: number): number {
  return HEAD + (exits > 1 ? exits * ROW + 6 : 0);
}

type Onward = Map<string, string[]>;

/** Where each step leads, without the ways back of loops. */
function forward(definition: Definition, exitsOf: (step: Step) => string[]): Onward {
  const all = new Map(definition.steps.map((step) => [step.key, step]));
  const onward: Onward = new Map(definition.steps.map((step) => [step.key, []]));
  const state = new Map<string, 'open' | 'done'>();
  const visit = (root: string) => {
    const stack: { key: string; ways: string[] }[] = [];
    const enter = (key: string) => {
      const step = all.get(key);
      if (!step) return;
      state.set(key, 'open');
      const ways = [...exitsOf(step), ...Object.keys(step.next)].flatMap((exit) => step.next[exit] ?? []);
      stack.push({ key, ways: [...new Set(ways)] });
    };
    enter(root);
    while (stack.length > 0) {
      const top = stack.at(-1) as { key: string; ways: string[] };
      const to = top.ways.shift();
      if (to === undefined) {
        state.set(top.key, 'done');
        stack.pop();
      } else if (all.has(to) && state.get(to) !== 'open') {
        onward.get(top.key)?.push(to);
        if (!state.has(to)) enter(to);
      }
    }
  };
  if (all.has(definition.start)) visit(definition.start);
  for (const key of all.keys()) if (!state.has(key)) visit(key);
  return onward;
}

/** The column of each step: one more than the furthest of those that lead to it. */
function columns(onward: Onward): Map<string, number> {
  const waiting = new Map([...onward.keys()].map((key) => [key, 0]));
  for (const ways of onward.values()) for (const to of ways) waiting.set(to, (waiting.get(to) ?? 0) + 1);
  const column = new Map<string, number>();
  const ready = [...onward.keys()].filter((key) => waiting.get(key) === 0);
  for (const key of ready) column.set(key, 0);
  while (ready.length > 0) {
    const key = ready.shift() as string;
    for (const to of onward.get(key) ?? []) {
      column.set(to, Math.max(column.get(to) ?? 0, (column.get(key) ?? 0) + 1));
      const left = (waiting.get(to) ?? 1) - 1;
      waiting.set(to, left);
      if (left === 0) ready.push(to);
    }
  }
  return column;
}

const mean = (values: number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;

/** Fewer crossings: each column is put in the order of what its steps are joined to, there and back a few times. */
function ordered(layers: string[][], onward: Onward): void {
  const back = new Map<string, string[]>();
  for (const [key, ways] of onward) for (const to of ways) back.set(to, [...(back.get(to) ?? []), key]);
  const sweep = (layer: string[], near: string[], joined: Onward) => {
    const at = new Map(near.map((key, place) => [key, place]));
    const weight = new Map(
      layer.map((key, place) => {
        const places = (joined.get(key) ?? []).flatMap((one) => at.get(one) ?? []);
        return [key, places.length > 0 ? mean(places) : place];
      }),
    );
    layer.sort((one, other) => (weight.get(one) ?? 0) - (weight.get(other) ?? 0));
  };
  for (let pass = 0; pass < 4; pass += 1) {
    for (let at = 1; at < layers.length; at += 1) sweep(layers[at] as string[], layers[at - 1] as string[], back);
    if (pass === 3) break;
    for (let at = layers.length - 2; at >= 0; at -= 1) sweep(layers[at] as string[], layers[at + 1] as string[], onward);
  }
}

/** Places for all steps, from left to right: a small layered layout (Sugiyama, Tagawa and Toda 1981). */
export function arranged(definition: Definition, exitsOf: (step: Step) => string[]): Record<string, Place> {
  const onward = forward(definition, exitsOf);
  const column = columns(onward);
  const layers: string[][] = [];
  for (const step of definition.steps) (layers[column.get(step.key) ?? 0] ??= []).push(step.key);
  for (let at = 0; at < layers.length; at += 1) layers[at] ??= [];
  ordered(layers, onward);
  const all = new Map(definition.steps.map((step) => [step.key, step]));
  const tall = (key: string) => heightOf(exitsOf(all.get(key) as Step).length);
  const wish = new Map<string, number[]>();
  const places: Record<string, Place> = {};
  layers.forEach((layer, at) => {
    let free = Number.NEGATIVE_INFINITY;
    const wished = layer.map((key) => {
      const wishes = wish.get(key);
      return wishes ? mean(wishes) - tall(key) / 2 : null;
    });
    const put = layer.map((key, place) => {
      const y = Math.max(wished[place] ?? (Number.isFinite(free) ? free : 0), free);
      free = y + tall(key) + GAP;
      return y;
    });
    const known = wished.flatMap((one, place) => (one === null ? [] : [(put[place] as number) - one]));
    const shift = known.length > 0 ? mean(known) : 0;
    layer.forEach((key, place) => {
      const y = (put[place] as number) - shift;
      places[key] = [at * COLUMN, Math.round(y)];
      const step = all.get(key) as Step;
      const exits = exitsOf(step);
      for (const to of onward.get(key) ?? []) {
        const row = exits.findIndex((exit) => step.next[exit] === to);
        const from = exits.length > 1 && row >= 0 ? y + HEAD + ROW * (row + 0.5) : y + tall(key) / 2;
        wish.set(to, [...(wish.get(to) ?? []), from]);
      }
    });
  });
  const top = Math.min(0, ...Object.values(places).map(([, y]) => y));
  return Object.fromEntries(Object.entries(places).map(([key, [x, y]]) => [key, [x, y - top] as Place]));
}

/** Where every step stands: as its author put it, else where the layout would. */
export function placesOf(definition: Definition, exitsOf: (step: Step) => string[]): Record<string, Place> {
  const known = definition.canvas.places;
  if (definition.steps.every((step) => known[step.key])) return known;
  const found = arranged(definition, exitsOf);
  if (Object.keys(known).length === 0) return found;
  const bottom = Math.max(...Object.values(known).map(([, y]) => y)) + 160;
  return Object.fromEntries(definition.steps.map(({ key }) => [key, known[key] ?? [found[key]?.[0] ?? 0, (found[key]?.[1] ?? 0) + bottom]]));
}
