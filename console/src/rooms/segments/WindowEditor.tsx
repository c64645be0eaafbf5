import { Group, NumberInput, Select } from '@mantine/core';
import { DatePickerInput } from '@mantine/dates';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/design/format';
import { windowTold } from './condition';
import { UnitSelect } from './OperandInput';
import type { Window } from './types';

interface WindowEditorProps {
  window: Window | null;
  onChange: (window: Window | null) => void;
}

const startOf = (day: string | null) => (day ? new Date(`${day}T00:00:00Z`).toISOString() : null);

/** When an event counts: ever, in the last so many days, or between two dates. */
export function WindowEditor({ window, onChange }: WindowEditorProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const kind = window?.kind ?? 'ever';
  const other = window && !['last', 'dates'].includes(window.kind) ? windowTold(window, t, format) : undefined;
  const choose = (picked: string | null) => {
    if (picked === 'last') onChange({ kind: 'last', amount: 30, unit: 'days' });
    else if (picked === 'dates') onChange({ kind: 'dates', since: null, until: null });
    else onChange(null);
  };
  return (
    <Group gap={6} wrap="nowrap">
      <Select
        aria-label={t('segments.window')}
        w={other ? 260 : 135}
        data={(['last', 'dates', 'ever'] as const).map((one) => ({ value: one, label: t(`segments.window_${one}`) }))}
        value={other ? null : kind}
        placeholder={other}
        onChange={choose}
      />
      {window?.kind === 'last' && (
        <>
          <NumberInput
            aria-label={t('segments.window_amount')}
            w={70}
            min={1}
            hideControls
            value={window.amount}
            onChange={(amount) => onChange({ ...window, amount: Math.max(1, Number(amount) || 1) })}
          />
          <UnitSelect value={window.unit} onChange={(unit) => onChange({ ...window, unit })} />
        </>
      )}
      {window?.kind === 'dates' && (
        <DatePickerInput
          type="range"
          aria-label={t('segments.window_dates_label')}
          placeholder={t('segments.pick_dates')}
          w={230}
          clearable
          value={[window.since?.slice(0, 10) ?? null, window.until?.slice(0, 10) ?? null]}
          onChange={([since, until]) => onChange({ kind: 'dates', since: startOf(since), until: startOf(until) })}
        />
      )}
    </Group>
  );
}
