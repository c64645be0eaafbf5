import { useTranslation } from 'react-i18next';
import { useCallback, useMemo } from 'react';
import { useSpan } from '@/design/DurationInput';
import { useFormat } from '@/design/format';
import { useChannelTitle } from '../channels/vocabulary';
import { useNames } from '../segments/names';
import { sentence } from '../segments/Sentence';
import { useExperimentOptions, useJourneyOptions } from './api';
import type { Node } from '../segments/types';
import type { Definition, EventMatch, Settings, Step } from './model';
import { START, stepOf } from './model';

/** What a kind of step is called; another's kinds by their own names. */
export function useKindName(): (kind: string) => string {
  const { t } = useTranslation();
  return useCallback((kind) => t(`steps.kind.${kind}`, { defaultValue: kind.replaceAll('_', ' ') }), [t]);
}

/** What an exit is called: a word of ours, or the name its author gave it. */
export function useExitName(): (exit: string, step?: Step) => string {
  const { t } = useTranslation();
  const channel = useChannelTitle();
  const experiments = useExperimentOptions();
  return useCallback(
    (exit, step) => {
      if (step?.kind === 'channel' && exit !== 'none') return channel(exit);
      if (step?.kind === 'experiment' && exit !== 'none') return experiments.find((one) => one.key === step.settings.experiment)?.titles[exit] || exit;
      const arms = (step?.settings.arms ?? step?.settings.parts) as { key?: string; title?: string }[] | undefined;
      const title = Array.isArray(arms) ? arms.find((one) => one?.key === exit)?.title : undefined;
      return title || t(`steps.exit.${exit}`, { defaultValue: exit.replaceAll('_', ' ') });
    },
    [t, channel, experiments],
  );
}

/** What a step is called: as its author titled it, else by its kind. */
export function useStepName(definition: Definition): (key: string) => string {
  const { t } = useTranslation();
  const kindName = useKindName();
  return useCallback(
    (key) => {
      if (key === START || key === '-start') return t('journeys.entrance');
      const step = stepOf(definition, key);
      if (!step) return key;
      if (step.title) return step.title;
      const twins = definition.steps.filter((one) => one.kind === step.kind && !one.title);
      const name = kindName(step.kind);
      return twins.length > 1 ? `${name} (${key})` : name;
    },
    [definition, t, kindName],
  );
}

const text = (value: unknown): string => (typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '');
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** What a step does, in a line. */
export function useSummary(definition: Definition): (step: Step) => string {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const span = useSpan();
  const channel = useChannelTitle();
  const names = useNames();
  const stepName = useStepName(definition);
  const journeys = useJourneyOptions();
  const experiments = useExperimentOptions();
  return useMemo(() => {
    const journey = (s: Settings) => journeys.find((one) => one.id === s.journey_id)?.name ?? '';
    const day = (one: unknown) => new Intl.DateTimeFormat(i18n.language, { weekday: 'short', timeZone: 'UTC' }).format(new Date(Date.UTC(2024, 0, Number(one))));
    const segment = (id: unknown) => names.segments?.[Number(id)] ?? (id ? `#${text(id)}` : '…');
    const tree = (node: unknown) => (node ? sentence(node as Node, t, format, names) : '');
    const told: Record<string, (s: Settings) => string> = {
      wait: (s) => (typeof s.seconds === 'number' ? span(s.seconds) : ''),
      wait_until: (s) => {
        if (typeof s.date === 'string') return format.dateTime(s.date);
        const days = Number(s.offset_days ?? 0);
        return days === 0 ? text(s.trait) : t(days > 0 ? 'steps.days_after' : 'steps.days_before', { count: Math.abs(days), trait: text(s.trait) || '…' });
      },
      wait_time: (s) => [[text(s.since), text(s.until)].filter(Boolean).join(' – '), list(s.days).length > 0 && list(s.days).length < 7 ? list(s.days).map(day).join(', ') : ''].filter(Boolean).join(' · '),
      wait_event: (s) => {
        const event = (s.match as EventMatch | undefined)?.event ?? '';
        return typeof s.timeout_seconds === 'number' ? t('steps.at_most', { what: event || '…', span: span(s.timeout_seconds) }) : event;
      },
      wait_answer: (s) => {
        const what = t(`state.${text(s.what) || 'replied'}`);
        return typeof s.timeout_seconds === 'number' ? t('steps.at_most', { what, span: span(s.timeout_seconds) }) : what;
      },
      condition: (s) => tree(s.condition),
      in_segment: (s) => segment(s.segment_id),
      engagement: (s) => [text(s.step) && stepName(text(s.step)), t(`state.${text(s.what) || 'opened'}`)].filter(Boolean).join(': '),
      message: (s) => [text(s.channel) ? channel(text(s.channel)) : '', text((s.content as Record<string, unknown> | undefined)?.subject ?? (s.content as Record<string, unknown> | undefined)?.text)].filter(Boolean).join(' · '),
      set_trait: (s) => Object.keys((s.traits ?? {}) as object).join(', '),
      tag: (s) => [...list(s.add).map((one) => `+${text(one)}`), ...list(s.remove).map((one) => `−${text(one)}`)].join(' ') || text(s.trait),
      subscribe: (s) => [text(s.channel) && channel(text(s.channel)), text(s.topic)].filter(Boolean).join(' · '),
      webhook: (s) => text(s.url).replace(/^https?:\/\//, ''),
      raise_event: (s) => text(s.event),
      experiment: (s) => experiments.find((one) => one.key === s.experiment)?.name ?? text(s.experiment),
      jump: journey,
      start_journey: journey,
      stop_journey: journey,
      gate: (s) => (s.most ? t('steps.gate', { most: format.number(Number(s.most)), span: span(Number(s.seconds ?? 0)) }) : ''),
      loop: (s) => (s.times ? t('steps.times', { count: Number(s.times) }) : ''),
      split: (s) => {
        const parts = list(s.parts) as { share?: number }[];
        const sum = parts.reduce((all, one) => all + Number(one.share ?? 0), 0);
        return parts.map((one) => format.percent(Number(one.share ?? 0), sum)).join(' / ');
      },
      channel: (s) => t(`steps.how.${text(s.how) || 'preferred'}`),
      dialogue: (s) => list(s.words).map(text).join(', ') || (text(s.channel) && channel(text(s.channel))),
      end: (s) => (text(s.reason) === 'finished' ? '' : text(s.reason).replaceAll('_', ' ')),
      holdout: (s) => (s.percent ? format.percent(Number(s.percent), 100) : ''),
    };
    return (step: Step) => told[step.kind]?.(step.settings) ?? '';
  }, [t, i18n.language, format, span, channel, names, stepName, journeys, experiments]);
}

/** The ways in, in words. */
export function useEntries(definition: Definition): string[] {
  const { t } = useTranslation();
  const names = useNames();
  return definition.entries.map((entry) => {
    switch (entry.kind) {
      case 'segment':
        return t(`journeys.entry_segment_${entry.when ?? 'entered'}`, { segment: names.segments?.[entry.segment_id] ?? `#${entry.segment_id}` });
      case 'event':
        return t('journeys.entry_event_told', { event: entry.match.event || '…' });
      case 'schedule':
        return t('journeys.entry_schedule_told', { segment: names.segments?.[entry.segment_id] ?? `#${entry.segment_id}` });
      case 'api':
        return t('journeys.entry_api');
      case 'import':
        return entry.source ? t('journeys.entry_import_of', { source: entry.source }) : t('journeys.entry_import');
    }
  });
}
