import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useSession } from '@/api/session';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';
import { CustomerPicker } from '../profiles/CustomerPicker';

interface TestSendProps {
  channel: string;
  versionId: number;
  accountId?: number | null;
  onClose: () => void;
}

/** Sends a version to an address of staff, written as to a chosen customer. */
export function TestSend({ channel, versionId, accountId, onClose }: TestSendProps) {
  const { t } = useTranslation();
  const me = useSession().data;
  const [address, setAddress] = useState(channel === 'email' ? (me?.email ?? '') : '');
  const [profile, setProfile] = useState<number | null>(null);
  const send = useMutation({
    mutationFn: () =>
      take(
        api.POST('/v1/test-sends', {
          body: {
            address,
            channel,
            template_version_id: versionId,
            account_id: accountId ?? null,
            as_profile: profile,
            subject: '',
            text: '',
          },
        }),
      ),
    onSuccess: () => {
      done(t('content.test_sent', { address }));
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    send.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={t('content.test')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Text size="sm" c="dimmed">{t('content.test_hint')}</Text>
          <ProblemAlert error={send.error} />
          <TextInput label={channel === 'email' ? t('access.email') : t('content.test_address')} type={channel === 'email' ? 'email' : 'text'} required data-autofocus value={address} onChange={(event) => setAddress(event.currentTarget.value)} />
          <CustomerPicker label={t('content.as_customer')} value={profile} onChange={setProfile} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
            <Button type="submit" loading={send.isPending}>{t('content.send_test')}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
