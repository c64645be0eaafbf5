import { Alert, Button, Menu, Skeleton, Stack } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { useConfirm } from '@/design/Confirm';
import { EmptyState } from '@/design/EmptyState';
import { useFormat } from '@/design/format';
import { IconCampaigns, IconDots, IconPause, IconPlay, IconStop } from '@/design/icons';
import { Page } from '@/design/Page';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Status } from '@/design/Status';
import { done, failed } from '@/design/toast';
import { useId } from '@/shell/address';
import { Approving } from './Approving';
import { Course } from './Course';
import { lacking, planOf } from './plan';
import { Report } from './Report';
import { Review } from './Review';
import { Wizard } from './Wizard';

type Campaign = Schema<'Campaign'>;
type Verb = 'pause' | 'resume' | 'cancel' | 'archive' | 'unarchive';
const MOVING: Campaign['state'][] = ['scheduled', 'sending', 'running', 'awaiting_approval'];
/** Still to be planned: shown in the wizard. */
const PLANNED: Campaign['state'][] = ['draft', 'awaiting_approval', 'approved', 'refused'];

/** One campaign: planned in the wizard while a draft, watched while it runs, read when it is over. */
export default function CampaignPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const navigate = useNavigate();
  const client = useQueryClient();
  const id = useId();
  const mayWrite = useMay('campaigns:write');
  const maySend = useMay('campaigns:send');
  const [dialog, ask] = useConfirm();
  const path = { params: { path: { campaign_id: id } } };
  const stored = useQuery({
    queryKey: ['campaign', id],
    queryFn: () => take(api.GET('/v1/campaigns/{campaign_id}', path)),
    refetchInterval: (query) => (query.state.data && MOVING.includes(query.state.data.state) ? 1000 : 10_000),
  });
  const campaign = stored.data;
  const tell = useMutation({
    mutationFn: (verb: Verb) => take(api.POST(`/v1/campaigns/{campaign_id}/${verb}`, path)),
    onSuccess: (changed, verb) => {
      client.setQueryData(['campaign', id], changed);
      void client.invalidateQueries({ queryKey: ['campaigns'] });
      void client.invalidateQueries({ queryKey: ['report', id] });
      const back: Partial<Record<Verb, Verb>> = { pause: 'resume', archive: 'unarchive' };
      const undo = back[verb];
      done(t(`campaigns.done_${verb}`), undo && (() => tell.mutate(undo)));
    },
    onError: failed,
  });
  const remove = useMutation({
    mutationFn: () => take(api.DELETE('/v1/campaigns/{campaign_id}', path)),
    onSuccess: () => {
      done(t('campaigns.deleted'));
      void client.invalidateQueries({ queryKey: ['campaigns'] });
      void navigate({ to: '/campaigns' });
    },
    onError: failed,
  });
  const cancel = async () => {
    const yes = await ask({ title: t('campaigns.cancel_title'), body: t('campaigns.cancel_body'), confirm: t('campaigns.cancel'), danger: true });
    if (yes) tell.mutate('cancel');
  };
  const erase = async () => {
    const yes = await ask({ title: t('campaigns.delete_title'), body: t('campaigns.delete_body'), confirm: t('common.delete'), danger: true });
    if (yes) remove.mutate();
  };
  const state = campaign?.state;
  const actions = campaign && (
    <>
      {maySend && (state === 'sending' || state === 'scheduled' || state === 'running') && (
        <Button variant="default" leftSection={<IconPause size={16} />} loading={tell.isPending} onClick={() => tell.mutate('pause')}>{t('campaigns.pause')}</Button>
      )}
      {maySend && state === 'paused' && (
        <Button leftSection={<IconPlay size={16} />} loading={tell.isPending} onClick={() => tell.mutate('resume')}>{t('campaigns.resume')}</Button>
      )}
      {maySend && (state === 'sending' || state === 'scheduled' || state === 'running' || state === 'paused') && (
        <Button variant="default" color="red" leftSection={<IconStop size={16} />} onClick={() => void cancel()}>{t('campaigns.cancel')}</Button>
      )}
      {mayWrite && (
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" px={8} aria-label={t('common.actions')}><IconDots size={16} /></Button>
          </Menu.Target>
          <Menu.Dropdown>
            {campaign.archived_at ? (
              <Menu.Item onClick={() => tell.mutate('unarchive')}>{t('common.restore')}</Menu.Item>
            ) : (
              <Menu.Item onClick={() => tell.mutate('archive')}>{t('common.archive')}</Menu.Item>
            )}
            {(state === 'draft' || state === 'refused') && <Menu.Item color="red" onClick={() => void erase()}>{t('common.delete')}</Menu.Item>}
          </Menu.Dropdown>
        </Menu>
      )}
    </>
  );
  const when = campaign?.started_at
    ? t('campaigns.started_at', { when: format.dateTime(campaign.started_at), who: campaign.created_by })
    : campaign?.send_at && state === 'scheduled'
      ? t('campaigns.will_start', { when: format.dateTime(campaign.send_at) })
      : campaign?.description;
  return (
    <Page
      title={campaign?.name ?? t('campaigns.campaign')}
      back={{ to: '/campaigns', label: t('nav.campaigns') }}
      lead={when}
      badge={campaign && <Status state={campaign.archived_at ? 'archived' : campaign.state} size="lg" />}
      actions={actions}
    >
      <Stack>
        <ProblemAlert error={stored.error} onRetry={() => void stored.refetch()} />
        {stored.isLoading && <Skeleton height={320} />}
        {campaign?.held_reason && <Alert color="orange">{campaign.held_reason}</Alert>}
        {campaign && PLANNED.includes(campaign.state) && <Approving campaign={campaign} />}
        {campaign && PLANNED.includes(campaign.state) && !mayWrite && (
          <Panel hint={t('campaigns.may_not')} title={t('campaigns.step_review')}>
            {lacking(planOf(campaign)) === null ? (
              <Review id={campaign.id} plan={planOf(campaign)} approved={campaign.state === 'approved'} onStarted={() => void stored.refetch()} />
            ) : (
              <EmptyState icon={IconCampaigns} title={t('campaigns.unfinished')}>{t('campaigns.unfinished_hint')}</EmptyState>
            )}
          </Panel>
        )}
        {campaign && PLANNED.includes(campaign.state) && mayWrite && (
          <Wizard key={campaign.id} start={planOf(campaign)} id={campaign.id} approved={campaign.state === 'approved'} onStarted={() => void stored.refetch()} />
        )}
        {campaign && !PLANNED.includes(campaign.state) && <Course campaign={campaign} />}
        {campaign && !PLANNED.includes(campaign.state) && <Report campaign={campaign} />}
      </Stack>
      {dialog}
    </Page>
  );
}
