import { Anchor } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';

/** What a campaign is called; its number until it is known, or where it may not be read. */
export function useCampaignName(id: number | null | undefined): string {
  const { t } = useTranslation();
  const may = useMay('campaigns:read');
  const found = useQuery({
    queryKey: ['campaign', id],
    queryFn: () => take(api.GET('/v1/campaigns/{campaign_id}', { params: { path: { campaign_id: id ?? 0 } } })),
    enabled: may && Boolean(id),
    staleTime: 60_000,
    retry: false,
  });
  return found.data?.name ?? t('delivery.only_campaign_id', { id });
}

/** A campaign by its name, leading to it. */
export function CampaignName({ id }: { id: number }) {
  const name = useCampaignName(id);
  return <Anchor component={Link} to={`/campaigns/${id}`} size="sm" style={{ overflowWrap: 'anywhere' }}>{name}</Anchor>;
}
