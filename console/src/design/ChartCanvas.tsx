import { BarChart, CustomChart, FunnelChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TooltipComponent } from 'echarts/components';
import { init, use, type EChartsCoreOption, type EChartsType } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import { useEffect, useRef } from 'react';
import { chartTheme } from './chartTheme';

use([BarChart, CustomChart, FunnelChart, LineChart, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer]);

interface CanvasProps {
  option: EChartsCoreOption;
  height: number;
  dark: boolean;
  language: string;
  onClick?: (name: string, seriesName: string) => void;
}

/** ECharts itself; loaded lazily by `Chart`. */
export default function ChartCanvas({ option, height, dark, language, onClick }: CanvasProps) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);
  const click = useRef(onClick);
  click.current = onClick;

  useEffect(() => {
    if (!box.current) return;
    const drawn = init(box.current, chartTheme(dark, language));
    chart.current = drawn;
    drawn.on('click', (event) => click.current?.(String(event.name), String(event.seriesName)));
    const watch = new ResizeObserver(() => drawn.resize());
    watch.observe(box.current);
    return () => {
      watch.disconnect();
      drawn.dispose();
      chart.current = null;
    };
  }, [dark, language]);

  useEffect(() => {
    chart.current?.setOption(option, { notMerge: false });
  }, [option, dark, language]);

  return <div ref={box} style={{ height, width: '100%' }} aria-hidden="true" />;
}
