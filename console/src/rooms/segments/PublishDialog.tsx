import { Button, Group, Modal } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { MembersDiff } from './MembersDiff';
import type { Node } from './types';

interface PublishDialogProps {
  segmentId: number;
  version: number;
  tree: Node;
  onClose: () => void;
  onPublish: () => void;
}

/** Before other conditions are in force: who would come and who would go. */
export function PublishDialog({ segmentId, version, tree, onClose, onPublish }: PublishDialogProps) {
  const { t } = useTranslation();
  return (
    <Modal opened onClose={onClose} size="xl" title={t('sets.before_publishing', { version })} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <MembersDiff segmentId={segmentId} compared={{ tree }} />
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onClose}>{t('sets.keep_writing')}</Button>
        <Button onClick={onPublish} data-autofocus>{t('sets.publish_version', { version })}</Button>
      </Group>
    </Modal>
  );
}
