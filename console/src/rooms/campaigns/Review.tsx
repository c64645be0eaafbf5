import { Alert, Anchor, Button, Group, SimpleGrid, Stack } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';
import { useConfirm } from '@/design/Confirm';
import { useFormat } from '@/design/format';
import { IconPlay } from '@/design/icons';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';
import { useUsualPath } from '../rules/paths';
import { ArmsPlanned } from './arms/ArmsPlanned';
import { CampaignTest } from './CampaignTest';
import { Estimated } from './Estimated';
import { Picture } from './Picture';
import { Chain } from './steps/Chain';
import type { Plan } from './plan';

interface ReviewProps {
  id: number;
  plan: Plan;
  /** Somebody else has approved it already. */
  approved: boolean;
  onStarted: (id: number) => void;
  /** Leads back to a step; without it the plan is only read. */
  onStep?: (step: number) => void;
}

/** What would happen: whom it reaches, who is held back and why; then a test, then the start. */
export function Review({ id, plan, approved, onStarted, onStep }: ReviewProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
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
  const rule = useQuery({ queryKey: ['campaign-rule'], queryFn: () => take(api.GET('/v1/campaigns/rule')) });
  const submit = useMutation({
    mutationFn: () => take(api.POST('/v1/campaigns/{campaign_id}/submit', path)),
    onSuccess: (campaign) => {
      client.setQueryData(['campaign', id], campaign);
      void client.invalidateQueries({ queryKey: ['campaigns'] });
      done(t('campaigns.submitted'));
      onStarted(id);
    },
  });
  const found = estimate.data;
  const usual = useUsualPath(plan.message_class, plan.channel).slice(1);
  const later = plan.hops.length > 0 || !plan.usual_path ? plan.hops : usual;
  const goesOn = plan.kind !== 'one_off';
  const atSet = plan.send_at !== null && new Date(plan.send_at).getTime() > Date.now();
  const needed = rule.data?.approval === 'always' || (rule.data?.approval === 'over' && (goesOn || (found?.audience ?? 0) > rule.data.approval_over));
  const asks = needed && !approved;
  const confirm = async () => {
    const yes = await ask({
      title: t('campaigns.start_title', { name: plan.name }),
      body: goesOn
        ? t(plan.kind === 'recurring' ? 'campaigns.start_body_recurring' : 'campaigns.start_body_triggered')
        : plan.send_at && atSet
        ? t('campaigns.start_body_later', { shown: format.number(found?.reached ?? 0), when: format.dateTime(plan.send_at) })
        : t('campaigns.start_body', { shown: format.number(found?.reached ?? 0) }),
      confirm: atSet ? t('campaigns.schedule') : t('campaigns.start'),
    });
    if (yes) start.mutate();
  };
  return (
    <Stack>
      <ProblemAlert error={start.error ?? submit.error} />
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <Estimated estimate={estimate} />
        {plan.template_id !== null && <Picture templateId={plan.template_id} />}
      </SimpleGrid>
      {plan.arms.length > 0 && <ArmsPlanned plan={plan} estimate={found} />}
      {later.length > 0 && <Chain channel={plan.channel} hops={later} />}
      {asks && <Alert color="yellow">{t('campaigns.needs_approval')}</Alert>}
      {onStep && (
        <Group gap="lg">
          {[0, 1, 2].map((step) => (
            <Anchor key={step} component="button" size="sm" onClick={() => onStep(step)}>
              {t('campaigns.change_step', { step: t(`campaigns.step_${['audience', 'message', 'sending'][step]}`) })}
            </Anchor>
          ))}
        </Group>
      )}
      <Group justify="flex-end" mt="md">
        {mayTest && <Button variant="default" onClick={() => setTesting(true)}>{t('content.test')}</Button>}
        {asks && onStep && <Button loading={submit.isPending} disabled={!found} onClick={() => submit.mutate()}>{t('campaigns.submit')}</Button>}
        {maySend && !asks && (
          <Button leftSection={<IconPlay size={16} />} loading={start.isPending} disabled={!found} onClick={() => void confirm()}>
            {atSet ? t('campaigns.schedule') : t('campaigns.start')}
          </Button>
        )}
      </Group>
      {testing && <CampaignTest id={id} arms={plan.arms} onClose={() => setTesting(false)} />}
      {dialog}
    </Stack>
  );
}
