import { Button, Group, Stepper, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';
import { fitting } from './arms/arms';
import { lacking, type Plan } from './plan';
import { Review } from './Review';
import { AudienceStep } from './steps/AudienceStep';
import { MessageStep } from './steps/MessageStep';
import { SendingStep } from './steps/SendingStep';

interface WizardProps {
  start: Plan;
  /** The draft that is being changed, or null for a new one. */
  id: number | null;
  approved?: boolean;
  onStarted: (id: number) => void;
}

const REVIEW = 3;

/** Audience, message, sending, review: each step says what it needs; the draft is kept before the review. */
export function Wizard({ start, id: given, approved = false, onStarted }: WizardProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [plan, setPlan] = useState(start);
  const [id, setId] = useState(given);
  const [step, setStep] = useState(given === null ? 0 : Math.min(lacking(start) ?? REVIEW, REVIEW));
  const keep = useMutation({
    mutationFn: () =>
      id === null
        ? take(api.POST('/v1/campaigns', { body: plan }))
        : take(api.PUT('/v1/campaigns/{campaign_id}', { params: { path: { campaign_id: id } }, body: plan })),
    onSuccess: (campaign) => {
      setId(campaign.id);
      client.setQueryData(['campaign', campaign.id], campaign);
      void client.invalidateQueries({ queryKey: ['campaigns'] });
      void client.invalidateQueries({ queryKey: ['estimate', campaign.id] });
    },
  });
  const go = (next: number) => {
    const first = lacking(plan);
    if (first !== null && next > first) {
      setStep(first);
      return;
    }
    if (next === REVIEW) keep.mutate(undefined, { onSuccess: () => setStep(REVIEW) });
    else setStep(next);
  };
  const change = (part: Partial<Plan>) => setPlan(fitting({ ...plan, ...part }));
  const first = lacking(plan);
  const ready = first === null || first > step;
  return (
    <Panel>
      <Stepper active={step} onStepClick={go} size="sm" mb="md" iconSize={32}>
        {(['audience', 'message', 'sending', 'review'] as const).map((name) => (
          <Stepper.Step key={name} label={t(`campaigns.step_${name}`)} description={t(`campaigns.step_${name}_hint`)} />
        ))}
      </Stepper>
      <ProblemAlert error={keep.error} />
      {step === 0 && <AudienceStep plan={plan} onChange={change} />}
      {step === 1 && <MessageStep plan={plan} onChange={change} />}
      {step === 2 && <SendingStep plan={plan} onChange={change} />}
      {step === REVIEW && id !== null && <Review id={id} plan={plan} approved={approved} onStarted={onStarted} onStep={setStep} />}
      {step < REVIEW && (
        <Group justify="space-between" mt="xl">
          <Button variant="default" disabled={step === 0} onClick={() => setStep(step - 1)}>{t('common.back')}</Button>
          <Group gap="xs">
            {!ready && <Text size="sm" c="dimmed">{t(`campaigns.lacks_${step === 0 && plan.kind === 'triggered' ? 'audience_triggered' : ['audience', 'message', 'sending'][step]}`)}</Text>}
            <Button
              variant="subtle"
              disabled={!plan.name.trim()}
              loading={keep.isPending && step < 2}
              onClick={() => keep.mutate(undefined, { onSuccess: () => done(t('campaigns.draft_kept')) })}
            >
              {t('campaigns.keep_draft')}
            </Button>
            <Button disabled={!ready} loading={keep.isPending && step === 2} onClick={() => go(step + 1)}>{t('common.next')}</Button>
          </Group>
        </Group>
      )}
    </Panel>
  );
}
