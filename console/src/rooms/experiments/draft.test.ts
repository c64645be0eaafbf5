import { describe, expect, it } from 'vitest';
import { bodyOf, draftOf, keyFrom, lacking, NEW_DRAFT, NEW_METRIC, type Shown } from './draft';

const draft = { ...NEW_DRAFT, name: 'Greeting', key: 'greeting', metrics: [{ ...NEW_METRIC, name: 'Bought', event: 'Order' }] };

describe('a draft of an experiment', () => {
  it('comes back as it was told', () => {
    const body = bodyOf({ ...draft, metrics: [{ ...NEW_METRIC, kind: 'sum', name: 'Spend', event: 'Order', property: 'total', before_days: 14 }] });
    expect(bodyOf(draftOf({ key: 'greeting', design: body } as unknown as Shown))).toEqual(body);
  });
  it('tells nothing that its kinds do not have', () => {
    const [metric] = bodyOf({ ...draft, metrics: [{ ...NEW_METRIC, property: 'total', margin: 0.1 }] }).metrics ?? [];
    expect(metric).not.toHaveProperty('property');
    expect(metric?.margin).toBe(0);
  });
  it('says which step lacks something', () => {
    expect(lacking(draft)).toBeNull();
    expect(lacking({ ...draft, name: ' ' })).toBe(0);
    expect(lacking({ ...draft, arms: [draft.arms[0]!, draft.arms[0]!] })).toBe(0);
    expect(lacking({ ...draft, strata: { by: 'trait', trait: '' } })).toBe(1);
    expect(lacking({ ...draft, metrics: [{ ...NEW_METRIC, name: 'x', event: 'y', kind: 'mean' }] })).toBe(2);
  });
  it('makes keys of names', () => {
    expect(keyFrom('  2 Grüße, by name! ')).toBe('gru-e-by-name');
    expect(keyFrom('Привет')).toBe('');
  });
});
