import { Alert, Button, Group, Modal, Progress, Radio, Skeleton, Stack, Switch, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useFormat } from '@/design/format';
import { ProblemAlert } from '@/design/ProblemAlert';
import { OUTCOMES, type Outcome } from './Acts';

export type Wanted = Omit<Schema<'RetryAll'>, 'even_if_heard'>;

/** How far a job is, and what it did once it ended. */
function JobProgress({ id, total }: { id: number; total: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const job = useQuery({
    queryKey: ['job', id],
    queryFn: async () => {
      const found = await take(api.GET('/v1/jobs/{job_id}', { params: { path: { job_id: id } } }));
      if (found.finished_at) void client.invalidateQueries({ queryKey: ['deliveries'] });
      return found;
    },
    refetchInterval: (query) => (query.state.data?.finished_at ? false : 700),
  });
  const found = job.data;
  const result = found?.result as { done?: number; left_alone?: number } | null | undefined;
  const ended = Boolean(found?.finished_at);
  return (
    <Stack gap="xs" role="status">
      <Progress value={ended ? 100 : total > 0 ? (100 * (found?.done ?? 0)) / total : 0} animated={!ended} aria-label={t('common.working')} />
      {!ended && <Text size="sm">{t('common.of_total', { part: format.number(found?.done ?? 0), total: format.number(total) })}</Text>}
      {ended && found?.state === 'failed' && <Alert color="red">{found.message}</Alert>}
      {ended && result && (
        <Text size="sm">{t('delivery.bulk_done', { done: format.number(result.done ?? 0), left: format.number(result.left_alone ?? 0) })}</Text>
      )}
    </Stack>
  );
}

interface BulkProps {
  verb: 'retry' | 'resolve';
  wanted: Wanted;
  onClose: () => void;
}

/** Retry or resolve all that a search finds: how many first, then how far, then what came of it. */
export function Bulk({ verb, wanted, onClose }: BulkProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const [outcome, setOutcome] = useState<Outcome>('not_delivered');
  const [heard, setHeard] = useState(false);
  const { campaign_id, profile_id, states, reason, message_class } = wanted;
  const count = useQuery({
    queryKey: ['resendable', wanted],
    queryFn: () =>
      take(
        api.GET('/v1/deliveries/resendable', {
          params: { query: { campaign_id: campaign_id ?? undefined, profile_id: profile_id ?? undefined, state: states ?? undefined, reason: reason ?? undefined, message_class: message_class ?? undefined } },
        }),
      ),
    staleTime: 0,
  });
  const run = useMutation({
    mutationFn: () =>
      verb === 'retry'
        ? take(api.POST('/v1/deliveries/retry', { body: { ...wanted, even_if_heard: heard } }))
        : take(api.POST('/v1/deliveries/resolve', { body: { ...wanted, outcome } })),
  });
  const many = verb === 'retry' ? count.data?.not_sent : count.data?.unknown;
  return (
    <Modal opened onClose={onClose} title={t(`delivery.${verb}_all`)} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Stack>
        <ProblemAlert error={count.error ?? run.error} />
        {many === undefined && !count.error && <Skeleton height={24} />}
        {many !== undefined && !run.data && (
          <>
            <Text size="sm" data-testid="bulk-count">{t(`delivery.${verb}_count`, { count: many, shown: format.number(many) })}</Text>
            {verb === 'retry' && (
              <Switch label={t('delivery.even_if_heard')} description={t('delivery.even_if_heard_hint')} checked={heard} onChange={(event) => setHeard(event.currentTarget.checked)} />
            )}
            {verb === 'resolve' && (
              <Radio.Group label={t('delivery.what_became')} value={outcome} onChange={(next) => setOutcome(next as Outcome)}>
                <Stack gap="xs" mt={6}>
                  {OUTCOMES.map((one) => <Radio key={one} value={one} label={t(`delivery.outcome_${one}`)} />)}
                </Stack>
              </Radio.Group>
            )}
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
              <Button disabled={many === 0} loading={run.isPending} onClick={() => run.mutate()}>{t(`delivery.${verb}_go`, { count: many, shown: format.number(many) })}</Button>
            </Group>
          </>
        )}
        {run.data && (
          <>
            <JobProgress id={run.data.job_id} total={run.data.deliveries} />
            <Group justify="flex-end"><Button variant="default" onClick={onClose}>{t('common.close')}</Button></Group>
          </>
        )}
      </Stack>
    </Modal>
  );
}
