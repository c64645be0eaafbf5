import { Alert, Button, Group, Stack, Text, Textarea } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMay, useSession } from '@/api/session';
import { useFormat } from '@/design/format';
import { IconCheck } from '@/design/icons';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';
import { pathOf, useKeep, type Journey } from '../api';

const COLOURS = { asked: 'yellow', approved: 'teal', refused: 'red' } as const;

/** Whether the draft as it is may go live without anybody's approval, or has it. */
export const mayGoLive = (journey: Journey, revision: number | null) =>
  !journey.must_be_approved || (journey.approval?.state === 'approved' && journey.approval.revision === revision);

/** Who asked for approval of the draft, who decided, and the decision itself for those who may take it. */
export function Approving({ journey }: { journey: Journey }) {
  const { t } = useTranslation();
  const format = useFormat();
  const keep = useKeep();
  const me = useSession().data;
  const may = useMay('journeys:approve');
  const [comment, setComment] = useState('');
  const { approval } = journey;
  const decide = useMutation({
    mutationFn: (verb: 'approve' | 'refuse') => take(api.POST(`/v1/journeys/{journey_id}/${verb}`, { ...pathOf(journey.id), body: { revision: journey.draft_revision, comment } })),
    onSuccess: (changed, verb) => {
      keep(changed);
      done(t(`journeys.done_${verb}`));
    },
  });
  if (!approval || approval.revision !== journey.draft_revision) return null;
  const own = me !== undefined && (journey.authors ?? []).includes(`${me.kind}:${me.id}`);
  return (
    <Alert color={COLOURS[approval.state]} title={t(`journeys.approval_${approval.state}`)} data-testid="approval">
      <Stack gap="xs">
        <Text size="sm">{t('campaigns.asked_by', { who: approval.asked_by, when: format.dateTime(approval.asked_at) })}</Text>
        {approval.decided_by && <Text size="sm">{t('campaigns.decided_by', { who: approval.decided_by, when: format.dateTime(approval.decided_at ?? '') })}</Text>}
        {approval.comment && <Text size="sm" fs="italic">{`“${approval.comment}”`}</Text>}
        {approval.state === 'asked' && own && <Text size="sm">{t('journeys.own_approval')}</Text>}
        {approval.state === 'asked' && may && !own && (
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
