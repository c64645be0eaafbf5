import { Anchor, Button, Group, Progress, SimpleGrid, Skeleton, Stack, Table, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';
import { useConfirm } from '@/design/Confirm';
import { useFormat } from '@/design/format';
import { IconPlay } from '@/design/icons';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Slow } from '@/design/Slow';
import { done } from '@/design/toast';
import { useReasonTitle } from '../delivery/reasons';
import { CampaignTest } from './CampaignTest';
import { Picture } from './Picture';
import type { Plan } from './plan';

interface ReviewProps {
  id: number;
  plan: Plan;
  onStarted: (id: number) => void;
  onStep: (step: number) => void;
}

/** What would happen: whom it reaches, who is held back and why; then a test, then the start. */
export function Review({ id, plan, onStarted, onStep }: ReviewProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const title = useReasonTitle();
  const maySend = useMay('campaigns:send');
  const mayTest = useMay('delivery:test');
  const [testing, setTesting] = useState(false);
  const [dialog, ask] = useConfirm();
  const path = { params: { path: { campaign_id: id } } };
  const estimate = useQuery({
    queryKey: ['estimate', id],
    queryFn: () => take(api.POST('/v1/campaigns/{campaign_id}/estimate', path)),
    staleTime: 0,
  });
  const start = useMutation({
    mutationFn: () => take(api.POST('/v1/campaigns/{campaign_id}/start', path)),
    onSuccess: (campaign) => {
      client.setQueryData(['campaign', id], campaign);
      void client.invalidateQueries({ queryKey: ['campaigns'] });
      done(t(campaign.state === 'scheduled' ? 'campaigns.scheduled' : 'campaigns.started', { name: plan.name }));
      onStarted(id);
    },
  });
  const found = estimate.data;
  const confirm = async () => {
    const yes = await ask({
      title: t('campaigns.start_title', { name: plan.name }),
      body: plan.send_at
        ? t('campaigns.start_body_later', { shown: format.number(found?.reached ?? 0), when: format.dateTime(plan.send_at) })
        : t('campaigns.start_body', { shown: format.number(found?.reached ?? 0) }),
      confirm: plan.send_at ? t('campaigns.schedule') : t('campaigns.start'),
    });
    if (yes) start.mutate();
  };
  return (
    <Stack>
      <ProblemAlert error={start.error} />
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <Panel title={t('campaigns.estimate')} hint={t('campaigns.estimate_hint')}>
          <Slow busy={estimate.isFetching} label={t('campaigns.estimating')} />
          <ProblemAlert error={estimate.error} onRetry={() => void estimate.refetch()} />
          {estimate.isLoading && <Skeleton height={90} />}
          {found && (
            <Stack gap="sm">
              <Group align="baseline" gap="xs">
                <Text fz={30} fw={650} lh={1.1} className="tabular" data-testid="estimate-reached">{format.number(found.reached)}</Text>
                <Text c="dimmed" size="sm">{t('campaigns.of_audience', { total: format.number(found.audience) })}</Text>
              </Group>
              <Progress value={found.audience > 0 ? (100 * found.reached) / found.audience : 0} aria-label={t('campaigns.estimate')} />
              {found.refused_by.length > 0 && (
                <Table verticalSpacing={5}>
                  <Table.Tbody>
                    {found.refused_by.map((one) => (
                      <Table.Tr key={one.reason}>
                        <Table.Td>{title(one.reason, one.title)}</Table.Td>
                        <Table.Td ta="right" className="tabular">{format.number(one.people)}</Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              )}
            </Stack>
          )}
        </Panel>
        {plan.template_id !== null && <Picture templateId={plan.template_id} />}
      </SimpleGrid>
      <Group gap="lg">
        {[0, 1, 2].map((step) => (
          <Anchor key={step} component="button" size="sm" onClick={() => onStep(step)}>
            {t('campaigns.change_step', { step: t(`campaigns.step_${['audience', 'message', 'sending'][step]}`) })}
          </Anchor>
        ))}
      </Group>
      <Group justify="flex-end" mt="md">
        {mayTest && <Button variant="default" onClick={() => setTesting(true)}>{t('content.test')}</Button>}
        {maySend && (
          <Button leftSection={<IconPlay size={16} />} loading={start.isPending} disabled={!found} onClick={() => void confirm()}>
            {plan.send_at ? t('campaigns.schedule') : t('campaigns.start')}
          </Button>
        )}
      </Group>
      {testing && <CampaignTest id={id} onClose={() => setTesting(false)} />}
      {dialog}
    </Stack>
  );
}
