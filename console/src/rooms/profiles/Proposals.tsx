import { Alert, Anchor, Button, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { IconInfo } from '@/design/icons';
import { done, failed } from '@/design/toast';

/** Known people who share an identity: somebody decides whether they are one. Nothing is shown when nobody waits. */
export function Proposals() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay('profiles:write');
  const open = useQuery({
    queryKey: ['proposals'],
    queryFn: () => take(api.GET('/v1/merge-proposals', { params: { query: { state: 'open', limit: 5 } } })),
    enabled: may,
  });
  const decide = useMutation({
    mutationFn: ({ id, accept }: { id: number; accept: boolean }) => {
      const params = { params: { path: { proposal_id: id } } };
      return accept
        ? take(api.POST('/v1/merge-proposals/{proposal_id}/accept', params))
        : take(api.POST('/v1/merge-proposals/{proposal_id}/refuse', params));
    },
    onSuccess: (_, { accept }) => {
      done(t(accept ? 'profiles.merged_done' : 'profiles.refused_done'));
      void client.invalidateQueries({ queryKey: ['proposals'] });
      void client.invalidateQueries({ queryKey: ['profiles'] });
    },
    onError: failed,
  });
  const items = open.data?.items ?? [];
  if (!may || items.length === 0) return null;
  const name = (one: Schema<'ProfileSummary'>) => one.name || one.email || t('profiles.unnamed', { id: one.id });
  return (
    <Alert mb="md" variant="light" icon={<IconInfo size={18} />} title={t('profiles.proposals')}>
      <Stack gap="xs">
        {items.map((item) => (
          <Group key={item.id} justify="space-between">
            <Text size="sm">
              <Anchor component={Link} to={`/customers/${item.one.id}`} size="sm">{name(item.one)}</Anchor>
              {' · '}
              <Anchor component={Link} to={`/customers/${item.other.id}`} size="sm">{name(item.other)}</Anchor>
              {` (${item.kind}: ${item.value})`}
            </Text>
            <Group gap={6}>
              <Button size="compact-xs" onClick={() => decide.mutate({ id: item.id, accept: true })}>{t('profiles.accept')}</Button>
              <Button size="compact-xs" variant="default" onClick={() => decide.mutate({ id: item.id, accept: false })}>{t('profiles.refuse')}</Button>
            </Group>
          </Group>
        ))}
      </Stack>
    </Alert>
  );
}
