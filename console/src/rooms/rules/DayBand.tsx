import { Group, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import styles from './rules.module.css';

interface Stretch {
  from: string;
  to: string;
}

interface DayBandProps {
  label: string;
  quiet: Stretch | null;
  windows: (Stretch & { days: readonly number[] })[];
}

const minutes = (clock: string) => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3, 5));

/** The parts of one day a stretch covers, in shares of it; past midnight it is two. */
export function parts({ from, to }: Stretch): { left: number; width: number }[] {
  const [start, end] = [minutes(from) / 1440, minutes(to) / 1440];
  if (end > start) return [{ left: start, width: end - start }];
  return [{ left: start, width: 1 - start }, { left: 0, width: end }].filter((one) => one.width > 0);
}

/** One day from midnight to midnight: where it is quiet, and where alone something is said. */
export function DayBand({ label, quiet, windows }: DayBandProps) {
  const { t } = useTranslation();
  const draw = (stretch: Stretch, kind: 'quiet' | 'window', key: string) =>
    parts(stretch).map((one) => <span key={`${key}-${one.left}`} className={styles.part} data-kind={kind} style={{ left: `${100 * one.left}%`, width: `${100 * one.width}%` }} />);
  const told = [
    quiet ? t('rules.band_quiet', { from: quiet.from, to: quiet.to }) : '',
    ...windows.map((one) => t('rules.band_window', { from: one.from, to: one.to })),
  ].filter(Boolean);
  return (
    <div role="img" aria-label={[label, ...(told.length > 0 ? told : [t('rules.band_open')])].join(', ')}>
      <div className={styles.band} data-narrowed={windows.length > 0 || undefined}>
        {windows.map((one, place) => draw(one, 'window', `w${place}`))}
        {quiet && draw(quiet, 'quiet', 'q')}
      </div>
      <Group justify="space-between" className={styles.clock} aria-hidden>
        {[0, 6, 12, 18, 24].map((hour) => <Text key={hour} size="xs" c="dimmed" className="tabular">{`${String(hour).padStart(2, '0')}:00`}</Text>)}
      </Group>
    </div>
  );
}
