import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useSession } from '@/api/session';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';
import { CustomerPicker } from '../profiles/CustomerPicker';

/** Sends a campaign's message to an address of staff before anybody else gets it. */
export function CampaignTest({ id, onClose }: { id: number; onClose: () => void }) {
  const { t } = useTranslation();
  const me = useSession().data;
  const [address, setAddress] = useState(me?.email ?? '');
  const [profile, setProfile] = useState<number | null>(null);
  const send = useMutation({
    mutationFn: () =>
      take(
        api.POST('/v1/campaigns/{campaign_id}/test', {
          params: { path: { campaign_id: id } },
          body: { address, as_profile: profile },
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
          <TextInput label={t('access.email')} type="email" required data-autofocus value={address} onChange={(event) => setAddress(event.currentTarget.value)} />
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
