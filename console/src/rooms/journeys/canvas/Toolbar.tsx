import { ActionIcon, Button, Divider, Tooltip } from '@mantine/core';
import { useReactFlow } from '@xyflow/react';
import type { ComponentType, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { IconArrange, IconCopy, IconFit, IconFrame, IconKeyboard, IconNote, IconPaste, IconPlus, IconRedo, IconTrash, IconUndo, IconZoomIn, IconZoomOut } from '@/design/icons';
import styles from './canvas.module.css';

interface ToolbarProps {
  undo?: () => void;
  redo?: () => void;
  add?: () => void;
  copy?: () => void;
  paste?: () => void;
  remove?: () => void;
  group?: () => void;
  comment?: () => void;
  arrange?: () => void;
  help: () => void;
  editing: boolean;
  children?: ReactNode;
}

/** What can be done to the board by a press. */
export function Toolbar(props: ToolbarProps) {
  const { t } = useTranslation();
  const flow = useReactFlow();
  const one = (name: string, Icon: ComponentType<{ size?: number }>, act: (() => void) | undefined) => (
    <Tooltip key={name} label={t(`journeys.tool.${name}`)}>
      <ActionIcon variant="subtle" color="gray" aria-label={t(`journeys.tool.${name}`)} disabled={!act} onClick={act}><Icon size={17} /></ActionIcon>
    </Tooltip>
  );
  return (
    <div className={styles.bar} role="toolbar" aria-label={t('journeys.tools')}>
      {props.editing && (
        <>
          <Button size="compact-sm" variant="light" leftSection={<IconPlus size={14} />} onClick={props.add}>{t('journeys.tool.add')}</Button>
          <Divider orientation="vertical" mx={4} />
          {one('undo', IconUndo, props.undo)}
          {one('redo', IconRedo, props.redo)}
          {one('copy', IconCopy, props.copy)}
          {one('paste', IconPaste, props.paste)}
          {one('remove', IconTrash, props.remove)}
          {one('group', IconFrame, props.group)}
          {one('comment', IconNote, props.comment)}
          {one('arrange', IconArrange, props.arrange)}
          <Divider orientation="vertical" mx={4} />
        </>
      )}
      {one('zoom_in', IconZoomIn, () => void flow.zoomIn())}
      {one('zoom_out', IconZoomOut, () => void flow.zoomOut())}
      {one('fit', IconFit, () => void flow.fitView({ maxZoom: 1, padding: 0.15 }))}
      {one('help', IconKeyboard, props.help)}
      <span style={{ flex: 1 }} />
      {props.children}
    </div>
  );
}
