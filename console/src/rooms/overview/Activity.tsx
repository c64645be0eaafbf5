import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Chart } from '@/design/Chart';
import { useFormat } from '@/design/format';
import { Panel } from '@/design/Panel';
import { useHistory } from './history';

const LINES = ['events_last_minute', 'deliveries_waiting'] as const;

/** Events coming in and messages waiting to go out, as they changed while one watched. */
export function Activity() {
  const { t } = useTranslation();
  const format = useFormat();
  const points = useHistory('rooms');
  const lines = LINES.filter((name) => points.some((point) => name in point.values));
  const option = useMemo(
    () => ({
      animation: false,
      grid: { left: 8, right: 16, top: 34, bottom: 4, containLabel: true },
      legend: { top: 0, left: 0 },
      tooltip: { trigger: 'axis' },
      xAxis: { type: 'time', min: points[0]?.at, splitNumber: 4, axisLabel: { hideOverlap: true } },
      yAxis: { type: 'value', minInterval: 1, splitNumber: 4 },
      series: lines.map((name) => ({
        type: 'line',
        name: t(`overview.line_${name}`),
        showSymbol: points.length === 1,
        lineStyle: { width: 2 },
        areaStyle: { opacity: 0.08 },
        data: points.map((point) => [point.at, point.values[name] ?? 0]),
      })),
    }),
    [points, lines.join(), t], // eslint-disable-line react-hooks/exhaustive-deps
  );
  const last = points.slice(-5);
  return (
    <Panel title={t('overview.activity')} hint={t('overview.activity_hint')}>
      <Chart
        label={t('overview.activity')}
        option={option}
        height={230}
        table={{
          head: [t('common.when'), ...lines.map((name) => t(`overview.line_${name}`))],
          rows: last.map((point) => [
            format.time(new Date(point.at).toISOString()),
            ...lines.map((name) => point.values[name] ?? 0),
          ]),
        }}
      />
    </Panel>
  );
}
