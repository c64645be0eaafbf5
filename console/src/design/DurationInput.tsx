import { Group, Input, NumberInput, Select } from '@mantine/core';
import { useId } from '@mantine/hooks';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';

const UNITS = { minutes: 60, hours: 3600, days: 86_400 } as const;
type Unit = keyof typeof UNITS;

function unitOf(seconds: number): Unit {
  if (seconds > 0 && seconds % UNITS.days === 0) return 'days';
  return seconds > 0 && seconds % UNITS.hours === 0 ? 'hours' : 'minutes';
}

interface DurationInputProps {
  label: string;
  hideLabel?: boolean;
  description?: string;
  value: number;
  onChange: (seconds: number) => void;
  min?: number;
}

/** A span of time in whole minutes, hours or days; seconds outside. */
export function DurationInput({ label, hideLabel, description, value, onChange, min = 0 }: DurationInputProps) {
  const { t } = useTranslation();
  const id = useId();
  const [unit, setUnit] = useState<Unit>(() => unitOf(value));
  return (
    <Input.Wrapper label={hideLabel ? undefined : label} description={description} id={id} labelElement="div">
      <Group gap={6} wrap="nowrap" role="group" aria-label={label}>
        <NumberInput
          aria-label={label}
          w={90}
          min={min / UNITS[unit]}
          value={Number((value / UNITS[unit]).toFixed(2))}
          onChange={(typed) => typed !== '' && onChange(Number(typed) * UNITS[unit])}
        />
        <Select
          aria-label={t('common.unit')}
          w={130}
          allowDeselect={false}
          data={(Object.keys(UNITS) as Unit[]).map((one) => ({ value: one, label: t(`common.unit_${one}`) }))}
          value={unit}
          onChange={(picked) => {
            const next = picked as Unit;
            onChange((value / UNITS[unit]) * UNITS[next]);
            setUnit(next);
          }}
        />
      </Group>
    </Input.Wrapper>
  );
}

/** A span in the reader's words: "2 hours". */
export function useSpan(): (seconds: number) => string {
  const { i18n } = useTranslation();
  const { language } = i18n;
  return useCallback(
    (seconds) => {
      const unit = unitOf(seconds);
      const singular = { minutes: 'minute', hours: 'hour', days: 'day' }[unit];
      return new Intl.NumberFormat(language, { style: 'unit', unit: singular, unitDisplay: 'long', maximumFractionDigits: 1 }).format(seconds / UNITS[unit]);
    },
    [language],
  );
}
