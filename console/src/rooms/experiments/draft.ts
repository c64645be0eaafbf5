import type { Schema } from '@/api/client';
import type { Filter } from '../segments/types';

export type Shown = Schema<'ExperimentShown'>;
export type Results = Schema<'ExperimentResults'>;
export type MetricResult = Schema<'MetricResult'>;
export type Comparison = Schema<'Comparison'>;
export type Strata = NonNullable<Schema<'DesignBody'>['strata']>;
export type Kind = 'conversion' | 'count' | 'sum' | 'mean';

export interface MetricDraft {
  kind: Kind;
  name: string;
  event: string;
  where: Filter[];
  property: string;
  within_hours: number;
  before_days: number;
  role: 'primary' | 'secondary' | 'guardrail';
  good: 'up' | 'down';
  margin: number;
}

export interface Draft {
  key: string;
  name: string;
  description: string;
  arms: { key: string; title: string; weight: number }[];
  percent: number;
  strata: Strata | null;
  layer: string | null;
  metrics: MetricDraft[];
  alpha: number;
  method: 'sequential' | 'fixed';
  correction: 'bonferroni' | 'none';
  planned: number | null;
}

export const NEW_METRIC: MetricDraft = {
  kind: 'conversion', name: '', event: '', where: [], property: '', within_hours: 168, before_days: 0, role: 'primary', good: 'up', margin: 0,
};

export const NEW_DRAFT: Draft = {
  key: '', name: '', description: '', arms: [{ key: 'control', title: '', weight: 1 }, { key: 'new', title: '', weight: 1 }], percent: 100, strata: null,
  layer: null, metrics: [NEW_METRIC], alpha: 0.05, method: 'sequential', correction: 'bonferroni', planned: null,
};

export const takesProperty = (kind: Kind): boolean => kind === 'sum' || kind === 'mean';

/** What an experiment's parts were, as the form holds them. */
export function draftOf({ key, design }: Shown): Draft {
  const metrics = (design.metrics ?? []).map((one) => ({ ...NEW_METRIC, ...one, where: (one.where ?? []) as Filter[] }) as MetricDraft);
  const arms = design.arms.map((arm) => ({ key: arm.key, title: arm.title ?? '', weight: arm.weight ?? 1 }));
  return { ...NEW_DRAFT, ...design, strata: design.strata ?? null, layer: design.layer ?? null, planned: design.planned ?? null, key, arms, metrics };
}

/** What the server is told. */
export function bodyOf({ key: _key, metrics, ...draft }: Draft): Schema<'DesignBody'> {
  return { ...draft, metrics: metrics.map(metricOf) };
}

export function metricOf({ property, before_days, margin, ...one }: MetricDraft): NonNullable<Schema<'DesignBody'>['metrics']>[number] {
  const made = { ...one, before_days: one.kind === 'mean' ? 0 : before_days, margin: one.role === 'guardrail' ? margin : 0 };
  return (takesProperty(one.kind) ? { ...made, property } : made) as NonNullable<Schema<'DesignBody'>['metrics']>[number];
}

/** A key out of a name: what is Latin of it, small, joined by lines. */
export function keyFrom(name: string): string {
  return name.normalize('NFKD').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^[^a-z]+|-+$/g, '').slice(0, 60);
}

/** The first step that lacks something, or null. */
export function lacking(draft: Draft): number | null {
  const keys = draft.arms.map((arm) => arm.key);
  if (!draft.name.trim() || !/^[a-z][a-z0-9_-]*$/.test(draft.key) || new Set(keys).size < keys.length || keys.some((key) => !/^[a-z][a-z0-9_-]*$/.test(key))) return 0;
  if (draft.percent <= 0 || (draft.strata?.by === 'trait' && !draft.strata.trait) || (draft.strata?.by === 'segments' && draft.strata.ids.length === 0)) return 1;
  if (draft.metrics.some((one) => !one.name.trim() || !one.event || (takesProperty(one.kind) && !one.property))) return 2;
  return null;
}
