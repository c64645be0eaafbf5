import type { TFunction } from 'i18next';
import type { Format } from '@/design/format';
import type { Names } from './names';
import type { Node, Span, Window } from './types';

type Compared = { op?: string; value?: number | null; high?: number | null };
/** Conditions beyond traits and counted events. */
export type Condition = Exclude<Node, { kind: 'and' | 'or' | 'not' | 'trait' | 'event' | 'segment' | 'profiles' }>;
type Steps = Extract<Condition, { kind: 'sequence' }>;

/** A length of time in words: "1 day", "3 weeks". */
export const span = (one: Span, t: TFunction, format: Format): string =>
  t(`condition.span.${one.unit}`, { count: one.amount, shown: format.number(one.amount) });

const channelTold = (channel: string, t: TFunction) => t(`channel.${channel}`, { defaultValue: channel }) || '…';

/** When events count, in words. */
export function windowTold(window: Window | null | undefined, t: TFunction, format: Format): string {
  switch (window?.kind) {
    case 'last':
      return t('condition.window.last', { span: span(window, t, format) });
    case 'ago': {
      const begin = window.begin ? span(window.begin, t, format) : '';
      const end = window.end?.amount ? span(window.end, t, format) : '';
      if (begin && end) return t('condition.window.ago', { begin, end });
      return begin ? t('condition.window.ago_begin', { begin }) : t('condition.window.ago_end', { end });
    }
    case 'dates': {
      const [since, until] = [window.since, window.until].map((at) => (at ? format.dateTime(at) : ''));
      if (since && until) return t('condition.window.dates', { since, until });
      if (since) return t('condition.window.since', { since });
      return until ? t('condition.window.until', { until }) : t('condition.window.ever');
    }
    case 'calendar':
      return t('condition.window.calendar', { period: t(`build.${window.which ?? 'this'}_${window.period}`), zone: window.zone ?? 'UTC' });
    case 'since_event':
      return t(window.which === 'first' ? 'condition.window.since_first' : 'condition.window.since_last', { name: window.name || '…' });
    default:
      return '';
  }
}

function compared(node: Compared, t: TFunction, format: Format): string {
  const op = (node.op ?? 'did') as 'did' | 'did_not' | 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'between';
  const told = (value?: number | null) => (value === null || value === undefined ? '…' : format.number(value));
  if (op === 'did' || op === 'did_not') return t(`segments.event_op.${op}`);
  return [t(`segments.event_op.${op}`), op === 'between' ? `${told(node.value)} – ${told(node.high)}` : told(node.value)].join(' ');
}

function steps(node: Steps, t: TFunction, format: Format): string {
  const said = node.steps.map((step, i) => {
    const joint = i === 0 ? '' : step.absent ? t('condition.not_then') : t('condition.then');
    const least = step.at_least ? t('condition.gap_least', { span: span(step.at_least, t, format) }) : '';
    const most = step.at_most ? t('condition.gap_most', { span: span(step.at_most, t, format) }) : '';
    return [joint, step.name || '…', least, most].filter(Boolean).join(' ');
  });
  const whole = node.at_most ? t('condition.whole', { span: span(node.at_most, t, format) }) : '';
  return [said.join(', '), whole, windowTold(node.window, t, format)].filter(Boolean).join(', ');
}

/** One such condition as words in the reader's language. */
export function conditionTold(node: Condition, t: TFunction, format: Format, names: Names = {}): string {
  switch (node.kind) {
    case 'age':
      return t('condition.age', { trait: node.trait || '…', is: t('condition.years', { is: compared(node, t, format) }) });
    case 'length':
      return t('condition.length', { trait: node.trait || '…', is: compared(node, t, format) });
    case 'anniversary': {
      const [begin, end, trait] = [node.begin ?? 0, node.end ?? 0, node.trait || '…'];
      const days = (count: number) => ({ trait, count, shown: format.number(count) });
      if (begin === 0 && end === 0) return t('condition.anniversary_today', { trait });
      if (begin === 0) return t('condition.anniversary_next', days(end));
      if (end === -1) return t('condition.anniversary_past', days(-begin));
      if (begin === end && end > 0) return t('condition.anniversary_exactly', days(end));
      return t('condition.anniversary', { trait, begin: format.number(begin), end: format.number(end) });
    }
    case 'near': {
      const known = Number.isFinite(node.place.latitude) && Number.isFinite(node.place.longitude);
      const place = known ? `${node.place.latitude}, ${node.place.longitude}` : '…';
      const far = node.metres >= 1000;
      const distance = t(far ? 'condition.km' : 'condition.m', { shown: Number.isFinite(node.metres) ? format.number(far ? node.metres / 1000 : node.metres) : '…' });
      return t(node.op === 'beyond' ? 'condition.near_beyond' : 'condition.near_within', { place, distance });
    }
    case 'share':
      return t('condition.share', { salt: node.salt || '…', begin: format.number(node.begin ?? 0), end: format.number(node.end ?? 100) });
    case 'consent':
      return t('condition.consent', { state: t(`condition.state.${node.state ?? 'granted'}`), topic: node.topic || '…', channel: channelTold(node.channel, t) });
    case 'reachable':
      return t(node.topic ? 'condition.reachable_about' : 'condition.reachable', { topic: node.topic, channel: channelTold(node.channel, t) });
    case 'event_time':
      return `${t(node.which === 'first' ? 'condition.time_first' : 'condition.time_last', { name: node.name || '…' })} ${windowTold(node.window, t, format)}`;
    case 'sequence':
      return steps(node, t, format);
    case 'engagement': {
      const op = node.op ?? 'did';
      const did = t(op === 'did_not' ? `condition.did_not.${node.did}` : `condition.did.${node.did}`);
      const what = t('condition.engagement', { did, channel: channelTold(node.channel, t) });
      const often = op === 'did' || op === 'did_not' ? '' : t('condition.times', { is: compared(node, t, format) });
      const campaign = node.campaign_id ? t('condition.campaign', { name: names.campaigns?.[node.campaign_id] ?? `#${node.campaign_id}` }) : '';
      const template = node.template_id ? t('condition.template', { name: names.templates?.[node.template_id] ?? `#${node.template_id}` }) : '';
      return [what, often, campaign, template, windowTold(node.window, t, format)].filter(Boolean).join(' ');
    }
    case 'lookalike':
      return t('condition.lookalike', { name: names.segments?.[node.id] ?? `#${node.id}`, percent: format.number(node.percent) });
  }
}
