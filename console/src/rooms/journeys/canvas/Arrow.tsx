import { UnstyledButton } from '@mantine/core';
import { BaseEdge, EdgeLabelRenderer, getBezierPath, type EdgeProps } from '@xyflow/react';
import { memo } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/design/format';
import { START, stepOf } from '../model';
import { useExitName, useStepName } from '../told';
import { ENTRANCE } from './nodes';
import { arrowOf, useAround } from './state';
import styles from './canvas.module.css';

/** An arrow, and on it how many went that way. One that leads back goes round below the steps. */
export const Arrow = memo(function Arrow(props: EdgeProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const around = useAround();
  const exitName = useExitName();
  const stepName = useStepName(around.definition);
  const { source, target, sourceHandleId, sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition } = props;
  const exit = sourceHandleId ?? 'next';
  const from = source === ENTRANCE ? START : source;
  const back = targetX < sourceX + 10;
  const low = Math.max(sourceY, targetY) + 110;
  const [bezier] = getBezierPath({ sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition });
  const round = `M${sourceX},${sourceY} C${sourceX + 90},${sourceY} ${sourceX + 90},${low} ${sourceX - 20},${low} L${targetX + 20},${low} C${targetX - 90},${low} ${targetX - 90},${targetY} ${targetX},${targetY}`;
  // Beside the exit, where no other arrow's number can be.
  const [x, y] = [sourceX + 26, sourceY];
  const count = around.numbers && from !== START ? (around.numbers.arrows.get(arrowOf(from, exit)) ?? 0) : undefined;
  const step = stepOf(around.definition, from);
  return (
    <>
      <BaseEdge id={props.id} path={back ? round : bezier} markerEnd={props.markerEnd} interactionWidth={props.interactionWidth} className={styles.arrow} />
      {count !== undefined && (
        <EdgeLabelRenderer>
          <UnstyledButton
            className={`${styles.count} nodrag nopan`}
            style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}
            tabIndex={-1}
            data-none={count === 0 || undefined}
            data-expected={around.numbers?.expected || undefined}
            disabled={!around.onNumber}
            aria-label={t(around.numbers?.expected ? 'journeys.expected_by' : 'journeys.went_by', { count: Math.round(count), shown: format.number(Math.round(count)), exit: exitName(exit, step), from: stepName(from), to: stepName(target) })}
            onClick={() => around.onNumber?.(from, exit)}
          >
            {format.compact(count)}
          </UnstyledButton>
        </EdgeLabelRenderer>
      )}
    </>
  );
});
