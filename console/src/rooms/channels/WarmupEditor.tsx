import { Group, NumberInput, Stack, Switch } from '@mantine/core';
import { DateInput } from '@mantine/dates';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Chart } from '@/design/Chart';
import { useFormat } from '@/design/format';
import { warmingDays, type Terms } from './health';

type Warmup = NonNullable<Terms['warmup']>;

/** A new sender's schedule, drawn: so many on its first day, more on each after. */
export function WarmupEditor({ value, onChange }: { value: Warmup | null; onChange: (value: Warmup | null) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const days = useMemo(() => (value ? warmingDays(value) : []), [value]);
  const option = useMemo(
    () => ({
      grid: { left: 8, right: 12, top: 10, bottom: 4, containLabel: true },
      tooltip: { trigger: 'axis' },
      xAxis: { type: 'category', data: days.map((one) => format.date(one.day)), axisLabel: { hideOverlap: true } },
      yAxis: { type: 'value', minInterval: 1 },
      series: [{ type: 'bar', name: t('channels.most'), barMaxWidth: 18, itemStyle: { borderRadius: [4, 4, 0, 0] }, data: days.map((one) => one.most) }],
    }),
    [days, format, t],
  );
  const put = (part: Partial<Warmup>) => value && onChange({ ...value, ...part });
  const turn = (on: boolean) => onChange(on ? { start: new Date().toISOString().slice(0, 10), first: 200, growth: 1.5, until: 100_000 } : null);
  return (
    <Stack gap="sm">
      <Switch label={t('channels.warmup')} description={t('channels.warmup_hint')} checked={value !== null} onChange={(event) => turn(event.currentTarget.checked)} />
      {value && (
        <>
          <Group align="flex-end">
            <DateInput label={t('channels.warmup_start')} w={150} value={value.start} onChange={(start) => start && put({ start })} />
            <NumberInput label={t('channels.warmup_first')} w={130} min={1} allowDecimal={false} value={value.first ?? 200} onChange={(typed) => put({ first: Math.max(1, Number(typed) || 1) })} />
            <NumberInput label={t('channels.warmup_growth')} w={130} min={1.05} max={10} step={0.1} decimalScale={2} prefix="× " value={value.growth ?? 1.5} onChange={(typed) => put({ growth: Math.max(1.05, Number(typed) || 1.5) })} />
            <NumberInput label={t('channels.warmup_until')} w={150} min={1} allowDecimal={false} thousandSeparator=" " value={value.until ?? 100_000} onChange={(typed) => put({ until: Math.max(1, Number(typed) || 1) })} />
          </Group>
          <Chart
            label={t('channels.warmup_chart', { count: days.length })}
            option={option}
            height={150}
            table={{ head: [t('common.when'), t('channels.most')], rows: days.map((one) => [format.date(one.day), one.most]) }}
          />
        </>
      )}
    </Stack>
  );
}
