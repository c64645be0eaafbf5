import { SegmentedControl } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { Chart } from '@/design/Chart';
import { useFormat } from '@/design/format';
import { Panel } from '@/design/Panel';

const LINES = ['sent', 'delivered', 'opened', 'clicked', 'bounced', 'conversions'] as const;

/** What happened hour by hour or day by day, counted from the ledger: the same for a running campaign and for an old one. */
export function Timeline({ campaign, live }: { campaign: number; live: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [step, setStep] = useState<'hour' | 'day'>('hour');
  const found = useQuery({
    queryKey: ['campaign-timeline', campaign, step],
    queryFn: () => take(api.GET('/v1/campaigns/{campaign_id}/report/timeline', { params: { path: { campaign_id: campaign }, query: { step } } })),
    placeholderData: keepPreviousData,
    refetchInterval: live ? 3000 : 20_000,
  });
  const points = useMemo(() => found.data?.points ?? [], [found.data]);
  const shown = useMemo(() => LINES.filter((line) => points.some((point) => point[line] > 0)), [points]);
  const option = useMemo(() => {
    const names = points.map((point) => (step === 'hour' ? format.dateTime(point.at) : format.date(point.at)));
    return {
      grid: { left: 8, right: 16, top: 34, bottom: 4, containLabel: true },
      legend: { top: 0, left: 0 },
      tooltip: { trigger: 'axis' },
      xAxis: { type: 'category', data: names, axisLabel: { hideOverlap: true } },
      yAxis: { type: 'value', minInterval: 1 },
      series: shown.map((line) => ({ type: 'bar', name: t(`state.${line}`), barMaxWidth: 26, barGap: '10%', itemStyle: { borderRadius: [4, 4, 0, 0] }, data: points.map((point) => point[line]) })),
    };
  }, [points, shown, step, format, t]);
  if (points.length === 0) return null;
  return (
    <Panel
      title={t('campaigns.timeline')}
      hint={t('campaigns.timeline_hint')}
      actions={<SegmentedControl size="xs" aria-label={t('sets.step')} value={step} onChange={(next) => setStep(next as 'hour' | 'day')} data={(['hour', 'day'] as const).map((one) => ({ value: one, label: t(`sets.step_${one}`) }))} />}
    >
      <Chart
        label={t('campaigns.timeline')}
        option={option}
        height={230}
        table={{ head: [t('common.when'), ...shown.map((line) => t(`state.${line}`))], rows: points.slice(-48).map((point) => [format.dateTime(point.at), ...shown.map((line) => point[line])]) }}
      />
    </Panel>
  );
}
