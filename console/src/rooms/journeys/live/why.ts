import { useTranslation } from 'react-i18next';
import { useFormat } from '@/design/format';
import { useJourneyOptions } from '../api';
import type { Definition } from '../model';
import { stepOf } from '../model';
import { useExitName } from '../told';
import { useReason } from './Outcomes';

interface Told {
  step: string;
  kind: string;
  did: string;
  how: string;
  facts: Record<string, unknown>;
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;

/** Each decision as a sentence in the reader's language: what happened, then the facts behind it. */
export function useLine(definition: Definition): (told: Told) => string {
  const { t } = useTranslation();
  const format = useFormat();
  const exitName = useExitName();
  const reason = useReason();
  const journeys = useJourneyOptions();
  const value = (given: unknown): string => {
    if (given === null || given === undefined || given === '') return '—';
    if (typeof given === 'boolean') return t(given ? 'common.yes' : 'common.no');
    if (typeof given === 'number') return format.number(given);
    if (typeof given === 'string') return INSTANT.test(given) ? format.dateTime(given) : given;
    return Array.isArray(given) ? format.list(given.map(value)) : JSON.stringify(given);
  };
  const fact = (name: string, given: unknown): string => {
    if (name.startsWith('trait:')) return t('journey_fact.trait', { name: name.slice('trait:'.length), value: value(given) });
    if (name === 'until' || name === 'move') return '';
    if (name === 'reason') return t('journey_fact.reason', { value: t(`reason.${String(given)}`, { defaultValue: t(`journey_fact.why.${String(given)}`, { defaultValue: t(`webhook_step.why.${String(given)}`, { defaultValue: String(given ?? '') }) }) }) });
    if (name === 'found' && typeof given === 'string') return t('journey_fact.found', { value: t(`state.${given}`, { defaultValue: value(given) }) });
    if (name === 'what') return t('journey_fact.what', { value: t(`state.${String(given)}`, { defaultValue: value(given) }) });
    if (name === 'channel' || name === 'wished') return given ? t(`journey_fact.${name}`, { value: t(`channel.${String(given)}`, { defaultValue: String(given) }) }) : '';
    if (name === 'clocks') return given ? t(`journey_fact.clocks_${String(given)}`, { defaultValue: value(given) }) : '';
    if (name === 'journey') return t('journey_fact.journey', { value: journeys.find((one) => one.id === given)?.name ?? `#${value(given)}` });
    return t(`journey_fact.${name}`, { value: value(given), defaultValue: `${name.replaceAll('_', ' ')}: ${value(given)}` });
  };
  return ({ step, did, how, facts }) => {
    const { until } = facts;
    const happened =
      how === 'rests'
        ? until
          ? t('journey_fact.rests_until', { when: value(until) })
          : t('journey_fact.rests')
        : how === 'left'
          ? t('journey_fact.left', { reason: reason(did) })
          : how === 'goal'
            ? t('journey_fact.goal')
            : how === 'moved'
              ? t(`journey_fact.moved_${did}`, { defaultValue: t('journey_fact.moved') }) + (until ? `, ${t('journey_fact.rests_until', { when: value(until) })}` : '')
              : t('journey_fact.went', { exit: exitName(did, stepOf(definition, step)) });
    const why = Object.entries(facts).map(([name, given]) => fact(name, given)).filter(Boolean);
    return why.length > 0 ? `${happened} (${why.join('; ')})` : happened;
  };
}
