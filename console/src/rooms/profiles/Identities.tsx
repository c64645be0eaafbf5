import { ActionIcon, Anchor, Button, Group, Stack, Text, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { useConfirm } from '@/design/Confirm';
import { useFormat } from '@/design/format';
import { IconPlus, IconTrash } from '@/design/icons';
import { Mark } from '@/design/Mark';
import { Panel } from '@/design/Panel';
import { done, failed } from '@/design/toast';
import { AddIdentity } from './AddIdentity';

type Identity = Schema<'IdentityShown'>;

/** Events of our own that carry no id of their sender's are named by their place: "1:37:who" is the 37th of lane 1. */
function spoken(message: string): string {
  const place = /^(\d+):(\d+)(:|$)/.exec(message);
  return place ? `${place[1]}-${place[2]}` : message;
}

/** By what we recognise this customer, since when and by whose word; the groups they are in, and who was merged into them. */
export function Identities({ customer }: { customer: Schema<'ProfileShown'> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const may = useMay('profiles:write');
  const [adding, dialog] = useDisclosure(false);
  const [question, ask] = useConfirm();
  const path = { profile_id: customer.id };
  const refresh = () => void client.invalidateQueries({ queryKey: ['profile'] });
  const merge = useMutation({
    mutationFn: (gone: number) => take(api.POST('/v1/profiles/{profile_id}/merge', { params: { path }, body: { profile_id: gone } })),
    onSuccess: refresh,
    onError: failed,
  });
  const unmerge = useMutation({
    mutationFn: (gone: number) => take(api.POST('/v1/profiles/{profile_id}/unmerge', { params: { path: { profile_id: gone } } })),
    onSuccess: (undone) => {
      refresh();
      done(t('profiles.unmerged'), () => merge.mutate(undone.profile_id));
    },
    onError: failed,
  });
  const give = useMutation({
    mutationFn: (one: { kind: string; value: string }) => take(api.POST('/v1/profiles/{profile_id}/identities', { params: { path }, body: one })),
    onSuccess: refresh,
    onError: failed,
  });
  const remove = useMutation({
    mutationFn: ({ kind, value }: Identity) =>
      take(api.POST('/v1/profiles/{profile_id}/identities/remove', { params: { path }, body: { kind, value } })),
    onSuccess: (_, { kind, value }) => {
      refresh();
      done(t('profiles.identity_removed'), () => give.mutate({ kind, value }));
    },
    onError: failed,
  });
  const confirmRemoval = async (one: Identity) => {
    const body = t('profiles.remove_identity_body');
    if (await ask({ title: t('profiles.remove_identity_title', { value: one.value }), body, confirm: t('profiles.remove_identity'), danger: true }))
      remove.mutate(one);
  };
  const kind = (name: string) => t(`identity.${name}`, { defaultValue: name });
  const origin = (one: Identity) =>
    [
      t('profiles.identity_since', { when: format.dateTime(one.claimed_at ?? one.created_at) }),
      one.with_kind && t('profiles.identity_with', { kind: kind(one.with_kind), value: one.with_value }),
      one.who ? t('profiles.identity_by', { who: one.who }) : one.message_id && t('profiles.identity_message', { id: spoken(one.message_id) }),
    ]
      .filter(Boolean)
      .join(' · ');
  return (
    <Panel
      title={t('profiles.identities')}
      actions={
        may && (
          <Button size="compact-xs" variant="default" leftSection={<IconPlus size={13} />} onClick={dialog.open}>
            {t('profiles.add_identity')}
          </Button>
        )
      }
    >
      <Stack gap={10}>
        {customer.identities.map((one) => (
          <Group key={`${one.kind}:${one.value}`} justify="space-between" wrap="nowrap" gap="sm" align="flex-start">
            <Text size="sm" c="dimmed" style={{ flexShrink: 0 }}>{kind(one.kind)}</Text>
            <Group gap={4} wrap="nowrap" align="flex-start">
              <div>
                <Text size="sm" fw={500} ta="right" style={{ overflowWrap: 'anywhere' }}>{one.value}</Text>
                <Text size="xs" c="dimmed" ta="right" style={{ overflowWrap: 'anywhere' }}>{origin(one)}</Text>
                {one.shared && (
                  <Tooltip label={t('profiles.shared_hint')} multiline w={260}>
                    <Text ta="right" component="div"><Mark colour="yellow" size="sm">{t('profiles.shared')}</Mark></Text>
                  </Tooltip>
                )}
              </div>
              {may && (
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  size="sm"
                  aria-label={t('profiles.remove_this', { value: one.value })}
                  onClick={() => void confirmRemoval(one)}
                >
                  <IconTrash size={13} />
                </ActionIcon>
              )}
            </Group>
          </Group>
        ))}
        {customer.identities.length === 0 && <Text size="sm" c="dimmed">{t('profiles.no_identities')}</Text>}
        {customer.former_identities.map((one) => (
          <Group key={`former:${one.kind}:${one.value}`} justify="space-between" wrap="nowrap" gap="sm">
            <Text size="sm" c="dimmed">{kind(one.kind)}</Text>
            <Text size="sm" c="dimmed" ta="right">{t('profiles.formerly', { value: one.value, when: format.date(one.at) })}</Text>
          </Group>
        ))}
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
      <AddIdentity customer={customer.id} opened={adding} onClose={dialog.close} />
      {question}
    </Panel>
  );
}
