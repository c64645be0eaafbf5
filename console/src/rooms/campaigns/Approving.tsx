import { Alert, Button, Group, Stack, Text, Textarea } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay, useSession } from '@/api/session';
import { useFormat } from '@/design/format';
import { IconCheck } from '@/design/icons';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';

type Campaign = Schema<'Campaign'>;

/** Who asked for approval, who decided, and the decision itself for those who may take it. */
export function Approving({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const me = useSession().data;
  const may = useMay('campaigns:approve');
  const [comment, setComment] = useState('');
  const decide = useMutation({
    mutationFn: (verb: 'approve' | 'refuse') =>
      take(api.POST(`/v1/campaigns/{campaign_id}/${verb}`, { params: { path: { campaign_id: campaign.id } }, body: { comment } })),
    onSuccess: (changed, verb) => {
      client.setQueryData(['campaign', campaign.id], changed);
      void client.invalidateQueries({ queryKey: ['campaigns'] });
      done(t(`campaigns.done_${verb}`));
    },
  });
  const approval = campaign.approval;
  if (!approval) return null;
  const own = me !== undefined && (campaign.authors ?? []).includes(`${me.kind}:${me.id}`);
  const colour = campaign.state === 'approved' ? 'teal' : campaign.state === 'refused' ? 'red' : 'yellow';
  return (
    <Alert color={colour} title={t(`campaigns.approval_${campaign.state}`, { defaultValue: t('campaigns.approval_approved') })}>
      <Stack gap="xs">
        <Text size="sm">{t('campaigns.asked_by', { who: approval.asked_by, when: format.dateTime(approval.asked_at) })}</Text>
        {approval.decided_by && <Text size="sm">{t('campaigns.decided_by', { who: approval.decided_by, when: format.dateTime(approval.decided_at) })}</Text>}
        {approval.comment && <Text size="sm" fs="italic">{`“${approval.comment}”`}</Text>}
        {campaign.state === 'awaiting_approval' && own && <Text size="sm">{t('campaigns.own_approval')}</Text>}
        {campaign.state === 'awaiting_approval' && may && !own && (
          <>
            <ProblemAlert error={decide.error} />
            <Textarea label={t('campaigns.comment')} autosize minRows={2} maxLength={4000} value={comment} onChange={(event) => setComment(event.currentTarget.value)} />
            <Group>
              <Button leftSection={<IconCheck size={16} />} loading={decide.isPending} onClick={() => decide.mutate('approve')}>{t('campaigns.approve')}</Button>
              <Button variant="default" color="red" loading={decide.isPending} onClick={() => decide.mutate('refuse')}>{t('campaigns.refuse')}</Button>
            </Group>
          </>
        )}
      </Stack>
    </Alert>
  );
}
