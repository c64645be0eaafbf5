import { Select } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { TestForm } from '../content/TestForm';
import { useArmTitle, type Arm } from './arms/arms';

/** Sends a campaign's message, or one of its arms', to an address of staff before anybody else gets it. */
export function CampaignTest({ id, arms, onClose }: { id: number; arms: Arm[]; onClose: () => void }) {
  const { t } = useTranslation();
  const titleOf = useArmTitle(arms);
  const [arm, setArm] = useState(arms[0]?.key ?? null);
  const send = (address: string, profile: number | null) =>
    take(api.POST('/v1/campaigns/{campaign_id}/test', { params: { path: { campaign_id: id } }, body: { address, as_profile: profile, arm } }));
  const pick = arms.length > 0 && (
    <Select label={t('arms.arm')} allowDeselect={false} data={arms.map((one) => ({ value: one.key, label: titleOf(one.key) }))} value={arm} onChange={setArm} />
  );
  return <TestForm email send={send} onClose={onClose} before={pick} />;
}
