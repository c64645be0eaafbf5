import { api, take } from '@/api/client';
import { TestForm } from '../content/TestForm';

/** Sends a campaign's message to an address of staff before anybody else gets it. */
export function CampaignTest({ id, onClose }: { id: number; onClose: () => void }) {
  const send = (address: string, profile: number | null) =>
    take(api.POST('/v1/campaigns/{campaign_id}/test', { params: { path: { campaign_id: id } }, body: { address, as_profile: profile } }));
  return <TestForm email send={send} onClose={onClose} />;
}
