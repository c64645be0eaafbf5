import { Box, Skeleton, VisuallyHidden, useComputedColorScheme } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import type { EChartsCoreOption } from 'echarts/core';

const Canvas = lazy(() => import('./ChartCanvas'));

interface ChartProps {
  /** What the chart shows, for those who cannot see it. */
  label: string;
  option: EChartsCoreOption;
  height?: number;
  /** The same numbers as a table for screen readers: the first column, then one for each series. */
  table?: { head: string[]; rows: (string | number)[][] };
  onClick?: (name: string, seriesName: string) => void;
}

/** A chart whose drawing code is fetched only when one is on the page, with its numbers as a table beside it. */
export function Chart({ label, option, height = 240, table, onClick }: ChartProps) {
  const { i18n } = useTranslation();
  const scheme = useComputedColorScheme('light');
  return (
    <Box component="figure" m={0}>
      <Box role="img" aria-label={label}>
        <Suspense fallback={<Skeleton height={height} />}>
          <Canvas option={option} height={height} dark={scheme === 'dark'} language={i18n.language} onClick={onClick} />
        </Suspense>
      </Box>
      {table && (
        <VisuallyHidden>
          <table>
            <caption>{label}</caption>
            <thead><tr>{table.head.map((head) => <th key={head} scope="col">{head}</th>)}</tr></thead>
            <tbody>
              {table.rows.map((row, line) => (
                <tr key={line}>{row.map((cell, column) => <td key={column}>{cell}</td>)}</tr>
              ))}
            </tbody>
          </table>
        </VisuallyHidden>
      )}
    </Box>
  );
}
