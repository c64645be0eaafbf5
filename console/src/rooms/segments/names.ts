import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';
import { useSegmentList } from './SegmentPicker';
import type { Node } from './types';

type Named = Partial<Record<string, string>>;

/** What segments, campaigns and templates are called, by id. */
export interface Names {
  segments?: Named;
  campaigns?: Named;
  templates?: Named;
}

const named = (items: { id: number; name: string }[] | undefined): Named => Object.fromEntries((items ?? []).map((one) => [one.id, one.name]));

/** The latest campaigns, for those who may see them. */
export function useCampaigns(wanted = true): { id: number; name: string }[] | undefined {
  const may = useMay('campaigns:read');
  return useQuery({
    queryKey: ['campaigns', 'options'],
    queryFn: () => take(api.GET('/v1/campaigns', { params: { query: { limit: 100 } } })),
    enabled: may && wanted,
    staleTime: 60_000,
  }).data?.items;
}

/** The latest templates, for those who may see them. */
export function useTemplates(wanted = true): { id: number; name: string }[] | undefined {
  const may = useMay('content:read');
  return useQuery({
    queryKey: ['templates', 'options'],
    queryFn: () => take(api.GET('/v1/templates', { params: { query: { limit: 100 } } })),
    enabled: may && wanted,
    staleTime: 60_000,
  }).data?.items;
}

function speaksOf(node: Node, of: 'campaign_id' | 'template_id'): boolean {
  if (node.kind === 'and' || node.kind === 'or') return node.of.some((part) => speaksOf(part, of));
  return node.kind === 'not' ? speaksOf(node.of, of) : node.kind === 'engagement' && Boolean(node[of]);
}

/** The names a tree's sentence needs; campaigns and templates are asked for only where it speaks of them. */
export function useNames(node?: Node | null): Names {
  const segments = useSegmentList();
  const campaigns = useCampaigns(Boolean(node && speaksOf(node, 'campaign_id')));
  const templates = useTemplates(Boolean(node && speaksOf(node, 'template_id')));
  return useMemo(() => ({ segments: named(segments), campaigns: named(campaigns), templates: named(templates) }), [segments, campaigns, templates]);
}
