import { Autocomplete, Group, Select, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { OperandInput } from './OperandInput';
import { operandsOf, PROPERTY_OPS } from '../tree';
import type { Filter, Operand, PropertyOp, Scalar } from '../types';

interface FilterEditorProps {
  filter: Filter;
  properties: string[];
  onChange: (filter: Filter) => void;
}

const NUMERIC: PropertyOp[] = ['gt', 'ge', 'lt', 'le', 'between'];
const scalar = (value: Operand | null): Scalar | null => (typeof value === 'object' ? null : value);

/** One property of the event: which events are counted at all. */
export function FilterEditor({ filter, properties, onChange }: FilterEditorProps) {
  const { t } = useTranslation();
  const numeric = NUMERIC.includes(filter.op);
  return (
    <Group gap="xs">
      <Text size="sm" c="dimmed">{t('segments.where')}</Text>
      <Autocomplete
        aria-label={t('segments.property')}
        placeholder={t('segments.property')}
        w={160}
        data={properties}
        value={filter.property}
        onChange={(property) => onChange({ ...filter, property })}
      />
      <Select
        aria-label={t('segments.comparison')}
        w={160}
        data={PROPERTY_OPS.map((op) => ({ value: op, label: t(`segments.op.${op}`) }))}
        value={filter.op}
        onChange={(picked) => {
          const op = picked as PropertyOp;
          const same = operandsOf(op) === operandsOf(filter.op) && NUMERIC.includes(op) === numeric;
          onChange({ ...filter, op, ...(same ? {} : { value: null, values: [] }) });
        }}
      />
      <OperandInput
        label={t('segments.value_of', { name: filter.property || t('segments.property') })}
        type={numeric ? 'number' : 'text'}
        op={filter.op}
        value={filter.value}
        values={filter.values ?? []}
        onChange={({ value, values }) =>
          onChange({ ...filter, value: scalar(value), values: values.map(scalar).filter((one) => one !== null) })
        }
      />
    </Group>
  );
}
