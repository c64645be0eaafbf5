import { describe, expect, it } from 'vitest';
import { copy, readClip } from './clip';
import { edited, type Edit } from './edit';
import { exitsOf, learnExits } from './exits';
import { freshKey, reached } from './graph';
import { begun, walked, type Past } from './history';
import { EMPTY, whole, type Definition, type Step } from './model';
import { sendable } from './sendable';

const step = (key: string, next: Step['next'] = {}, kind = 'wait', settings: Step['settings'] = {}): Step => ({ key, kind, settings, next, title: '' });
const line = whole({ start: 'a', steps: [step('a', { next: 'b' }), step('b', { next: 'c' }), step('c')] });
const all = (definition: Definition, ...edits: Edit[]) => edits.reduce(edited, definition);
const arrows = (definition: Definition) => definition.steps.flatMap((one) => Object.entries(one.next).map(([exit, to]) => `${one.key}.${exit}>${to}`));

describe('drawing', () => {
  it('the first step added is where the journey starts', () => {
    const drawn = edited(EMPTY, { do: 'add', step: { kind: 'wait', settings: { seconds: 60 } }, exits: ['next'], at: [10, 20] });
    expect(drawn.start).toBe('wait');
    expect(drawn.canvas.places.wait).toEqual([10, 20]);
  });

  it('a step added after another stands between it and what came next', () => {
    const drawn = edited(line, { do: 'add', step: { kind: 'condition', settings: {} }, exits: ['yes', 'no'], after: { key: 'a', exit: 'next' } });
    expect(arrows(drawn)).toEqual(['a.next>condition', 'b.next>c', 'condition.yes>b']);
  });

  it('a step added before the first becomes the first', () => {
    const drawn = edited(line, { do: 'add', step: { kind: 'gate', settings: {} }, exits: ['next'], after: { key: '', exit: 'next' } });
    expect([drawn.start, ...arrows(drawn)]).toEqual(['gate', 'a.next>b', 'b.next>c', 'gate.next>a']);
  });

  it('what led to a removed step leads to the one after it', () => {
    const drawn = edited(line, { do: 'remove', keys: ['b'] });
    expect(arrows(drawn)).toEqual(['a.next>c']);
    expect(edited(line, { do: 'remove', keys: ['a', 'b'] }).start).toBe('c');
  });

  it('a removed fork leaves its way open, and nothing names it any more', () => {
    const fork = whole({
      start: 'a',
      steps: [step('a', { next: 'f' }), step('f', { yes: 'b', no: 'c' }, 'condition'), step('b'), step('c')],
      canvas: { places: { f: [1, 1] }, groups: [{ title: '', steps: ['f'], color: '' }], comments: [] },
    });
    const drawn = edited(fork, { do: 'remove', keys: ['f'] });
    expect(arrows(drawn)).toEqual([]);
    expect(drawn.canvas).toEqual({ places: {}, groups: [], comments: [] });
  });

  it('a removed loop does not go round for ever', () => {
    const loop = whole({ start: 'a', steps: [step('a', { next: 'b' }), step('b', { next: 'a' })] });
    expect(edited(loop, { do: 'remove', keys: ['a', 'b'] }).steps).toEqual([]);
  });

  it('an exit is led elsewhere, or nowhere', () => {
    expect(arrows(edited(line, { do: 'connect', from: 'a', exit: 'next', to: 'c' }))).toEqual(['a.next>c', 'b.next>c']);
    expect(arrows(edited(line, { do: 'connect', from: 'a', exit: 'next', to: null }))).toEqual(['b.next>c']);
    expect(edited(line, { do: 'connect', from: '', exit: 'next', to: 'b' }).start).toBe('b');
    expect(edited(line, { do: 'connect', from: 'a', exit: 'next', to: 'nobody' })).toBe(line);
  });

  it('settings that take an exit away take its arrow along', () => {
    const split = whole({ start: 's', steps: [step('s', { a: 'x', b: 'y' }, 'split'), step('x'), step('y')] });
    expect(arrows(edited(split, { do: 'settings', key: 's', settings: { shares: { a: 1 } }, exits: ['a'] }))).toEqual(['s.a>x']);
  });

  it('another key is known to all who name the step', () => {
    const asks = whole({ start: 'm', steps: [step('m', { next: 'w' }, 'message'), step('w', {}, 'wait_answer', { step: 'm' })] });
    const drawn = edited(asks, { do: 'rekey', key: 'm', to: 'hello' });
    expect([drawn.start, drawn.steps[0]?.key, drawn.steps[1]?.settings.step]).toEqual(['hello', 'hello', 'hello']);
    expect(edited(asks, { do: 'rekey', key: 'm', to: 'w' })).toBe(asks);
  });

  it('a step is in one frame at a time', () => {
    const drawn = all(line, { do: 'group', keys: ['a', 'b'], title: 'one' }, { do: 'group', keys: ['b', 'c'], title: 'two' });
    expect(drawn.canvas.groups.map((one) => one.steps)).toEqual([['a'], ['b', 'c']]);
  });

  it('fresh keys are allowed ones', () => {
    expect(freshKey('Wait Event!', new Set())).toBe('wait_event_');
    expect(freshKey('wait', new Set(['wait', 'wait_2']))).toBe('wait_3');
    expect(freshKey('wait_2', new Set(['wait_2']))).toBe('wait_3');
    expect(freshKey('等待', new Set())).toBe('step');
  });

  it('what cannot be reached is known', () => {
    expect([...reached(whole({ start: 'a', steps: [step('a', { next: 'a' }), step('lost')] }))]).toEqual(['a']);
  });
});

