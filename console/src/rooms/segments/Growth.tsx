import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { Chart } from '@/design/Chart';
import { EmptyState } from '@/design/EmptyState';
import { useFormat } from '@/design/format';
import { IconSegments } from '@/design/icons';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';

/** How the segment grew and shrank. */
export function Growth({ id }: { id: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const growth = useQuery({
    queryKey: ['segment-growth', id],
    queryFn: () => take(api.GET('/v1/segments/{segment_id}/growth', { params: { path: { segment_id: id } } })),
  });
  const points = useMemo(() => [...(growth.data?.items ?? [])].reverse(), [growth.data]);
  const option = useMemo(
    () => ({
      grid: { left: 8, right: 16, top: 16, bottom: 8, containLabel: true },
      tooltip: { trigger: 'axis' },
      xAxis: { type: 'time' },
      yAxis: { type: 'value', minInterval: 1 },
      series: [
        {
          type: 'line',
          step: 'end',
          name: t('segments.size'),
          showSymbol: points.length < 40,
          areaStyle: { opacity: 0.1 },
          data: points.map((point) => [point.at, point.size]),
        },
      ],
    }),
    [points, t],
  );
  if (growth.error) return <ProblemAlert error={growth.error} />;
  if (growth.data && points.length === 0) return <EmptyState icon={IconSegments} title={t('segments.no_growth')} />;
  return (
    <Panel title={t('segments.growth')}>
      <Chart
        label={t('segments.growth')}
        option={option}
        height={280}
        table={{
          head: [t('common.when'), t('segments.size')],
          rows: points.map((point) => [format.dateTime(point.at), point.size]),
        }}
      />
    </Panel>
  );
}
