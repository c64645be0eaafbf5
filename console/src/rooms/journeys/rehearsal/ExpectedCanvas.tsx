import { ReactFlowProvider } from '@xyflow/react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { Canvas } from '../canvas/Canvas';
import { arrowOf, type Around } from '../canvas/state';
import { exitsOf, type Kind } from '../exits';
import { placesOf } from '../layout';
import type { Definition } from '../model';
import styles from '../journeys.module.css';

const NONE: never[] = [];
const UNCHANGED = new Map<never, never>();
const nothing = () => undefined;

interface ExpectedCanvasProps {
  report: Schema<'RehearsalReport'>;
  definition: Definition;
  kinds: ReadonlyMap<string, Kind>;
}

/** The journey with how many would go by each arrow, and how many would still wait at the end. */
export function ExpectedCanvas({ report, definition, kinds }: ExpectedCanvasProps) {
  const { t } = useTranslation();
  const places = useMemo(() => placesOf(definition, (step) => exitsOf(step, kinds)), [definition, kinds]);
  const around: Around = useMemo(() => {
    const arrows = new Map<string, number>();
    for (const one of report.arrows) if (one.how === 'went') arrows.set(arrowOf(one.step, one.did), (arrows.get(arrowOf(one.step, one.did)) ?? 0) + one.people);
    const waiting = new Map(report.waiting.map((one) => [one.step, one.people]));
    return { definition, kinds, readOnly: true, findings: NONE, changes: UNCHANGED, numbers: { expected: true, entered: report.entered, arrows, waiting }, onEdit: nothing, onOpen: nothing };
  }, [report, definition, kinds]);
  return (
    <div className={styles.half}>
      <ReactFlowProvider><Canvas label={t('rehearsal.board')} around={around} places={places} selected={NONE} onSelect={nothing} small /></ReactFlowProvider>
    </div>
  );
}
