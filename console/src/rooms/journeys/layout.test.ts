import { describe, expect, it } from 'vitest';
import { diffOf, isSame, suggestedMap } from './diff';
import { arranged, heightOf, placesOf, WIDTH } from './layout';
import { whole, type Definition, type Step } from './model';

const step = (key: string, next: Step['next'] = {}): Step => ({ key, kind: 'wait', settings: {}, next, title: '' });
const exits = (one: Step) => Object.keys(one.next);

function overlaps(definition: Definition): string[] {
  const places = arranged(definition, exits);
  const boxes = definition.steps.map((one) => ({ key: one.key, x: places[one.key]![0], y: places[one.key]![1], tall: heightOf(exits(one).length) }));
  return boxes.flatMap((one, at) =>
    boxes.slice(at + 1).filter((two) => Math.abs(one.x - two.x) < WIDTH && one.y < two.y + two.tall && two.y < one.y + one.tall).map((two) => `${one.key}/${two.key}`),
  );
}

describe('layout', () => {
  it('goes from left to right, and a join stands after all its branches', () => {
    const fork = whole({ start: 'a', steps: [step('a', { yes: 'b', no: 'd' }), step('b', { next: 'c' }), step('c', { next: 'd' }), step('d')] });
    const places = arranged(fork, exits);
    const x = (key: string) => places[key]![0];
    expect(x('a') < x('b') && x('b') < x('c') && x('c') < x('d')).toBe(true);
  });

  it('never puts one step on another, whatever the graph', () => {
    let seed = 7;
    const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
    for (let round = 0; round < 60; round += 1) {
      const size = 1 + random(40);
      const steps = Array.from({ length: size }, (_, at) => step(`s${at}`, Object.fromEntries(Array.from({ length: random(4) }, (__, exit) => [`e${exit}`, `s${random(size)}`]))));
      const drawn = whole({ start: 's0', steps });
      expect(overlaps(drawn)).toEqual([]);
      expect(Object.keys(arranged(drawn, exits)).length).toBe(size);
    }
  });

  it('loops and lost steps have a place too', () => {
    const odd = whole({ start: 'a', steps: [step('a', { next: 'b' }), step('b', { again: 'a', done: 'b' }), step('lost', { next: 'lost' })] });
    expect(Object.keys(arranged(odd, exits)).sort()).toEqual(['a', 'b', 'lost']);
  });

  it('leaves where they are the steps somebody has put', () => {
    const put = whole({ start: 'a', steps: [step('a', { next: 'b' }), step('b')], canvas: { places: { a: [7, 9] }, groups: [], comments: [] } });
    expect(placesOf(put, exits).a).toEqual([7, 9]);
    expect(placesOf(put, exits).b![1]).toBeGreaterThan(9);
  });
});

describe('what an edit did', () => {
  const before = whole({ start: 'a', steps: [step('a', { next: 'b' }), step('b', { next: 'c' }), step('c')] });

  it('tells added, changed and removed steps, and parts of the journey', () => {
    const after = whole({ ...before, holdout_percent: 5, steps: [step('a', { next: 'd' }), { ...step('c'), settings: { seconds: 5 } }, step('d')] });
    const diff = diffOf(before, after);
    expect(diff.steps.map((one) => `${one.key} ${one.change} ${[...one.what.settings, ...one.what.exits].join()}`)).toEqual(['a changed next', 'c changed seconds', 'd added ', 'b removed ']);
    expect(diff.parts).toEqual(['holdout_percent']);
  });

  it('how it is drawn and in which order names are written is no change', () => {
    const drawn = whole({ ...before, again: { at_once: 1, key: [], rule: 'once', period_seconds: null }, canvas: { places: { a: [1, 2] }, groups: [], comments: [] } });
    expect(isSame(diffOf(before, drawn))).toBe(true);
  });

  it('people at a step that is gone are offered the next one that is left', () => {
    const after = whole({ start: 'a', steps: [step('a', { next: 'c' }), step('c')] });
    expect(suggestedMap(before, after)).toEqual({ a: 'a', b: 'c', c: 'c' });
    expect(suggestedMap(before, whole({ start: 'a', steps: [step('a')] }))).toEqual({ a: 'a', b: null, c: null });
  });
});
