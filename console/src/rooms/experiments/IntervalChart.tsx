import { useComputedColorScheme } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Chart } from '@/design/Chart';
import type { Comparison, MetricResult } from './draft';
import { useFigures } from './figures';

export interface Line {
  name: string;
  metric: MetricResult;
  other: Comparison;
}

interface Drawing {
  value: (place: number) => number;
  coord: (at: [number, number]) => [number, number];
}

const COLOURS = { better: '#16a394', worse: '#d6455d', open: '#8a8f9c', early: '#8a8f9c' } as const;
const ROW = 44;

/** Differences to the first arm as dots on their intervals, around the line of no difference. */
export function IntervalChart({ label, lines }: { label: string; lines: Line[] }) {
  const { t } = useTranslation();
  const figures = useFigures();
  const dark = useComputedColorScheme('light') === 'dark';
  const shown = useMemo(() => lines.filter(({ other }) => other.low !== null && other.high !== null && other.low !== undefined && other.high !== undefined), [lines]);
  const option = useMemo(() => {
    const data = shown.map(({ other }, place) => [other.difference, place, other.low ?? 0, other.high ?? 0]);
    const reach = Math.max(...data.flatMap(([difference, , low, high]) => [Math.abs(difference ?? 0), Math.abs(low ?? 0), Math.abs(high ?? 0)]), 1e-9) * 1.08;
    const render = (params: { dataIndex: number }, drawing: Drawing) => {
      const [place, low, high] = [drawing.value(1), drawing.value(2), drawing.value(3)];
      const [left, y] = drawing.coord([low, place]);
      const [right] = drawing.coord([high, place]);
      const [dot] = drawing.coord([drawing.value(0), place]);
      const colour = COLOURS[shown[params.dataIndex]?.other.verdict ?? 'open'];
      const style = { stroke: colour, lineWidth: 2.5, fill: colour };
      const tick = (x: number) => ({ type: 'line', shape: { x1: x, y1: y - 6, x2: x, y2: y + 6 }, style });
      return {
        type: 'group',
        children: [
          { type: 'line', shape: { x1: left, y1: y, x2: right, y2: y }, style },
          tick(left),
          tick(right),
          { type: 'circle', shape: { cx: dot, cy: y, r: 5.5 }, style: { fill: colour, stroke: dark ? '#1b1e26' : '#fff', lineWidth: 2 } },
        ],
      };
    };
    return {
      animation: false,
      grid: { left: 8, right: 24, top: 8, bottom: 4, containLabel: true },
      tooltip: {
        trigger: 'item',
        formatter: ({ dataIndex }: { dataIndex: number }) => {
          const line = shown[dataIndex];
          const safe = document.createElement('span');
          safe.textContent = line ? `${line.name}: ${figures.difference(line.metric, line.other.difference)} (${figures.difference(line.metric, line.other.low)} … ${figures.difference(line.metric, line.other.high)})` : '';
          return safe.innerHTML;
        },
      },
      xAxis: { type: 'value', min: -reach, max: reach, splitLine: { showMinLine: false, showMaxLine: false }, axisLabel: { formatter: (value: number) => (shown[0] ? figures.difference(shown[0].metric, value) : ''), hideOverlap: true, showMinLabel: false, showMaxLabel: false } },
      yAxis: { type: 'category', inverse: true, data: shown.map((line) => line.name), axisLine: { show: true, onZero: true, lineStyle: { color: dark ? '#6b7280' : '#9aa1ad', width: 1.5 } }, axisLabel: { width: 150, overflow: 'truncate' } },
      series: [{ type: 'custom', renderItem: render, encode: { x: [0, 2, 3], y: 1 }, data }],
    };
  }, [shown, figures, dark]);
  if (shown.length === 0) return null;
  const rows = shown.map(({ name, metric, other }) => [name, figures.difference(metric, other.difference), figures.difference(metric, other.low), figures.difference(metric, other.high)]);
  return <Chart label={label} option={option} height={40 + ROW * shown.length} table={{ head: [t('experiments.arm'), t('experiments.difference'), t('experiments.from'), t('experiments.to')], rows }} />;
}
