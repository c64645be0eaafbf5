import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { Chart } from '@/design/Chart';
import { EmptyState } from '@/design/EmptyState';
import { IconClock } from '@/design/icons';

/** How many had opened, clicked and unsubscribed by each hour after their message. */
export function ReactionCurve({ reaction }: { reaction: Schema<'Reaction'>[] }) {
  const { t } = useTranslation();
  const kinds = useMemo(() => ['opened', 'clicked', 'unsubscribed'] as const, []);
  const option = useMemo(
    () => ({
      grid: { left: 8, right: 16, top: 34, bottom: 4, containLabel: true },
      legend: { top: 0, left: 0 },
      tooltip: { trigger: 'axis' },
      xAxis: { type: 'value', minInterval: 1, min: 0, axisLabel: { formatter: (hours: number) => t('campaigns.hours', { hours }) }, splitLine: { show: false } },
      yAxis: { type: 'value', minInterval: 1 },
      series: kinds.map((kind) => ({
        type: 'line',
        name: t(`state.${kind}`),
        smooth: 0.25,
        showSymbol: reaction.length < 12,
        areaStyle: { opacity: 0.07 },
        data: [[0, 0], ...reaction.map((one) => [one.hours, one[kind]])],
      })),
    }),
    [reaction, kinds, t],
  );
  if (reaction.length === 0) return <EmptyState icon={IconClock} title={t('campaigns.no_reaction')}>{t('campaigns.no_reaction_hint')}</EmptyState>;
  return (
    <Chart
      label={t('campaigns.reaction')}
      option={option}
      height={240}
      table={{
        head: [t('campaigns.hours_after'), ...kinds.map((kind) => t(`state.${kind}`))],
        rows: reaction.map((one) => [one.hours, one.opened, one.clicked, one.unsubscribed]),
      }}
    />
  );
}
