import { Autocomplete, Group, NumberInput, Select, TagsInput, Text } from '@mantine/core';
import { DateTimePicker, DatePickerInput } from '@mantine/dates';
import { useTranslation } from 'react-i18next';
import { operandsOf } from '../tree';
import type { Operand, PropertyOp, Relative, TraitOp, TraitType } from '../types';
import { UnitPick } from './inputs';

interface OperandInputProps {
  label: string;
  type: TraitType;
  op: TraitOp | PropertyOp;
  value: Operand | null | undefined;
  values: readonly Operand[];
  onChange: (change: { value: Operand | null; values: Operand[] }) => void;
  suggestions?: string[];
  error?: boolean;
}

const isRelative = (value: unknown): value is Relative => typeof value === 'object' && value !== null;

interface OneProps {
  label: string;
  type: TraitType;
  value: Operand | null | undefined;
  onChange: (value: Operand | null) => void;
  suggestions?: string[];
  error?: boolean;
}

function One(props: OneProps) {
  const { t } = useTranslation();
  const { label, type, value, onChange, suggestions, error } = props;
  if (type === 'number') {
    return (
      <NumberInput
        aria-label={label}
        w={130}
        error={error}
        value={typeof value === 'number' ? value : ''}
        onChange={(typed) => onChange(typeof typed === 'number' ? typed : null)}
        hideControls
        placeholder={t('segments.number')}
      />
    );
  }
  if (type === 'boolean') {
    return (
      <Select
        aria-label={label}
        w={110}
        error={error}
        data={[{ value: 'true', label: t('common.yes') }, { value: 'false', label: t('common.no') }]}
        value={typeof value === 'boolean' ? String(value) : null}
        onChange={(picked) => onChange(picked === null ? null : picked === 'true')}
      />
    );
  }
  if (type === 'date' || type === 'instant') return <When {...props} />;
  return (
    <Autocomplete
      aria-label={label}
      w={180}
      error={error}
      data={suggestions}
      value={typeof value === 'object' ? '' : String(value ?? '')}
      onChange={onChange}
      placeholder={t('segments.value')}
    />
  );
}

/** A date: a fixed one, or so many days ago or ahead. */
function When({ label, type, value, onChange, error }: OneProps) {
  const { t } = useTranslation();
  const relative = isRelative(value) ? value : null;
  const how = relative ? (relative.direction ?? 'ago') : 'fixed';
  const Picker = type === 'date' ? DatePickerInput : DateTimePicker;
  return (
    <Group gap={6}>
      {relative ? (
        <>
          <NumberInput aria-label={label} error={error} w={64} min={0} hideControls value={relative.amount} onChange={(n) => onChange({ ...relative, amount: Number(n) || 0 })} />
          <UnitPick count={relative.amount} value={relative.unit} onChange={(unit) => onChange({ ...relative, unit })} />
        </>
      ) : (
        <Picker
          aria-label={label}
          error={error}
          w={190}
          placeholder={t('segments.pick_date')}
          value={typeof value === 'string' ? value : null}
          onChange={(picked: string | null) => onChange(picked && type === 'instant' ? new Date(picked).toISOString() : picked)}
        />
      )}
      <Select
        aria-label={t('segments.when_kind')}
        w={120}
        data={(['ago', 'ahead', 'fixed'] as const).map((one) => ({ value: one, label: t(`segments.when_${one}`) }))}
        value={how}
        onChange={(picked) =>
          onChange(picked === 'fixed' ? null : { amount: relative?.amount ?? 30, unit: relative?.unit ?? 'days', direction: picked as 'ago' | 'ahead' })
        }
      />
    </Group>
  );
}

/** The right-hand side of a condition: none, one, two or many values of the type of the left. */
export function OperandInput({ label, type, op, value, values, onChange, suggestions, error }: OperandInputProps) {
  const { t } = useTranslation();
  const wanted = operandsOf(op);
  if (wanted === 'none') return null;
  if (wanted === 'many') {
    return (
      <TagsInput
        aria-label={label}
        miw={220}
        error={error}
        data={suggestions}
        placeholder={values.length === 0 ? t('segments.values') : undefined}
        value={values.map(String)}
        onChange={(typed) =>
          onChange({ value: null, values: type === 'number' ? typed.map(Number).filter(Number.isFinite) : typed })
        }
      />
    );
  }
  if (wanted === 'two') {
    const put = (place: 0 | 1) => (v: Operand | null) => {
      const pair = [values[0] ?? '', values[1] ?? ''] as Operand[];
      onChange({ value: null, values: pair.with(place, v ?? '') });
    };
    return (
      <Group gap={6}>
        <One label={t('segments.from', { label })} type={type} error={error} value={values[0]} onChange={put(0)} />
        <Text size="sm" c="dimmed">{t('segments.and')}</Text>
        <One label={t('segments.to', { label })} type={type} error={error} value={values[1]} onChange={put(1)} />
      </Group>
    );
  }
  return <One label={label} type={type} error={error} value={value} suggestions={suggestions} onChange={(v) => onChange({ value: v, values: [] })} />;
}