describe('copy and paste', () => {
  const asks = whole({ start: 'm', steps: [step('m', { next: 'w' }, 'message'), step('w', { answered: 'z' }, 'wait_answer', { step: 'm' }), step('z')] });

  it('pasted steps have keys of their own and name each other by them', () => {
    const clip = readClip(JSON.stringify(copy(asks, ['m', 'w'], { m: [100, 100], w: [400, 150], z: [9, 9] })));
    const drawn = edited(asks, { do: 'paste', clip: clip!, at: [0, 0] });
    expect(arrows(drawn)).toEqual(['m.next>w', 'w.answered>z', 'm_2.next>w_2']);
    expect(drawn.steps.at(-1)?.settings.step).toBe('m_2');
    expect([drawn.canvas.places.m_2, drawn.canvas.places.w_2]).toEqual([[0, 0], [300, 50]]);
  });

  it('a journey begins with what is pasted first', () => {
    const drawn = edited(EMPTY, { do: 'paste', clip: copy(asks, ['w', 'z'], {}), at: [5, 5] });
    expect([drawn.start, ...arrows(drawn)]).toEqual(['w', 'w.answered>z']);
  });

  it('other texts are no steps', () => {
    for (const text of ['', 'hello', '{}', '[1]', 'null', '{"antiphon":"journey-steps","steps":[]}', '{"antiphon":"journey-steps","steps":[{"key":1}]}']) {
      expect(readClip(text)).toBeNull();
    }
  });
});

describe('undo and redo', () => {
  it('goes all the way back and all the way forth', () => {
    let state: Past = begun(EMPTY);
    for (let at = 0; at < 1000; at += 1) state = walked(state, { to: 'edit', edit: { do: 'add', step: { kind: 'wait', settings: {} }, exits: ['next'] }, at });
    const drawn = state.now;
    for (let at = 0; at < 1000; at += 1) state = walked(state, { to: 'undo' });
    expect(state.now).toBe(EMPTY);
    expect(walked(state, { to: 'undo' })).toBe(state);
    for (let at = 0; at < 1000; at += 1) state = walked(state, { to: 'redo' });
    expect(state.now).toBe(drawn);
    expect(walked(state, { to: 'redo' })).toBe(state);
  });

  it('takes the letters of a word back together, and another word by itself', () => {
    const typed = (state: Past, title: string, key: string, at: number) => walked(state, { to: 'edit', edit: { do: 'title', key, title }, at });
    let state = begun(line);
    state = typed(state, 'H', 'a', 0);
    state = typed(state, 'He', 'a', 100);
    state = typed(state, 'X', 'b', 150);
    state = typed(state, 'XY', 'b', 5000);
    expect(state.past.length).toBe(3);
  });

  it('an edit after undo forgets the way forth', () => {
    let state = walked(begun(line), { to: 'edit', edit: { do: 'remove', keys: ['c'] }, at: 0 });
    state = walked(walked(state, { to: 'undo' }), { to: 'edit', edit: { do: 'remove', keys: ['b'] }, at: 9 });
    expect(state.next).toEqual([]);
  });
});

describe('ways on', () => {
  it('of a kind of others are what the server says of its settings', () => {
    const kinds = new Map([['dice', { name: 'dice', group: 'branch', exits: ['next'], settings: {} }]]);
    const dice = step('roll', { six: 'x' }, 'dice', { sides: 2 });
    expect(exitsOf(dice, kinds)).toEqual(['next', 'six']);
    learnExits([dice], { roll: ['one', 'six'] });
    expect(exitsOf(dice, kinds)).toEqual(['one', 'six']);
    expect(exitsOf({ ...dice, settings: { sides: 2 }, next: {} }, kinds)).toEqual(['next']);
  });
});

describe('what is sent', () => {
  it('rules that are still being written stay here', () => {
    const writing = whole({
      entries: [{ kind: 'event', match: { event: '', kind: 'track', filters: [] }, fresh_seconds: 1 }, { kind: 'api' }, { kind: 'segment', segment_id: 0, when: 'entered', present: false }],
      exits: [{ reason: 'paid', event: { event: '', kind: 'track', filters: [] }, condition: null }],
      goal: { event: { event: 'Paid', kind: 'track', filters: [] }, condition: null, value: null, ends: true },
    });
    const sent = sendable(writing);
    expect([sent.entries.map((one) => one.kind), sent.exits, sent.goal?.event?.event]).toEqual([['api'], [], 'Paid']);
    expect(sendable({ ...writing, goal: { ...writing.goal!, event: { event: ' ', kind: 'track', filters: [] } } }).goal).toBeNull();
  });
});
