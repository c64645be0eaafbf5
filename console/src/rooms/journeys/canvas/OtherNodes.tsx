import { ActionIcon, ColorSwatch, Group, Menu, TextInput, Textarea, UnstyledButton } from '@mantine/core';
import { Handle, NodeResizer, Position, type NodeProps } from '@xyflow/react';
import { memo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/design/format';
import { IconClose, IconDoor, IconEdit } from '@/design/icons';
import { useEntries } from '../told';
import { ENTRANCE, type Drawn } from './nodes';
import { useAround } from './state';
import styles from './canvas.module.css';

/** How people come in. */
export const EntranceNode = memo(function EntranceNode({ selected }: NodeProps<Drawn>) {
  const { t } = useTranslation();
  const format = useFormat();
  const around = useAround();
  const entries = useEntries(around.definition);
  const entered = around.numbers?.entered;
  const wrong = around.findings.some((one) => one.level === 'error' && !one.step);
  return (
    <div className={styles.entrance} data-selected={selected || undefined} data-level={wrong ? 'error' : undefined}>
      <div className={styles.head}>
        <span className={styles.face} aria-hidden><IconDoor size={18} stroke={1.7} /></span>
        <span className={styles.words}>
          <span className={styles.name}>{t('journeys.entrance')}</span>
          <span className={styles.line}>{entries.length > 0 ? format.list(entries) : t('journeys.no_entry')}</span>
        </span>
      </div>
      {entered !== undefined && <span className={styles.entered}>{t('journeys.entered_n', { count: entered, shown: format.number(entered) })}</span>}
      {!around.readOnly && (
        <UnstyledButton className={`${styles.edit} nodrag`} onClick={() => around.onOpen(ENTRANCE)}>{t('journeys.change_rules')}</UnstyledButton>
      )}
      <Handle type="source" position={Position.Right} id="next" className={styles.out} />
    </div>
  );
});

/** A remark; written where it stands. */
export const NoteNode = memo(function NoteNode({ data, selected }: NodeProps<Drawn>) {
  const { t } = useTranslation();
  const around = useAround();
  const at = data.at ?? 0;
  const note = around.definition.canvas.comments[at];
  if (!note) return null;
  return (
    <div className={styles.note} data-selected={selected || undefined}>
      {!around.readOnly && (
        <NodeResizer isVisible={selected} minWidth={120} minHeight={50} onResizeEnd={(_, size) => around.onEdit({ do: 'note', at, part: { x: size.x, y: size.y, width: size.width, height: size.height } })} />
      )}
      <Textarea
        className="nodrag nowheel"
        classNames={{ input: styles.writing }}
        variant="unstyled"
        aria-label={t('journeys.comment')}
        placeholder={t('journeys.comment_hint')}
        maxLength={5000}
        readOnly={around.readOnly}
        value={note.text}
        onBlur={() => !around.readOnly && note.text.trim() === '' && around.onEdit({ do: 'note', at, part: null })}
        onChange={(event) => around.onEdit({ do: 'note', at, part: { text: event.currentTarget.value } })}
      />
      {!around.readOnly && (
        <ActionIcon tabIndex={-1} className={`${styles.gone} nodrag`} size="xs" variant="subtle" color="gray" aria-label={t('journeys.comment_remove')} onClick={() => around.onEdit({ do: 'note', at, part: null })}><IconClose size={12} /></ActionIcon>
      )}
    </div>
  );
});

const TINTS = ['', 'iris', 'teal', 'orange', 'grape', 'red'];
const tint = (color: string) => `var(--mantine-color-${TINTS.includes(color) && color ? color : 'gray'}-6)`;

/** A frame around steps that belong together; dragged by its title, with all that is in it. */
export const FrameNode = memo(function FrameNode({ data }: NodeProps<Drawn>) {
  const { t } = useTranslation();
  const around = useAround();
  const at = data.at ?? 0;
  const frame = around.definition.canvas.groups[at];
  const [writing, setWriting] = useState(false);
  if (!frame) return null;
  const put = (part: Partial<typeof frame> | null) => around.onEdit({ do: 'frame', at, part });
  return (
    <div className={styles.frame} style={{ '--tint': tint(frame.color) } as React.CSSProperties}>
      <Group className={styles.title} data-drag gap={2} wrap="nowrap">
        {writing ? (
          <TextInput className="nodrag" size="xs" autoFocus aria-label={t('journeys.frame_title')} defaultValue={frame.title} maxLength={200} onBlur={(event) => { put({ title: event.currentTarget.value }); setWriting(false); }} onKeyDown={(event) => { event.stopPropagation(); if (event.key === 'Enter') event.currentTarget.blur(); }} />
        ) : (
          <span>{frame.title || t('journeys.frame')}</span>
        )}
        {!around.readOnly && !writing && (
          <Menu position="bottom-start">
            <Menu.Target><ActionIcon className="nodrag" size="xs" variant="subtle" color="gray" aria-label={t('journeys.frame_change', { title: frame.title })}><IconEdit size={12} /></ActionIcon></Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => setWriting(true)}>{t('journeys.frame_rename')}</Menu.Item>
              {TINTS.map((color) => (
                <Menu.Item key={color} leftSection={<ColorSwatch size={12} color={tint(color)} />} onClick={() => put({ color })}>{t(`journeys.tint_${color || 'gray'}`)}</Menu.Item>
              ))}
              <Menu.Item onClick={() => put(null)}>{t('journeys.frame_remove')}</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )}
      </Group>
    </div>
  );
});
