import { Button, Group, Modal, Text } from '@mantine/core';
import { useCallback, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

interface Question {
  title: string;
  body: ReactNode;
  confirm: string;
  danger?: boolean;
}

/** Asks before something that cannot be taken back. Returns the dialog to place, and `ask`, which answers yes or no. */
export function useConfirm(): [ReactNode, (question: Question) => Promise<boolean>] {
  const { t } = useTranslation();
  const [open, setOpen] = useState<{ question: Question; answer: (yes: boolean) => void } | null>(null);
  const ask = useCallback(
    (question: Question) => new Promise<boolean>((answer) => setOpen({ question, answer })),
    [],
  );
  const close = (yes: boolean) => {
    open?.answer(yes);
    setOpen(null);
  };
  const dialog = (
    <Modal
      opened={open !== null}
      onClose={() => close(false)}
      title={open?.question.title}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <Text size="sm" component="div">{open?.question.body}</Text>
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={() => close(false)} data-autofocus>{t('common.cancel')}</Button>
        <Button color={open?.question.danger ? 'red.9' : undefined} onClick={() => close(true)}>{open?.question.confirm}</Button>
      </Group>
    </Modal>
  );
  return [dialog, ask];
}
