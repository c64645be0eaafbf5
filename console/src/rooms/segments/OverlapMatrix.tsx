import { ScrollArea, SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { useFormat } from '@/design/format';
import styles from './sets.module.css';

type Shown = 'share' | 'jaccard' | 'both';

/** Every pair of segments at once: how many are in both, the share of the row's, or the likeness of the two. */
export function OverlapMatrix({ overlap }: { overlap: Schema<'Overlap'> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [shown, setShown] = useState<Shown>('share');
  const { segments } = overlap;
  const cell = (row: number, column: number): { text: string; heat: number } => {
    const pair = overlap.pairs.find((one) => (one.first === row && one.second === column) || (one.first === column && one.second === row));
    if (!pair) return { text: '', heat: 0 };
    const share = pair.first === row ? pair.of_first : pair.of_second;
    if (shown === 'jaccard') return { text: format.percent(pair.jaccard, 1), heat: pair.jaccard };
    return { text: shown === 'both' ? format.compact(pair.both) : format.percent(share, 1), heat: share };
  };
  return (
    <>
      <SegmentedControl
        size="xs"
        mb="sm"
        aria-label={t('sets.shown')}
        value={shown}
        onChange={(next) => setShown(next as Shown)}
        data={(['share', 'jaccard', 'both'] as const).map((one) => ({ value: one, label: t(`sets.shown_${one}`) }))}
      />
      <ScrollArea type="auto" viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': t('sets.matrix') }}>
        <table className={styles.matrix} aria-label={t('sets.matrix')}>
          <thead>
            <tr>
              <td />
              {segments.map((one, place) => <th key={one.id} scope="col" title={one.name} aria-label={one.name}>{place + 1}</th>)}
            </tr>
          </thead>
          <tbody>
            {segments.map((row, place) => (
              <tr key={row.id}>
                <th scope="row">{`${place + 1} · ${row.name}`}</th>
                {segments.map((column) => {
                  if (column.id === row.id) return <td key={column.id} className={styles.self}>{format.compact(row.size)}</td>;
                  const { text, heat } = cell(row.id, column.id);
                  return <td key={column.id} style={{ background: `color-mix(in srgb, var(--mantine-color-iris-5) ${Math.round(heat * 50)}%, transparent)` }}>{text}</td>;
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollArea>
    </>
  );
}
