import { Autocomplete, Group, NumberInput, Select, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { unitBeside } from '@/design/DurationInput';
import { UNITS } from '../tree';
import type { CompareOp, Span, TraitType, Unit } from '../types';
import { useCatalogue, useTraitNames } from '../vocabulary';
import styles from './builder.module.css';

/** The words between the inputs of a condition. */
export function Said({ children }: { children: ReactNode }) {
  return <Text size="sm" component="span" className={styles.kind}>{children}</Text>;
}

interface PickProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  error?: boolean;
  w?: number;
}

/** Chooses a trait of one of the given types. */
export function TraitPick({ label, value, onChange, error, w = 180, types }: PickProps & { types: TraitType[] }) {
  const { t } = useTranslation();
  const names = useTraitNames(types);
  return (
    <Select
      aria-label={label}
      placeholder={t('segments.pick_trait')}
      w={w}
      searchable
      error={error}
      data={value && !names.includes(value) ? [value, ...names] : names}
      value={value || null}
      onChange={(picked) => onChange(picked ?? '')}
      nothingFoundMessage={t('segments.no_traits')}
    />
  );
}

/** The name of an event: one that was seen, or one that is still to come. */
export function EventPick({ label, value, onChange, error, w = 190 }: PickProps) {
  const { t } = useTranslation();
  return (
    <Autocomplete
      aria-label={label}
      placeholder={t('segments.pick_event')}
      w={w}
      error={error}
      data={useCatalogue().events.map((one) => one.name)}
      value={value}
      onChange={onChange}
    />
  );
}

/** Chooses a channel by the name people know it by. */
export function ChannelPick({ label, value, onChange, error, w = 140 }: PickProps) {
  const { t } = useTranslation();
  const known = useCatalogue().channels;
  const data = (value && !known.includes(value) ? [value, ...known] : known).map((one) => ({ value: one, label: t(`channel.${one}`, one) }));
  return <Select aria-label={label} w={w} error={error} allowDeselect={false} data={data} value={value || null} onChange={(picked) => onChange(picked ?? '')} />;
}

/** Chooses a topic; of none, where that means something. */
export function TopicPick({ label, value, onChange, error, w = 160, none }: PickProps & { none?: string }) {
  const { t } = useTranslation();
  const known = useCatalogue().topics;
  const names = value && !known.includes(value) ? [value, ...known] : known;
  const data = [...(none ? [{ value: '', label: none }] : []), ...names.map((one) => ({ value: one, label: one }))];
  return (
    <Select
      aria-label={label}
      placeholder={t('build.pick_topic')}
      w={w}
      error={error}
      allowDeselect={false}
      nothingFoundMessage={t('build.no_topics')}
      data={data}
      value={none ? value : value || null}
      onChange={(picked) => onChange(picked ?? '')}
    />
  );
}

interface NumberPickProps {
  label: string;
  value: number | null | undefined;
  onChange: (value: number | null) => void;
  w?: number;
  min?: number;
  max?: number;
  suffix?: string;
  decimals?: number;
  error?: boolean;
}

/** A number, or nothing yet. */
export function NumberPick({ label, value, onChange, w = 64, min = 0, max, suffix, decimals = 0, error }: NumberPickProps) {
  return (
    <NumberInput
      aria-label={label}
      w={w}
      min={min}
      max={max}
      error={error}
      hideControls
      suffix={suffix}
      decimalScale={decimals}
      value={value === null || value === undefined || Number.isNaN(value) ? '' : value}
      onChange={(typed) => onChange(typeof typed === 'number' ? typed : null)}
    />
  );
}

interface SpanInputProps {
  label: string;
  value: Span;
  onChange: (span: Span) => void;
  error?: boolean;
}

/** A length of time: an amount and its unit. */
export function SpanInput({ label, value, onChange, error }: SpanInputProps) {
  const { t } = useTranslation();
  return (
    <Group gap={6} wrap="nowrap">
      <NumberPick label={label} w={58} error={error} value={value.amount} onChange={(amount) => onChange({ ...value, amount: amount ?? 0 })} />
      <UnitPick label={t('build.unit_of', { label })} count={value.amount} value={value.unit} onChange={(unit) => onChange({ ...value, unit })} />
    </Group>
  );
}

const SINGULAR = { minutes: 'minute', hours: 'hour', days: 'day', weeks: 'week' } as const satisfies Record<Unit, string>;

/** A unit of time, called as it is beside its number. */
export function UnitPick({ label, count, value, onChange }: { label?: string; count: number; value: Unit; onChange: (unit: Unit) => void }) {
  const { t, i18n } = useTranslation();
  return (
    <Select
      aria-label={label ?? t('segments.unit')}
      w={96}
      allowDeselect={false}
      data={UNITS.map((unit) => ({ value: unit, label: unitBeside(i18n.language, SINGULAR[unit], count) }))}
      value={value}
      onChange={(unit) => unit && onChange(unit as Unit)}
    />
  );
}

interface ComparedProps<Op extends string> {
  label: string;
  ops: readonly Op[];
  node: { op: Op; value?: number | null; high?: number | null };
  onChange: (part: { op: Op; value: number | null; high: number | null }) => void;
  wrong: (field: string) => boolean;
  unit?: string;
}

/** "at least 3", "between 18 and 25": a comparison and its one or two numbers; none for did and did not. */
export function Compared<Op extends CompareOp | 'did' | 'did_not'>({ label, ops, node, onChange, wrong, unit }: ComparedProps<Op>) {
  const { t } = useTranslation();
  const compares = node.op !== 'did' && node.op !== 'did_not';
  const [value, high] = [node.value ?? null, node.high ?? null];
  const pick = (op: Op) =>
    op === 'did' || op === 'did_not'
      ? onChange({ op, value: null, high: null })
      : onChange({ op, value: value ?? (compares ? null : 1), high: op === 'between' ? high : null });
  return (
    <>
      <Select
        aria-label={t('segments.comparison')}
        w={124}
        error={wrong('op')}
        allowDeselect={false}
        data={ops.map((one) => ({ value: one as string, label: t(`segments.event_op.${one as CompareOp}`) }))}
        value={node.op as string}
        onChange={(next) => next && pick(next as Op)}
      />
      {compares && <NumberPick label={label} error={wrong('value')} value={value} onChange={(next) => onChange({ op: node.op, value: next, high })} />}
      {node.op === 'between' && (
        <>
          <Said>{t('segments.and')}</Said>
          <NumberPick label={t('segments.number_high')} error={wrong('high')} value={high} onChange={(next) => onChange({ op: node.op, value, high: next })} />
        </>
      )}
      {unit && <Said>{unit}</Said>}
    </>
  );
}
