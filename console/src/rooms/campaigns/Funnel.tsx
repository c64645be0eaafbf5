import { useComputedColorScheme } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { Chart } from '@/design/Chart';
import { SERIES } from '@/design/chartTheme';
import { useFormat } from '@/design/format';

/** From the audience to those who clicked; each bar opens its people. */
export function Funnel({ report, campaign }: { report: Schema<'Report'>; campaign: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const navigate = useNavigate();
  const dark = useComputedColorScheme('light') === 'dark';
  const steps = useMemo(
    () => [
      { name: t('campaigns.audience'), people: report.audience, search: {} },
      { name: t('campaigns.passed'), people: report.queued, search: { was: 'passed' } },
      { name: t('state.sent'), people: report.sent, search: { was: 'sent' } },
      { name: t('state.opened'), people: report.opened, search: { was: 'opened' } },
      { name: t('state.clicked'), people: report.clicked, search: { was: 'clicked' } },
    ],
    [report, t],
  );
  const option = useMemo(
    () => ({
      grid: { left: 8, right: 56, top: 4, bottom: 4, containLabel: true },
      xAxis: { type: 'value', show: false, max: Math.max(1, report.audience) },
      yAxis: { type: 'category', inverse: true, data: steps.map((step) => step.name), axisLine: { show: false } },
      tooltip: { trigger: 'item', valueFormatter: (value: number) => format.number(value) },
      series: [
        {
          type: 'bar',
          barWidth: 22,
          showBackground: true,
          backgroundStyle: { color: 'rgba(128,128,150,0.10)', borderRadius: 6 },
          itemStyle: { borderRadius: 6 },
          label: {
            show: true,
            position: 'right',
            color: dark ? '#d9dce4' : '#272c37',
            fontSize: 12,
            formatter: ({ value }: { value: number }) => format.number(value),
          },
          data: steps.map((step, place) => ({
            value: step.people,
            itemStyle: { color: SERIES[place < 3 ? 0 : place - 2], opacity: place < 3 ? 0.55 + 0.2 * place : 1 },
          })),
        },
      ],
    }),
    [steps, report.audience, format, dark],
  );
  return (
    <Chart
      label={t('campaigns.funnel')}
      option={option}
      height={240}
      table={{ head: [t('campaigns.step'), t('campaigns.people')], rows: steps.map((step) => [step.name, step.people]) }}
      onClick={(name) => {
        const step = steps.find((one) => one.name === name);
        if (step) void navigate({ to: '/deliveries', search: { campaign_id: campaign, ...step.search } as never });
      }}
    />
  );
}
