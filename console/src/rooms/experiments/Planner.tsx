import { Group, NumberInput, SegmentedControl, Select, Stack, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useFormat } from '@/design/format';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Stat } from '@/design/Stat';

interface PlannerProps {
  arms?: number;
  alpha?: number;
  percent?: number;
}

/** How many people a difference needs, and how many days they take to come. */
export function Planner({ arms: given, alpha = 0.05, percent = 100 }: PlannerProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const [kind, setKind] = useState<'share' | 'mean'>('share');
  const [numbers, setNumbers] = useState({ baseline: 10, difference: 1, deviation: 20, power: 80, per_day: 1000, arms: 2 });
  const put = (part: Partial<typeof numbers>) => setNumbers({ ...numbers, ...part });
  const arms = given ?? numbers.arms;
  const scale = kind === 'share' ? 100 : 1;
  const body: Schema<'PlanBody'> = {
    kind, baseline: numbers.baseline / scale, difference: numbers.difference / scale, deviation: kind === 'mean' ? numbers.deviation : null,
    power: numbers.power / 100, alpha, arms, per_day: numbers.per_day || null, percent, correlation: 0,
  };
  const plan = useQuery({ queryKey: ['experiment-plan', body], queryFn: () => take(api.POST('/v1/experiments/plan', { body })), placeholderData: keepPreviousData, retry: false });
  const found = plan.error ? undefined : plan.data;
  const unit = kind === 'share' ? ' %' : '';
  const field = (name: keyof typeof numbers, more: { suffix?: string; min?: number; max?: number; w?: number; hint?: string } = {}) => (
    <NumberInput label={t(`experiments.plan_${name}`)} description={more.hint} w={more.w ?? 190} decimalScale={3} suffix={more.suffix} min={more.min} max={more.max} value={numbers[name]} onChange={(typed) => put({ [name]: Number(typed) || 0 })} />
  );
  const days = (count: number | null | undefined) => (count === null || count === undefined ? undefined : t('experiments.plan_days', { count, shown: format.number(count) }));
  return (
    <Stack gap="md">
      <SegmentedControl aria-label={t('experiments.plan_of')} w="fit-content" value={kind} onChange={(next) => setKind(next as 'share' | 'mean')} data={(['share', 'mean'] as const).map((one) => ({ value: one, label: t(`experiments.plan_${one}`) }))} />
      <Group align="flex-end" gap="sm">
        {field('baseline', { suffix: unit })}
        {field('difference', { suffix: unit })}
        {kind === 'mean' && field('deviation', { min: 0 })}
        {field('per_day', { min: 0, w: 170 })}
        <Select label={t('experiments.plan_power')} w={150} allowDeselect={false} data={['70', '80', '90', '95'].map((one) => ({ value: one, label: format.percent(Number(one), 100) }))} value={String(numbers.power)} onChange={(power) => put({ power: Number(power) })} />
        {given === undefined && field('arms', { min: 2, max: 10, w: 110 })}
      </Group>
      <ProblemAlert error={plan.error} />
      {found && (
        <Group align="stretch" aria-live="polite">
          <Stat label={t('experiments.plan_fixed')} value={format.number(found.fixed)} note={t('experiments.plan_together', { people: format.number(found.people_fixed), days: days(found.days_fixed) ?? '' })} />
          <Stat label={t('experiments.plan_sequential')} value={format.number(found.sequential)} note={t('experiments.plan_together', { people: format.number(found.people_sequential), days: days(found.days_sequential) ?? '' })} />
        </Group>
      )}
      <Text size="xs" c="dimmed" maw={640}>{t('experiments.plan_hint', { level: format.percent(alpha, 1) })}</Text>
    </Stack>
  );
}
