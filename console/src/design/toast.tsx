import { Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import i18next from 'i18next';
import { nextStep, Problem } from '@/api/problem';
import { IconAlert, IconCheck } from './icons';

/** Says that something was done; `undo` offers the way back for as long as the toast is shown. */
export function done(message: string, undo?: () => void): void {
  const id = `done-${Date.now()}`;
  notifications.show({
    id,
    color: 'teal',
    icon: <IconCheck size={16} />,
    autoClose: undo ? 9000 : 4000,
    closeButtonProps: { 'aria-label': i18next.t('common.close') },
    message: undo ? (
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm">{message}</Text>
        <Button
          size="compact-xs"
          variant="light"
          onClick={() => {
            notifications.hide(id);
            undo();
          }}
        >
          {i18next.t('common.undo')}
        </Button>
      </Group>
    ) : (
      message
    ),
  });
}

/** Says that something failed, and what to do about it. */
export function failed(error: unknown): void {
  const detail = error instanceof Problem ? error.message : i18next.t('problem.unreachable');
  notifications.show({
    color: 'red',
    icon: <IconAlert size={16} />,
    autoClose: 9000,
    title: detail,
    closeButtonProps: { 'aria-label': i18next.t('common.close') },
    message: i18next.t(nextStep(error)),
  });
}
