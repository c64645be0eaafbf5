import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';
import { Approval } from '@/design/Approval';
import { done } from '@/design/toast';
import { pathOf, useKeep, type Journey } from '../api';

/** Whether the draft as it is may go live without anybody's approval, or has it. */
export const mayGoLive = (journey: Journey, revision: number | null) =>
  !journey.must_be_approved || (journey.approval?.state === 'approved' && journey.approval.revision === revision);

/** Whether the draft may go live: who asked, who decided, and the decision. */
export function Approving({ journey }: { journey: Journey }) {
  const { t } = useTranslation();
  const keep = useKeep();
  const may = useMay('journeys:approve');
  const { approval } = journey;
  const decide = useMutation({
    mutationFn: ({ verb, comment }: { verb: 'approve' | 'refuse'; comment: string }) => take(api.POST(`/v1/journeys/{journey_id}/${verb}`, { ...pathOf(journey.id), body: { revision: journey.draft_revision, comment } })),
    onSuccess: (changed, { verb }) => {
      keep(changed);
      done(t(`journeys.done_${verb}`));
    },
  });
  if (!approval || approval.revision !== journey.draft_revision) return null;
  return <Approval title={t(`journeys.approval_${approval.state}`)} state={approval.state} approval={approval} authors={journey.authors ?? []} ownHint={t('journeys.own_approval')} may={may} decide={decide} />;
}
