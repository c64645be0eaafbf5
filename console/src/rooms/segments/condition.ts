import type { TFunction } from 'i18next';
import type { Format } from '@/design/format';
import type { Node, Window } from './types';

type Span = { amount: number; unit: 'minutes' | 'hours' | 'days' | 'weeks' };
type Compared = { op?: string; value?: number | null; high?: number | null };
/** Conditions beyond traits and counted events. */
export type Condition = Exclude<Node, { kind: 'and' | 'or' | 'not' | 'trait' | 'event' | 'segment' | 'profiles' }>;
type Steps = Extract<Condition, { kind: 'sequence' }>;

const span = (one: Span, t: TFunction, format: Format) => `${format.number(one.amount)} ${t(`segments.unit_${one.unit}`)}`;

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
    case 'calendar': {
      const said = { period: t(`condition.period.${window.period}`), zone: window.zone ?? 'UTC' };
      return window.which === 'last' ? t('condition.window.previous', said) : t('condition.window.this', said);
    }
    case 'since_event':
      return t(window.which === 'first' ? 'condition.window.since_first' : 'condition.window.since_last', { name: window.name });
    default:
      return '';
  }
}

function compared(node: Compared, t: TFunction, format: Format): string {
  const op = (node.op ?? 'did') as 'did' | 'did_not' | 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'between';
  const number = op === 'did' || op === 'did_not' ? '' : format.number(node.value ?? 0);
  return [t(`segments.event_op.${op}`), number, op === 'between' ? `– ${format.number(node.high ?? 0)}` : ''].filter(Boolean).join(' ');
}

function steps(node: Steps, t: TFunction, format: Format): string {
  const said = node.steps.map((step, i) => {
    const joint = i === 0 ? '' : step.absent ? t('condition.not_then') : t('condition.then');
    const least = step.at_least ? t('condition.gap_least', { span: span(step.at_least, t, format) }) : '';
    const most = step.at_most ? t('condition.gap_most', { span: span(step.at_most, t, format) }) : '';
    return [joint, step.name, least, most].filter(Boolean).join(' ');
  });
  const whole = node.at_most ? t('condition.whole', { span: span(node.at_most, t, format) }) : '';
  return [said.join(', '), whole, windowTold(node.window, t, format)].filter(Boolean).join(', ');
}

/** One such condition as words in the reader's language. */
export function conditionTold(node: Condition, t: TFunction, format: Format): string {
  switch (node.kind) {
    case 'age':
    case 'length':
      return t(`condition.${node.kind}`, { trait: node.trait, is: compared(node, t, format) });
    case 'anniversary': {
      const [begin, end] = [node.begin ?? 0, node.end ?? 0];
      if (begin === 0 && end === 0) return t('condition.anniversary_today', { trait: node.trait });
      return t('condition.anniversary', { trait: node.trait, begin: format.number(begin), end: format.number(end) });
    }
    case 'near': {
      const place = `${node.place.latitude}, ${node.place.longitude}`;
      return t(node.op === 'beyond' ? 'condition.near_beyond' : 'condition.near_within', { place, metres: format.number(node.metres) });
    }
    case 'share':
      return t('condition.share', { salt: node.salt, begin: format.number(node.begin ?? 0), end: format.number(node.end ?? 100) });
    case 'consent':
      return t('condition.consent', { state: t(`condition.state.${node.state ?? 'granted'}`), topic: node.topic, channel: node.channel });
    case 'reachable':
      return t(node.topic ? 'condition.reachable_about' : 'condition.reachable', { topic: node.topic, channel: node.channel });
    case 'event_time':
      return `${t(node.which === 'first' ? 'condition.time_first' : 'condition.time_last', { name: node.name })} ${windowTold(node.window, t, format)}`;
    case 'sequence':
      return steps(node, t, format);
    case 'engagement': {
      const what = t('condition.engagement', { did: t(`condition.did.${node.did}`), channel: node.channel });
      const campaign = node.campaign_id ? t('condition.campaign', { id: node.campaign_id }) : '';
      const template = node.template_id ? t('condition.template', { id: node.template_id }) : '';
      return [what, campaign, template, compared(node, t, format), windowTold(node.window, t, format)].filter(Boolean).join(' ');
    }
    case 'lookalike':
      return t('condition.lookalike', { id: node.id, percent: format.number(node.percent) });
  }
}
