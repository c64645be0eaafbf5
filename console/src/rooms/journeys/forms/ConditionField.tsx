import { Button, Group, Input, Modal, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconEdit } from '@/design/icons';
import { GroupEditor } from '../../segments/builder/GroupEditor';
import styles from '../../segments/builder/builder.module.css';
import { Sentence } from '../../segments/Sentence';
import { asGroup, isEmpty } from '../../segments/tree';
import type { Node } from '../../segments/types';
import { EVERYBODY } from './form';

interface ConditionFieldProps {
  label: string;
  value: Node | null | undefined;
  onChange: (node: Node) => void;
}

/** A condition as a sentence; it is built as segments are, in a window with room for it. */
export function ConditionField({ label, value, onChange }: ConditionFieldProps) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const group = asGroup(value ?? (EVERYBODY as unknown as Node));
  const empty = isEmpty(group);
  return (
    <Input.Wrapper label={label} labelElement="div">
      <Group gap="xs" wrap="nowrap" align="flex-start" role="group" aria-label={label}>
        <Text size="sm" style={{ flex: 1, overflowWrap: 'anywhere' }} c={empty ? 'dimmed' : undefined}>{empty ? t('journeys.no_condition') : <Sentence node={group} />}</Text>
        <Button size="compact-sm" variant="default" leftSection={<IconEdit size={14} />} onClick={() => setOpen(true)}>{t('common.edit')}</Button>
      </Group>
      <Modal opened={open} onClose={() => setOpen(false)} size={920} title={label} closeButtonProps={{ 'aria-label': t('common.close') }}>
        <div data-builder>
          <GroupEditor node={group} depth={1} path="tree" onChange={onChange} />
        </div>
        {!empty && <div className={styles.said} role="note" aria-label={t('build.in_words')}><Sentence node={group} /></div>}
        <Group justify="flex-end" mt="md"><Button onClick={() => setOpen(false)}>{t('journeys.ready')}</Button></Group>
      </Modal>
    </Input.Wrapper>
  );
}
