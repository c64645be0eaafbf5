import { Group, SegmentedControl } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { Chart } from '@/design/Chart';
import { SERIES } from '@/design/chartTheme';
import { EmptyState } from '@/design/EmptyState';
import { useFormat } from '@/design/format';
import { IconSegments } from '@/design/icons';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Stat } from '@/design/Stat';
import { useAddress } from '@/shell/address';

const STEPS = ['minute', 'hour', 'day', 'week', 'month'] as const;
type Step = (typeof STEPS)[number];
/** How far back each step looks: enough to see a shape, few enough to draw. */
const DAYS: Record<Step, number> = { minute: 0.125, hour: 4, day: 90, week: 540, month: 1800 };

const FEW = 12;
const LENGTH: Record<Step, number> = { minute: 60e3, hour: 3.6e6, day: 86.4e6, week: 604.8e6, month: 2629.8e6 };
const BARS = { type: 'bar', xAxisIndex: 1, yAxisIndex: 1, stack: 'flow', barMaxWidth: 14 };

type Point = { at: string; size: number | null; entered: number; gone: number };

/** A young segment is drawn at the end of a stretch of time, not as one point in the middle of nowhere. */
function padded(points: Point[], step: Step): Point[] {
  const first = points[0];
  if (!first || points.length >= FEW) return points;
  const began = new Date(first.at).getTime();
  const before = Array.from({ length: FEW - points.length }, (_, place) => {
    const at = new Date(began - (FEW - points.length - place) * LENGTH[step]).toISOString();
    return { at, size: null, entered: 0, gone: 0 };
  });
  return [...before, ...points];
}

/** How the segment grew and shrank: its size, and who came and went in each stretch. */
export function Growth({ id }: { id: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [address, change] = useAddress<'step'>();
  const step = STEPS.find((one) => one === address.step) ?? 'hour';
  const timezone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
  const growth = useQuery({
    queryKey: ['segment-growth', id, step, timezone],
    queryFn: () => take(api.GET('/v1/segments/{segment_id}/growth', { params: { path: { segment_id: id }, query: { step, timezone } } })),
    placeholderData: keepPreviousData,
    refetchInterval: 10_000,
  });
  const points = useMemo(() => {
    const all = growth.data?.items ?? [];
    const last = all.at(-1);
    const since = last ? new Date(last.at).getTime() - DAYS[step] * 86_400_000 : 0;
    return all.filter((point) => new Date(point.at).getTime() >= since);
  }, [growth.data, step]);
  const drawn = useMemo(() => padded(points, step), [points, step]);
  const option = useMemo(() => {
    const names = drawn.map((point) => (step === 'minute' ? format.time(point.at) : step === 'hour' ? format.dateTime(point.at) : format.date(point.at)));
    return {
      grid: [
        { left: 56, right: 12, top: 34, height: 170 },
        { left: 56, right: 12, top: 226, height: 86 },
      ],
      legend: { top: 0, left: 0 },
      tooltip: { trigger: 'axis' },
      axisPointer: { link: [{ xAxisIndex: 'all' }] },
      xAxis: [
        { type: 'category', data: names, axisLabel: { show: false } },
        { type: 'category', data: names, gridIndex: 1, axisLabel: { hideOverlap: true } },
      ],
      yAxis: [
        { type: 'value', minInterval: 1, min: 0 },
        { type: 'value', gridIndex: 1, minInterval: 1, splitNumber: 2 },
      ],
      series: [
        { type: 'line', step: 'middle', name: t('segments.size'), showSymbol: points.length < 3, areaStyle: { opacity: 0.1 }, data: drawn.map((point) => point.size) },
        { ...BARS, name: t('sets.entered'), itemStyle: { color: SERIES[1] }, data: drawn.map((point) => point.entered) },
        { ...BARS, name: t('sets.gone'), itemStyle: { color: SERIES[2] }, data: drawn.map((point) => -point.gone) },
      ],
    };
  }, [drawn, points, step, format, t]);
  if (growth.error) return <ProblemAlert error={growth.error} onRetry={() => void growth.refetch()} />;
  if (growth.data && points.length === 0) return <EmptyState icon={IconSegments} title={t('segments.no_growth')} />;
  const entered = points.reduce((sum, point) => sum + point.entered, 0);
  const gone = points.reduce((sum, point) => sum + point.gone, 0);
  return (
    <Panel
      title={t('segments.growth')}
      actions={
        <SegmentedControl
          size="xs"
          aria-label={t('sets.step')}
          value={step}
          onChange={(next) => change({ step: next === 'hour' ? null : next })}
          data={STEPS.map((one) => ({ value: one, label: t(`sets.step_${one}`) }))}
        />
      }
    >
      <Group gap="xl" mb="md">
        <Stat label={t('segments.size')} value={growth.data ? format.number(points.at(-1)?.size ?? 0) : '…'} />
        <Stat label={t('sets.entered')} value={growth.data ? format.number(entered) : '…'} />
        <Stat label={t('sets.gone')} value={growth.data ? format.number(gone) : '…'} />
      </Group>
      <Chart
        label={t('segments.growth')}
        option={option}
        height={340}
        table={{
          head: [t('common.when'), t('segments.size'), t('sets.entered'), t('sets.gone')],
          rows: points.slice(-60).map((point) => [format.dateTime(point.at), point.size, point.entered, point.gone]),
        }}
      />
    </Panel>
  );
}
