import { Button, Group, Menu, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take, type AnswerOf, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { useConfirm } from '@/design/Confirm';
import { useFormat } from '@/design/format';
import { IconChevronDown, IconRefresh } from '@/design/icons';
import { done, failed } from '@/design/toast';

export const OUTCOMES = ['delivered', 'not_delivered', 'send_again'] as const;
export type Outcome = (typeof OUTCOMES)[number];
const NOT_SENT = new Set(['failed', 'expired', 'bounced', 'suppressed']);

/** What a person can do about one message: send again what was not sent, say what became of what nobody knows. */
export function Acts({ delivery }: { delivery: Schema<'DeliveryRow'> }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay('delivery:resend');
  const [dialog, ask] = useConfirm();
  const path = { params: { path: { delivery_id: delivery.id } } };
  const changed = (why: AnswerOf<'/v1/deliveries/{delivery_id}', 'get'>) => {
    client.setQueryData(['delivery', delivery.id], why);
    void client.invalidateQueries({ queryKey: ['deliveries'] });
    void client.invalidateQueries({ queryKey: ['interventions', delivery.id] });
  };
  const retry = useMutation({
    mutationFn: () => take(api.POST('/v1/deliveries/{delivery_id}/retry', { ...path, body: { even_if_heard: false } })),
    onSuccess: (why) => {
      changed(why);
      done(t('delivery.retried'));
    },
    onError: failed,
  });
  const resolve = useMutation({
    mutationFn: (outcome: Outcome) => take(api.POST('/v1/deliveries/{delivery_id}/resolve', { ...path, body: { outcome } })),
    onSuccess: (why) => {
      changed(why);
      done(t('delivery.resolved'));
    },
    onError: failed,
  });
  const say = async (outcome: Outcome) => {
    const yes = outcome !== 'send_again' || (await ask({ title: t('delivery.send_again_title'), body: t('delivery.send_again_body'), confirm: t('delivery.outcome_send_again'), danger: true }));
    if (yes) resolve.mutate(outcome);
  };
  if (!may) return null;
  return (
    <Group gap="xs">
      {NOT_SENT.has(delivery.state) && (
        <Button size="xs" variant="default" leftSection={<IconRefresh size={14} />} loading={retry.isPending} onClick={() => retry.mutate()}>{t('delivery.retry')}</Button>
      )}
      {delivery.state === 'unknown' && (
        <Menu position="bottom-start">
          <Menu.Target>
            <Button size="xs" variant="default" rightSection={<IconChevronDown size={14} />} loading={resolve.isPending}>{t('delivery.resolve')}</Button>
          </Menu.Target>
          <Menu.Dropdown>
            {OUTCOMES.map((outcome) => <Menu.Item key={outcome} onClick={() => void say(outcome)}>{t(`delivery.outcome_${outcome}`)}</Menu.Item>)}
          </Menu.Dropdown>
        </Menu>
      )}
      {dialog}
    </Group>
  );
}

/** What people did to a message, and how it was before. */
export function Interventions({ id }: { id: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const found = useQuery({
    queryKey: ['interventions', id],
    queryFn: () => take(api.GET('/v1/deliveries/{delivery_id}/interventions', { params: { path: { delivery_id: id } } })),
  });
  if (!found.data?.length) return null;
  return (
    <Stack gap={4}>
      {found.data.map((one) => (
        <Text key={one.at} size="sm">
          {t('delivery.intervened', { who: one.by, what: t(`delivery.verb_${one.verb}`), when: format.dateTime(one.at), state: t(`state.${one.state}`) })}
        </Text>
      ))}
    </Stack>
  );
}
