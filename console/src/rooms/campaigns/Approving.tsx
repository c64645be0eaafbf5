import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { Approval } from '@/design/Approval';
import { done } from '@/design/toast';

type Campaign = Schema<'Campaign'>;

const STATES: Record<string, 'asked' | 'refused'> = { awaiting_approval: 'asked', refused: 'refused' };

/** Whether the campaign may be said: who asked, who decided, and the decision. */
export function Approving({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay('campaigns:approve');
  const decide = useMutation({
    mutationFn: ({ verb, comment }: { verb: 'approve' | 'refuse'; comment: string }) =>
      take(api.POST(`/v1/campaigns/{campaign_id}/${verb}`, { params: { path: { campaign_id: campaign.id } }, body: { comment } })),
    onSuccess: (changed, { verb }) => {
      client.setQueryData(['campaign', campaign.id], changed);
      void client.invalidateQueries({ queryKey: ['campaigns'] });
      done(t(`campaigns.done_${verb}`));
    },
  });
  if (!campaign.approval) return null;
  const title = t(`campaigns.approval_${campaign.state}`, { defaultValue: t('campaigns.approval_approved') });
  return <Approval title={title} state={STATES[campaign.state] ?? 'approved'} approval={campaign.approval} authors={campaign.authors ?? []} ownHint={t('campaigns.own_approval')} may={may} decide={decide} />;
}
