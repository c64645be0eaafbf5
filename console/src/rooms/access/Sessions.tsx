import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { Moment } from '@/design/Moment';
import { Panel } from '@/design/Panel';
import { done, failed } from '@/design/toast';
import { Mark } from '@/design/Mark';

/** The browser's short name, without pretending to know more. */
function browserOf(agent: string): string {
  return /(Firefox|Edg|OPR|Chrome|Safari)\/[\d.]+/.exec(agent)?.[1]?.replace('Edg', 'Edge').replace('OPR', 'Opera') ?? agent.slice(0, 40);
}

/** Where one is signed in, and the way to end all but this. */
export function Sessions() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const sessions = useQuery({ queryKey: ['sessions'], queryFn: () => take(api.GET('/v1/session/all')) });
  const end = useMutation({
    mutationFn: () => take(api.DELETE('/v1/session/others')),
    onSuccess: () => {
      done(t('account.others_ended'));
      void client.invalidateQueries({ queryKey: ['sessions'] });
    },
    onError: failed,
  });
  const others = (sessions.data ?? []).filter((one) => !one.current);
  return (
    <Panel
      title={t('account.sessions')}
      actions={
        others.length > 0 && (
          <Button size="xs" variant="default" loading={end.isPending} onClick={() => end.mutate()}>{t('account.end_others')}</Button>
        )
      }
    >
      <Stack gap="xs">
        {sessions.data?.map((one) => (
          <Group key={one.created_at} justify="space-between" wrap="nowrap">
            <div>
              <Text size="sm" fw={550}>{browserOf(one.agent)}</Text>
              <Text size="xs" c="dimmed">{one.address}</Text>
            </div>
            {one.current ? (
              <Mark colour="teal">{t('account.this_browser')}</Mark>
            ) : (
              <Text size="xs" c="dimmed"><Moment at={one.last_seen_at} /></Text>
            )}
          </Group>
        ))}
      </Stack>
    </Panel>
  );
}
