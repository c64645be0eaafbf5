import { Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { SERIES } from '@/design/chartTheme';
import { useFormat } from '@/design/format';
import { draw } from './euler';
import styles from './sets.module.css';

const LEAST_ROOM = 13;

/** One to three segments as circles that overlap as they do, with the count of every part, also as a list. */
export function Euler({ overlap }: { overlap: Schema<'Overlap'> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const ids = overlap.segments.map((one) => one.id);
  const names = new Map(overlap.segments.map((one) => [one.id, one.name]));
  const drawn = draw(ids, overlap.regions);
  const colour = (id: number) => SERIES[ids.indexOf(id)] ?? SERIES[0];
  const bits = (region: number[]) => region.reduce((sum, id) => sum | (1 << ids.indexOf(id)), 0);
  const called = (region: number[]) => {
    const inside = format.list(region.map((id) => names.get(id) ?? ''));
    return region.length === ids.length || ids.length === 1 ? inside : t('sets.only_in', { names: inside });
  };
  return (
    <div className={styles.euler}>
      <svg viewBox={`0 0 ${drawn.width} ${drawn.height}`} className={styles.drawing} role="img" aria-label={t('sets.drawing', { names: format.list([...names.values()]) })}>
        {drawn.circles.map((one, place) => (
          <circle key={ids[place]} cx={one.x} cy={one.y} r={one.r} fill={SERIES[place]} fillOpacity={0.24} stroke={SERIES[place]} strokeWidth={2} />
        ))}
        {overlap.regions.map((region) => {
          const place = drawn.places.get(bits(region.ids));
          if (!place || place.room < LEAST_ROOM || region.count === 0) return null;
          return <text key={region.ids.join()} x={place.x} y={place.y} className={styles.count}>{format.compact(region.count)}</text>;
        })}
      </svg>
      <Stack gap={6} component="ul" className={styles.list} aria-label={t('sets.parts')}>
        {overlap.regions.map((region) => (
          <Group component="li" key={region.ids.join()} gap="xs" wrap="nowrap">
            <span className={styles.dots} aria-hidden>
              {region.ids.map((id) => <i key={id} style={{ background: colour(id) }} />)}
            </span>
            <Text size="sm" style={{ flex: 1 }}>{called(region.ids)}</Text>
            <Text size="sm" fw={600} className="tabular">{format.number(region.count)}</Text>
          </Group>
        ))}
        <Group component="li" gap="xs" wrap="nowrap" className={styles.total}>
          <Text size="sm" style={{ flex: 1 }}>{t('sets.together')}</Text>
          <Text size="sm" fw={600} className="tabular">{format.number(overlap.total)}</Text>
        </Group>
      </Stack>
    </div>
  );
}
