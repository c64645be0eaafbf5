import { Button, Drawer, Group, Modal, Stack } from '@mantine/core';
import type { FormEvent, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemAlert } from './ProblemAlert';

interface SaveFormProps {
  /** The mutation that saves: whether it runs, and what went wrong. */
  saving: { isPending: boolean; error: unknown };
  onSubmit: (event: FormEvent<HTMLFormElement>) => void;
  onClose: () => void;
  children: ReactNode;
  /** What the button says; Save unless told. */
  action?: string;
  /** What the other button says; Cancel unless told. */
  leave?: string;
  disabled?: boolean;
}

/** A form: what went wrong above its fields, Cancel and Save below. */
export function SaveForm({ saving, onSubmit, onClose, children, action, leave, disabled }: SaveFormProps) {
  const { t } = useTranslation();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    onSubmit(event);
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <ProblemAlert error={saving.error} />
        {children}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>{leave ?? t('common.cancel')}</Button>
          <Button type="submit" loading={saving.isPending} disabled={disabled}>{action ?? t('common.save')}</Button>
        </Group>
      </Stack>
    </form>
  );
}

/** A form in a dialog. */
export function FormDialog({ title, ...form }: SaveFormProps & { title: string }) {
  const { t } = useTranslation();
  return (
    <Modal opened onClose={form.onClose} title={title} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <SaveForm {...form} />
    </Modal>
  );
}

/** A form in a drawer. */
export function FormDrawer({ title, size = 'md', ...form }: SaveFormProps & { title: string; size?: 'md' | 'lg' }) {
  const { t } = useTranslation();
  return (
    <Drawer opened onClose={form.onClose} position="right" size={size} title={title} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <SaveForm {...form} />
    </Drawer>
  );
}
