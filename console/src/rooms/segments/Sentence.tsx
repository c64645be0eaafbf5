import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { useFormat, type Format } from '@/design/format';
import { conditionTold, span, windowTold } from './condition';
import { useNames, type Names } from './names';
import { isGroup } from './tree';
import type { Filter, Node, Operand, TraitCondition } from './types';

function told(value: Operand | null | undefined, t: TFunction, format: Format): string {
  if (value === null || value === undefined || value === '') return '…';
  if (typeof value === 'boolean') return value ? t('common.yes') : t('common.no');
  if (typeof value === 'number') return format.number(value);
  if (typeof value === 'object') return t(value.direction === 'ahead' ? 'segments.span_ahead' : 'segments.span_ago', { span: span(value, t, format) });
  return DATE.test(value) ? format.date(value) : INSTANT.test(value) ? format.dateTime(value) : value;
}

const DATE = /^\d{4}-\d\d-\d\d$/;
const INSTANT = /^\d{4}-\d\d-\d\dT/;
/** A date is before another and a number below it. */
const isTime = (value: Operand | null | undefined) => typeof value === 'object' ? value !== null : typeof value === 'string' && (DATE.test(value) || INSTANT.test(value));

function comparison(node: TraitCondition | Filter, name: string, t: TFunction, format: Format): string {
  const values = (node.values ?? []).map((one) => told(one, t, format));
  const { op } = node;
  if (op === 'set' || op === 'not_set') return `${name} ${t(`segments.op.${op}`)}`;
  const timed = isTime(node.value) || (node.values ?? []).some(isTime);
  const verb = timed && op in TIME_OPS ? t(`segments.time_op.${op as keyof typeof TIME_OPS}`) : t(`segments.op.${op}`);
  const right = op === 'between' ? `${values[0] ?? '…'} – ${values[1] ?? '…'}` : values.length > 0 ? values.join(', ') : told(node.value, t, format);
  return `${name} ${verb} ${right}`;
}

const TIME_OPS = { is: 1, is_not: 1, lt: 1, le: 1, gt: 1, ge: 1, between: 1 };

/** The tree as a sentence a colleague can read aloud. */
export function sentence(node: Node, t: TFunction, format: Format, names: Names = {}): string {
  switch (node.kind) {
    case 'and':
    case 'or': {
      if (node.of.length === 0) return t('segments.everyone');
      const parts = node.of.map((part) => {
        const inner = sentence(part, t, format, names);
        return isGroup(part) && part.of.length > 1 ? `(${inner})` : inner;
      });
      return parts.join(` ${t(`segments.joint_${node.kind}`)} `);
    }
    case 'not':
      return `${t('segments.excluded').toLowerCase()} (${sentence(node.of, t, format, names)})`;
    case 'trait':
      return comparison(node, node.trait || '…', t, format);
    case 'event': {
      const measure = (node.measure ?? 'count') === 'count' ? '' : `${t(`segments.measure_${node.measure}`)} ${node.property ?? ''}`;
      const number = node.op === 'did' || node.op === 'did_not' ? '' : format.number(node.value ?? 0);
      const high = node.op === 'between' ? `– ${format.number(node.high ?? 0)}` : '';
      const window = windowTold(node.window, t, format);
      const where = (node.where ?? []).map((one) => comparison(one, one.property || '…', t, format)).join(', ');
      const said = [node.name || '…', measure, t(`segments.event_op.${node.op}`), number, high, window];
      return [...said, where && `${t('segments.where')} ${where}`].filter(Boolean).join(' ');
    }
    case 'segment':
      return `${t('segments.in_segment')} ${names.segments?.[node.id] ?? `#${node.id}`}`;
    case 'profiles':
      return t('segments.listed', { count: node.ids.length, shown: format.number(node.ids.length) });
    default:
      return conditionTold(node, t, format, names);
  }
}

export function Sentence({ node }: { node: Node }) {
  const { t } = useTranslation();
  const format = useFormat();
  const names = useNames(node);
  return <>{sentence(node, t, format, names)}</>;
}
