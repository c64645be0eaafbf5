import type { TFunction } from 'i18next';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat, type Format } from '@/design/format';
import { conditionTold, windowTold } from './condition';
import { useSegmentList } from './SegmentPicker';
import type { Filter, Node, Operand, TraitCondition } from './types';

function told(value: Operand | null | undefined, t: TFunction, format: Format): string {
  if (value === null || value === undefined) return '…';
  if (typeof value === 'boolean') return value ? t('common.yes') : t('common.no');
  if (typeof value === 'number') return format.number(value);
  if (typeof value === 'object') {
    const span = `${format.number(value.amount)} ${t(`segments.unit_${value.unit}`)}`;
    return t(value.direction === 'ahead' ? 'segments.span_ahead' : 'segments.span_ago', { span });
  }
  return value;
}

function comparison(node: TraitCondition | Filter, name: string, t: TFunction, format: Format): string {
  const values = (node.values ?? []).map((one) => told(one, t, format));
  const right = ['set', 'not_set'].includes(node.op) ? '' : values.length > 0 ? values.join(', ') : told(node.value, t, format);
  return [name, t(`segments.op.${node.op}`), right].filter(Boolean).join(' ');
}

/** What segments are called, by id. */
export type SegmentNames = Partial<Record<string, string>>;

/** The names of segments, which the pickers ask for as well. */
export function useSegmentNames(): SegmentNames {
  const list = useSegmentList();
  return useMemo(() => Object.fromEntries(list.map((one) => [one.id, one.name])), [list]);
}

/** The tree as a sentence a colleague can read aloud. */
export function sentence(node: Node, t: TFunction, format: Format, names: SegmentNames = {}): string {
  switch (node.kind) {
    case 'and':
    case 'or': {
      if (node.of.length === 0) return t('segments.everyone');
      const parts = node.of.map((part) => {
        const inner = sentence(part, t, format, names);
        return (part.kind === 'and' || part.kind === 'or') && part.of.length > 1 ? `(${inner})` : inner;
      });
      return parts.join(` ${t(`segments.joint_${node.kind}`)} `);
    }
    case 'not':
      return `${t('segments.excluded').toLowerCase()} (${sentence(node.of, t, format, names)})`;
    case 'trait':
      return comparison(node, node.trait, t, format);
    case 'event': {
      const measure = node.measure === 'count' ? '' : `${t(`segments.measure_${node.measure}`)} ${node.property ?? ''}`;
      const number = node.op === 'did' || node.op === 'did_not' ? '' : format.number(node.value ?? 0);
      const high = node.op === 'between' ? `– ${format.number(node.high ?? 0)}` : '';
      const window = windowTold(node.window, t, format);
      const where = (node.where ?? []).map((one) => comparison(one, one.property, t, format)).join(', ');
      const said = [node.name, measure, t(`segments.event_op.${node.op}`), number, high, window];
      return [...said, where && `${t('segments.where')} ${where}`].filter(Boolean).join(' ');
    }
    case 'segment':
      return `${t('segments.in_segment')} ${names[node.id] ?? `#${node.id}`}`;
    case 'profiles':
      return t('segments.listed', { count: node.ids.length, shown: format.number(node.ids.length) });
    default:
      return conditionTold(node, t, format);
  }
}

export function Sentence({ node }: { node: Node }) {
  const { t } = useTranslation();
  const format = useFormat();
  const names = useSegmentNames();
  return <>{sentence(node, t, format, names)}</>;
}
