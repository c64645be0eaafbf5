import { CloseButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { Mark } from '@/design/Mark';
import { useCampaignName } from '../campaigns/CampaignName';

function OnlyThis({ label, onClear }: { label: string; onClear: () => void }) {
  const { t } = useTranslation();
  return <Mark size="lg" colour="iris" rightSection={<CloseButton size="xs" aria-label={t('common.clear')} onClick={onClear} />}>{label}</Mark>;
}

/** The list is of one campaign: its name, and the way back to all. */
export function OnlyCampaign({ id, onClear }: { id: number; onClear: () => void }) {
  return <OnlyThis label={useCampaignName(id)} onClear={onClear} />;
}

/** The list is of one customer. */
export function OnlyCustomer({ id, onClear }: { id: number; onClear: () => void }) {
  const { t } = useTranslation();
  const found = useQuery({ queryKey: ['profile', id], queryFn: () => take(api.GET('/v1/profiles/{profile_id}', { params: { path: { profile_id: id } } })), retry: false, staleTime: 60_000 });
  return <OnlyThis label={found.data?.name || t('delivery.only_profile_id', { id })} onClear={onClear} />;
}
