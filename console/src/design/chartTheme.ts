/** Colours that stay apart for colour-blind readers and read on both surfaces, in the order series take them. */
export const SERIES = ['#5b69dd', '#16a394', '#e08a2c', '#c2559b', '#5596d8', '#8a8f9c'] as const;

export function chartTheme(dark: boolean, language: string): object {
  const line = dark ? '#2a2e39' : '#e4e7ec';
  const text = dark ? '#9ea4b3' : '#5b6473';
  const numbers = new Intl.NumberFormat(language, { maximumFractionDigits: 6 });
  const axis = {
    axisLine: { lineStyle: { color: line } },
    axisTick: { show: false },
    axisLabel: { color: text, fontSize: 11 },
    splitLine: { lineStyle: { color: line, type: [3, 4] } },
  };
  return {
    color: [...SERIES],
    backgroundColor: 'transparent',
    textStyle: { fontFamily: "'Inter Variable', system-ui, sans-serif", color: text },
    legend: { textStyle: { color: text, fontSize: 12 }, icon: 'circle', itemWidth: 8, itemHeight: 8, itemGap: 16 },
    tooltip: {
      backgroundColor: dark ? '#252933' : '#ffffff',
      borderColor: line,
      textStyle: { color: dark ? '#d9dce4' : '#1d222b', fontSize: 12 },
      extraCssText: 'border-radius:8px;box-shadow:0 6px 20px rgba(10,14,25,.12);',
    },
    categoryAxis: { ...axis, splitLine: { show: false } },
    valueAxis: { ...axis, axisLine: { show: false }, axisLabel: { ...axis.axisLabel, formatter: (value: number) => numbers.format(value) } },
    timeAxis: { ...axis, splitLine: { show: false } },
  };
}
