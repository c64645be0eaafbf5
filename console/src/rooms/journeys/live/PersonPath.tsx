import { Anchor, Badge, Button, Group, Modal, Skeleton, Stack, Switch, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';
import { useFormat } from '@/design/format';
import { Moment } from '@/design/Moment';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done, failed } from '@/design/toast';
import type { Journey } from '../api';
import type { Definition } from '../model';
import { useStepName } from '../told';
import { useReason } from './Outcomes';
import { useLine } from './why';
import styles from '../journeys.module.css';

interface PersonPathProps {
  journey: Journey;
  definition: Definition;
  profile: number;
}

/** What was decided of one person at each step, and why; and the means to take them out. */
export function PersonPath({ journey, definition, profile }: PersonPathProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const stepName = useStepName(definition);
  const reason = useReason();
  const line = useLine(definition);
  const may = useMay('journeys:publish');
  const [taking, setTaking] = useState(false);
  const [callOff, setCallOff] = useState(false);
  const path = { params: { path: { journey_id: journey.id, profile_id: profile } } };
  const history = useQuery({ queryKey: ['journey-person', journey.id, profile], queryFn: () => take(api.GET('/v1/journeys/{journey_id}/people/{profile_id}', path)), refetchInterval: 5000 });
  const changed = () => ['journey-person', 'journey-people', 'journey-counts'].forEach((name) => void client.invalidateQueries({ queryKey: [name, journey.id] }));
  const back = useMutation({
    mutationFn: () => take(api.POST('/v1/journeys/{journey_id}/people/{profile_id}/put-back', path)),
    onSuccess: () => {
      changed();
      done(t('journeys.put_back_done'));
    },
    onError: failed,
  });
  const leave = useMutation({
    mutationFn: () => take(api.POST('/v1/journeys/{journey_id}/people/{profile_id}/leave', { params: { ...path.params, query: { queued: callOff ? 'cancel' : 'say' } } })),
    onSuccess: () => {
      changed();
      setTaking(false);
      done(t('journeys.taken_out'), () => back.mutate());
    },
    onError: failed,
  });
  if (history.error) return <ProblemAlert error={history.error} />;
  if (!history.data) return <Skeleton height={220} />;
  const inside = history.data.passages.some((one) => !one.ended_at);
  const until = history.data.passages.map((one) => one.put_back_until).find(Boolean);
  return (
    <Stack gap="md">
      <Group gap="xs">
        <Anchor component={Link} to={`/customers/${history.data.profile_id}`} size="sm">{t('journeys.open_customer')}</Anchor>
        {may && inside && <Button size="compact-sm" variant="default" color="red" loading={leave.isPending} onClick={() => setTaking(true)}>{t('journeys.take_out')}</Button>}
        {may && !inside && until && <Button size="compact-sm" variant="default" loading={back.isPending} title={t('journeys.put_back_until', { when: format.dateTime(until) })} onClick={() => back.mutate()}>{t('journeys.put_back')}</Button>}
      </Group>
      {history.data.passages.map((one) => (
        <section key={one.run_id} aria-label={t('journeys.passage_since', { when: format.dateTime(one.entered_at) })}>
          <Group gap={8} mb="xs">
            <Text size="sm" fw={600}>{t('journeys.entered_at', { when: format.dateTime(one.entered_at) })}</Text>
            <Badge color="gray">{t('journeys.version_n', { version: one.version })}</Badge>
            {one.key && <Badge color="gray">{one.key}</Badge>}
            {one.converted && <Badge color="teal">{t('journeys.goal_reached')}</Badge>}
          </Group>
          <ol className={styles.path}>
            {one.lines.map((told, at) => (
              <li key={at} className={styles.passed} data-how={told.how}>
                <Group gap={8} justify="space-between" wrap="nowrap" align="flex-start">
                  <Text size="sm"><Text span fw={600}>{told.title || (told.kind ? stepName(told.step) : t('journeys.entrance'))}</Text>: {line(told)}</Text>
                  <Text size="xs" c="dimmed"><Moment at={told.at} /></Text>
                </Group>
              </li>
            ))}
          </ol>
          <Text size="sm" c="dimmed">
            {one.ended_at
              ? t('journeys.ended_so', { reason: reason(one.reason ?? ''), when: format.dateTime(one.ended_at) })
              : one.wake_at
                ? t('journeys.waits_until', { step: one.step ? stepName(one.step) : '', when: format.dateTime(one.wake_at) })
                : t('journeys.waits_heard', { step: one.step ? stepName(one.step) : '' })}
          </Text>
        </section>
      ))}
      {history.data.passages.length === 0 && <Text size="sm" c="dimmed">{t('journeys.never_inside')}</Text>}
      <Modal opened={taking} onClose={() => setTaking(false)} title={t('journeys.take_out_title')} closeButtonProps={{ 'aria-label': t('common.close') }}>
        <Stack>
          <Text size="sm">{t('journeys.take_out_body')}</Text>
          <Switch label={t('journeys.call_off_theirs')} checked={callOff} onChange={(event) => setCallOff(event.currentTarget.checked)} />
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setTaking(false)}>{t('common.cancel')}</Button>
            <Button color="red.9" loading={leave.isPending} onClick={() => leave.mutate()}>{t('journeys.take_out')}</Button>
          </Group>
        </Stack>
      </Modal>
    </Stack>
  );
}
