import { describe, expect, it } from 'vitest';
import { NEW_PLAN } from '../plan';
import { fitting, freshArm, metricsOf, NEW_CHOICE } from './arms';

describe('arms of a campaign', () => {
  it('have letters of their own', () => {
    expect(freshArm([]).key).toBe('a');
    expect(freshArm(['a', 'c']).key).toBe('b');
  });

  it('are chosen by what is followed', () => {
    expect(metricsOf({ ...NEW_PLAN, track_opens: false })).toEqual(['clicked', 'replied']);
    expect(metricsOf({ ...NEW_PLAN, track_clicks: false, goal: { event: 'Bought' } as never })).toEqual(['opened', 'replied', 'converted']);
  });

  it('a choice follows a plan that changes', () => {
    const arm_choice = { ...NEW_CHOICE, percent: 20, metric: 'converted' as const };
    expect(fitting({ ...NEW_PLAN, arm_choice }).arm_choice).toMatchObject({ metric: 'opened', percent: 20 });
    expect(fitting({ ...NEW_PLAN, arm_choice, kind: 'recurring', goal: { event: 'Bought' } as never }).arm_choice).toMatchObject({ metric: 'converted', percent: 100 });
    expect(fitting({ ...NEW_PLAN, local_at: '2026-06-01T12:00', arm_choice }).arm_choice).toMatchObject({ percent: 100 });
    expect(fitting(NEW_PLAN)).toBe(NEW_PLAN);
  });
});
