import { Anchor, Button, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { useFormat } from '@/design/format';
import { Panel } from '@/design/Panel';
import { done, failed } from '@/design/toast';

/** By what we recognise this customer, the groups they are in, and the profiles merged into this one. */
export function Identities({ customer }: { customer: Schema<'ProfileShown'> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const may = useMay('profiles:write');
  const merge = useMutation({
    mutationFn: (gone: number) =>
      take(api.POST('/v1/profiles/{profile_id}/merge', { params: { path: { profile_id: customer.id } }, body: { profile_id: gone } })),
    onSuccess: () => void client.invalidateQueries({ queryKey: ['profile'] }),
    onError: failed,
  });
  const unmerge = useMutation({
    mutationFn: (gone: number) => take(api.POST('/v1/profiles/{profile_id}/unmerge', { params: { path: { profile_id: gone } } })),
    onSuccess: (undone) => {
      void client.invalidateQueries({ queryKey: ['profile'] });
      done(t('profiles.unmerged'), () => merge.mutate(undone.profile_id));
    },
    onError: failed,
  });
  return (
    <Panel title={t('profiles.identities')}>
      <Stack gap={10}>
        {customer.identities.map((one) => (
          <Group key={`${one.kind}:${one.value}`} justify="space-between" wrap="nowrap" gap="sm">
            <Text size="sm" c="dimmed" style={{ flexShrink: 0 }}>{t(`identity.${one.kind}`, { defaultValue: one.kind })}</Text>
            <Text size="sm" fw={500} ta="right" style={{ overflowWrap: 'anywhere' }} title={format.dateTime(one.created_at)}>{one.value}</Text>
          </Group>
        ))}
        {customer.identities.length === 0 && <Text size="sm" c="dimmed">{t('profiles.no_identities')}</Text>}
        {customer.groups.map((group) => (
          <Group key={group.id} justify="space-between" wrap="nowrap">
            <Text size="sm" c="dimmed">{t('profiles.group')}</Text>
            <Text size="sm" fw={500}>{group.id}</Text>
          </Group>
        ))}
        {customer.merged.map((one) => (
          <Group key={one.profile_id} justify="space-between" wrap="nowrap">
            <Text size="sm" c="dimmed">{t('profiles.merged_in', { id: one.profile_id, when: format.date(one.at) })}</Text>
            {may && (
              <Anchor component="button" size="sm" onClick={() => unmerge.mutate(one.profile_id)}>{t('profiles.unmerge')}</Anchor>
            )}
          </Group>
        ))}
        {unmerge.isPending && <Button loading variant="subtle" size="xs">{t('common.working')}</Button>}
      </Stack>
    </Panel>
  );
}
