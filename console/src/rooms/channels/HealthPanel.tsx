import { Alert, Button, Group, Progress, SimpleGrid, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';
import { useFormat } from '@/design/format';
import { IconPause, IconPlay } from '@/design/icons';
import { Mark } from '@/design/Mark';
import { Moment } from '@/design/Moment';
import { Panel } from '@/design/Panel';
import { Stat } from '@/design/Stat';
import { done, failed } from '@/design/toast';
import type { Health } from './health';

const COLOURS = { working: 'teal', resting: 'orange', paused: 'yellow' } as const;

export function HealthMark({ health }: { health: Health }) {
  const { t } = useTranslation();
  return <Mark colour={COLOURS[health.state]}>{t(`channels.health_${health.state}`)}</Mark>;
}

/** How an account has been for a quarter of an hour, and the means to hold it without losing a message. */
export function HealthPanel({ health }: { health: Health }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const may = useMay('delivery:accounts');
  const path = { params: { path: { account_id: health.account_id } } };
  const hold = useMutation({
    mutationFn: (paused: boolean) =>
      paused
        ? take(api.POST('/v1/delivery/accounts/{account_id}/pause', { ...path, body: { reason: '' } }))
        : take(api.POST('/v1/delivery/accounts/{account_id}/resume', path)),
    onSuccess: (_, paused) => {
      void client.invalidateQueries({ queryKey: ['accounts-health'] });
      done(t(paused ? 'channels.paused' : 'channels.resumed', { name: health.name }), paused ? () => hold.mutate(false) : undefined);
    },
    onError: failed,
  });
  const seconds = (value: number | null) => (value === null ? '—' : new Intl.NumberFormat(i18n.language, { style: 'unit', unit: 'second', maximumFractionDigits: 1 }).format(value));
  const held = health.state === 'paused';
  return (
    <Panel
      title={<Group gap="sm">{t('channels.health')} <HealthMark health={health} /></Group>}
      hint={t('channels.health_hint')}
      actions={
        may && (
          <Button size="xs" variant="default" loading={hold.isPending} leftSection={held ? <IconPlay size={14} /> : <IconPause size={14} />} onClick={() => hold.mutate(!held)}>
            {t(held ? 'channels.resume' : 'channels.pause')}
          </Button>
        )
      }
    >
      {held && <Alert color="yellow" mb="sm">{t('channels.paused_by', { who: health.paused_by ?? '', when: format.dateTime(health.since) })}</Alert>}
      {health.state === 'resting' && <Alert color="orange" mb="sm">{t('channels.resting_until', { when: format.time(health.until) })}</Alert>}
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
        <Stat label={t('state.sent')} value={format.number(health.sent)} />
        <Stat label={t('state.failed')} value={format.number(health.failed)} note={t('channels.failing', { share: format.percent(health.failing, 1) })} />
        <Stat label={t('channels.put_off')} value={format.number(health.put_off)} />
        <Stat label={t('channels.slowest')} value={seconds(health.slowest)} />
      </SimpleGrid>
      <Group justify="space-between" mt="md" mb={4}>
        <Text size="sm" fw={550}>{t('channels.today')}</Text>
        <Text size="sm" c="dimmed">
          {health.today === null ? format.number(health.taken_today) : t('common.of_total', { part: format.number(health.taken_today), total: format.number(health.today) })}
        </Text>
      </Group>
      {health.today !== null && <Progress value={health.today > 0 ? (100 * health.taken_today) / health.today : 100} aria-label={t('channels.today')} />}
      {health.error && (
        <Text size="xs" c="dimmed" mt="sm" style={{ overflowWrap: 'anywhere' }}>
          {t('channels.last_error')} <Moment at={health.error_at} />: <span lang="en">{health.error}</span>
        </Text>
      )}
    </Panel>
  );
}
