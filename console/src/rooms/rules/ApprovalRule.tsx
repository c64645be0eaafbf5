import { Button, Group, NumberInput, Radio, Stack } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type AnswerOf } from '@/api/client';
import { useMay } from '@/api/session';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';

type Rule = AnswerOf<'/v1/campaigns/rule', 'get'>;

/** When somebody else must read what is written before it is said: campaigns, and journeys. */
export function ApprovalRule() {
  const journeys = useMay('journeys:read');
  return (
    <Stack>
      <CampaignApproval />
      {journeys && <JourneyApproval />}
    </Stack>
  );
}

/** Whether somebody else must approve a journey before it goes live. */
function JourneyApproval() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay('journeys:approve');
  const stored = useQuery({ queryKey: ['journey-rule'], queryFn: () => take(api.GET('/v1/journeys/rule')) });
  const [chosen, setChosen] = useState<'off' | 'always' | null>(null);
  const save = useMutation({
    mutationFn: (approval: 'off' | 'always') => take(api.PUT('/v1/journeys/rule', { body: { approval } })),
    onSuccess: (saved) => {
      client.setQueryData(['journey-rule'], saved);
      void client.invalidateQueries({ queryKey: ['journey'] });
      done(t('rules.approval_saved'));
    },
  });
  const choose = (approval: 'off' | 'always') => {
    setChosen(approval);
    save.mutate(approval, { onSettled: () => setChosen(null) });
  };
  return (
    <Panel title={t('rules.approval_journeys')} hint={t('rules.approval_journeys_hint')}>
      <ProblemAlert error={stored.error ?? save.error} />
      <Radio.Group label={t('rules.approval_journeys_when')} value={chosen ?? stored.data?.approval ?? 'off'} onChange={(approval) => choose(approval as 'off' | 'always')}>
        <Stack gap="xs" mt={6}>
          {(['off', 'always'] as const).map((one) => <Radio key={one} value={one} disabled={!may || save.isPending} label={t(`rules.approval_${one}`)} />)}
        </Stack>
      </Radio.Group>
    </Panel>
  );
}

/** Whether somebody else must approve a campaign before it starts. */
function CampaignApproval() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay('campaigns:approve');
  const stored = useQuery({ queryKey: ['campaign-rule'], queryFn: () => take(api.GET('/v1/campaigns/rule')) });
  const [rule, setRule] = useState<Rule>({ approval: 'off', approval_over: 1000 });
  useEffect(() => {
    if (stored.data) setRule(stored.data);
  }, [stored.data]);
  const save = useMutation({
    mutationFn: () => take(api.PUT('/v1/campaigns/rule', { body: rule })),
    onSuccess: (saved) => {
      client.setQueryData(['campaign-rule'], saved);
      done(t('rules.approval_saved'));
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Panel title={t('rules.approval')} hint={t('rules.approval_hint')}>
      <ProblemAlert error={stored.error ?? save.error} />
      <form onSubmit={submit}>
        <Stack gap="sm" maw={560}>
          <Radio.Group label={t('rules.approval_when')} value={rule.approval} onChange={(approval) => setRule({ ...rule, approval: approval as Rule['approval'] })}>
            <Stack gap="xs" mt={6}>
              {(['off', 'over', 'always'] as const).map((one) => <Radio key={one} value={one} disabled={!may} label={t(`rules.approval_${one}`)} />)}
            </Stack>
          </Radio.Group>
          {rule.approval === 'over' && (
            <NumberInput label={t('rules.approval_people')} w={180} disabled={!may} min={0} allowDecimal={false} thousandSeparator=" " value={rule.approval_over} onChange={(typed) => setRule({ ...rule, approval_over: Number(typed) || 0 })} />
          )}
          {may && <Group><Button type="submit" loading={save.isPending}>{t('common.save')}</Button></Group>}
        </Stack>
      </form>
    </Panel>
  );
}
