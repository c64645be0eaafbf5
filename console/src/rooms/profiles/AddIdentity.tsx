import { Button, Group, Modal, Select, Stack, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';

/** Gives a customer one more identity: what they said on the telephone, or at the counter. */
export function AddIdentity({ customer, opened, onClose }: { customer: number; opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [kind, setKind] = useState<string | null>('email');
  const [value, setValue] = useState('');
  const kinds = useQuery({ queryKey: ['identity-kinds'], queryFn: () => take(api.GET('/v1/identity-kinds')), enabled: opened });
  const add = useMutation({
    mutationFn: () =>
      take(api.POST('/v1/profiles/{profile_id}/identities', {
        params: { path: { profile_id: customer } },
        body: { kind: kind ?? 'email', value },
      })),
    onSuccess: () => {
      done(t('profiles.identity_added'));
      setValue('');
      onClose();
      void client.invalidateQueries({ queryKey: ['profile'] });
    },
  });
  const options = (kinds.data?.items ?? []).map((one) => ({ value: one.name, label: t(`identity.${one.name}`, { defaultValue: one.title }) }));
  return (
    <Modal opened={opened} onClose={onClose} title={t('profiles.add_identity')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          add.mutate();
        }}
      >
        <Stack>
          <ProblemAlert error={add.error} />
          <Select label={t('profiles.identity_kind')} data={options} value={kind} onChange={setKind} allowDeselect={false} />
          <TextInput label={t('profiles.identity_value')} value={value} onChange={(event) => setValue(event.currentTarget.value)} data-autofocus required />
          <Group justify="flex-end">
            <Button type="submit" loading={add.isPending} disabled={value.trim() === ''}>{t('profiles.add')}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
