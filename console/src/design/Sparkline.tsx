const WIDTH = 96;
const HEIGHT = 24;

interface SparklineProps {
  /** What it shows, in words: it is a picture. */
  label: string;
  /** Null where there was nothing to measure yet. */
  values: (number | null)[];
}

/** How a number went, as small as a word. Its scale is its own. */
export function Sparkline({ label, values }: SparklineProps) {
  const known = values.flatMap((value, at) => (value === null ? [] : [{ at, value }]));
  if (known.length < 2) return null;
  const least = Math.min(...known.map((one) => one.value));
  const span = Math.max(...known.map((one) => one.value)) - least;
  const x = (at: number) => 2 + (at / (values.length - 1)) * (WIDTH - 4);
  const y = (value: number) => (span === 0 ? HEIGHT / 2 : HEIGHT - 3 - ((value - least) / span) * (HEIGHT - 6));
  const last = known[known.length - 1]!;
  return (
    <svg role="img" aria-label={label} width={WIDTH} height={HEIGHT} style={{ display: 'block' }}>
      <title>{label}</title>
      <polyline
        points={known.map((one) => `${x(one.at)},${y(one.value)}`).join(' ')}
        fill="none"
        stroke="var(--mantine-primary-color-filled)"
        strokeWidth={1.5}
        strokeLinejoin="round"
      />
      <circle cx={x(last.at)} cy={y(last.value)} r={2} fill="var(--mantine-primary-color-filled)" />
    </svg>
  );
}
