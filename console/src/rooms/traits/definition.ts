import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { useFormat } from '@/design/format';

export type Measured = Schema<'Measured'>;
export type Affinity = Schema<'Affinity'>;
export type Definition = Measured | Affinity;
export type MeasureName = Measured['measure'];
export type Source = Schema<'AffinitySource'>;

export const MEASURES: MeasureName[] = ['count', 'sum', 'average', 'least', 'greatest', 'first', 'last', 'distinct', 'most_frequent'];
export const NEW_MEASURE: Measured = { kind: 'measure', measure: 'count', event: '', where: [], property: null, days: null, default: null };
export const NEW_SOURCE: Source = { event: '', property: '', weight: 1, where: [] };
export const NEW_AFFINITY: Affinity = { kind: 'affinity', sources: [NEW_SOURCE], half_life_days: 90, top: 5 };

/** Whether a measure is of one of the event's properties: never, perhaps, or always. */
export function ofProperty(measure: MeasureName): 'never' | 'perhaps' | 'always' {
  if (measure === 'count') return 'never';
  return measure === 'first' || measure === 'last' ? 'perhaps' : 'always';
}

/** Measures whose value is a number have a number as their default; a text is the default of the others. */
export function isNumber(measure: MeasureName): boolean {
  return !['first', 'last', 'most_frequent'].includes(measure);
}

/** Whether enough is said for the server to try it. */
export function isWhole(definition: Definition): boolean {
  if (definition.kind === 'affinity') return definition.sources.every((one) => one.event !== '' && one.property !== '');
  return definition.event !== '' && (ofProperty(definition.measure) !== 'always' || Boolean(definition.property));
}

/** A definition in one line. */
export function useDefinitionTold(): (definition: Definition) => string {
  const { t } = useTranslation();
  const format = useFormat();
  return (definition) => {
    if (definition.kind === 'affinity') return t('traits.affinity_told', { events: format.list(definition.sources.map((one) => one.event)) });
    const what = definition.property ? `${definition.event}: ${definition.property}` : definition.event;
    const window = definition.days ? t('traits.days_told', { count: definition.days }) : t('traits.ever');
    return `${t(`traits.measure_${definition.measure}`)} · ${what} · ${window}`;
  };
}
