import { Tooltip, UnstyledButton } from '@mantine/core';
import { Handle, Position, type NodeProps } from '@xyflow/react';
import { memo } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/design/format';
import { IconAlert, IconPeople } from '@/design/icons';
import { exitsOf } from '../exits';
import { COLOURS, faceOf, groupOf } from '../faces';
import { stepOf } from '../model';
import { useExitName, useKindName, useSummary } from '../told';
import type { Drawn } from './nodes';
import { useAround } from './state';
import styles from './canvas.module.css';

/** One step: what it is, what it does in a line, and a way on for each of its exits. */
export const StepNode = memo(function StepNode({ data, selected }: NodeProps<Drawn>) {
  const { t } = useTranslation();
  const format = useFormat();
  const around = useAround();
  const kindName = useKindName();
  const summary = useSummary(around.definition);
  const exitName = useExitName();
  const key = data.key ?? '';
  const step = stepOf(around.definition, key);
  if (!step) return null;
  const Face = faceOf(step.kind);
  const kind = around.kinds.get(step.kind);
  const exits = exitsOf(step, around.kinds);
  const found = around.findings.filter((one) => one.step === key);
  const level = found.some((one) => one.level === 'error') ? 'error' : found.length > 0 ? 'warning' : undefined;
  const waiting = around.numbers?.waiting.get(key) ?? 0;
  const several = exits.length > 1;
  const name = step.title || kindName(step.kind);
  return (
    <div
      className={styles.step}
      style={{ '--tone': `var(--mantine-color-${COLOURS[groupOf(kind?.group ?? '')]}-6)` } as React.CSSProperties}
      data-selected={selected || undefined}
      data-level={level}
      data-change={around.changes.get(key)}
      data-key={key}
    >
      <Handle type="target" position={Position.Left} className={styles.in} />
      <div className={styles.head}>
        <span className={styles.face} aria-hidden><Face size={18} stroke={1.7} /></span>
        <span className={styles.words}>
          <span className={styles.name}>{name}</span>
          <span className={styles.line}>{summary(step) || kindName(step.kind)}</span>
        </span>
        {level && (
          <Tooltip label={found.map((one) => one.message).filter(Boolean).join(' ')}>
            <span className={styles.found} data-level={level}><IconAlert size={15} aria-hidden /></span>
          </Tooltip>
        )}
      </div>
      {waiting > 0 && (
        <UnstyledButton tabIndex={-1} className={`${styles.waiting} nodrag nopan`} aria-label={t('journeys.waiting_at', { count: waiting, shown: format.number(waiting), step: name })} onClick={() => around.onNumber?.(key)}>
          <IconPeople size={13} aria-hidden />
          {format.compact(waiting)}
        </UnstyledButton>
      )}
      {several && (
        <ul className={styles.exits}>
          {exits.map((exit) => (
            <li key={exit} className={styles.exit} data-open={step.next[exit] ? undefined : true}>
              <span>{exitName(exit, step)}</span>
              <Handle type="source" position={Position.Right} id={exit} className={styles.out} />
            </li>
          ))}
        </ul>
      )}
      {!several && exits[0] && <Handle type="source" position={Position.Right} id={exits[0]} className={styles.out} />}
    </div>
  );
});
