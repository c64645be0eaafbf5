import { Group, Input, NumberInput, Select } from '@mantine/core';
import { useId } from '@mantine/hooks';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';

const UNITS = { second: 1, minute: 60, hour: 3600, day: 86_400 } as const;
type Unit = keyof typeof UNITS;

/** The largest unit of which it is a whole number. */
function unitOf(seconds: number): Unit {
  if (seconds <= 0) return 'minute';
  return (['day', 'hour', 'minute'] as const).find((one) => seconds % UNITS[one] === 0) ?? (seconds < 600 ? 'second' : 'minute');
}

const inUnit = (language: string, unit: Unit | 'week') => new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 1 });

/** What a unit is called beside a number, as its language counts. */
export function unitBeside(language: string, unit: Unit | 'week', count: number): string {
  return inUnit(language, unit).formatToParts(count).filter((part) => part.type === 'unit').map((part) => part.value).join('');
}

interface DurationInputProps {
  label: string;
  hideLabel?: boolean;
  description?: string;
  value: number;
  onChange: (seconds: number) => void;
  min?: number;
}

/** A span of time in minutes, hours or days, where so little is meant in seconds; seconds outside. */
export function DurationInput({ label, hideLabel, description, value, onChange, min = 0 }: DurationInputProps) {
  const { t, i18n } = useTranslation();
  const id = useId();
  const [unit, setUnit] = useState<Unit>(() => unitOf(value));
  const amount = Number((value / UNITS[unit]).toFixed(2));
  const units = (Object.keys(UNITS) as Unit[]).filter((one) => one !== 'second' || min < UNITS.minute || unit === 'second');
  return (
    <Input.Wrapper label={hideLabel ? undefined : label} description={description} id={id} labelElement="div">
      <Group gap={6} wrap="nowrap" role="group" aria-label={label}>
        <NumberInput
          aria-label={label}
          w={90}
          min={min / UNITS[unit]}
          value={amount}
          onChange={(typed) => typed !== '' && onChange(Number(typed) * UNITS[unit])}
        />
        <Select
          aria-label={t('common.unit')}
          w={130}
          allowDeselect={false}
          data={units.map((one) => ({ value: one, label: unitBeside(i18n.language, one, amount) }))}
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
      return inUnit(language, unit).format(seconds / UNITS[unit]);
    },
    [language],
  );
}
