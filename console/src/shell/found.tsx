import type { SpotlightActionData } from '@mantine/spotlight';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import type { Session } from '@/api/session';
import { IconCampaigns, IconExperiment, IconJourneys, IconPerson, IconSegments, IconTemplates } from '@/design/icons';

/** How many of a kind a search shows; more are on the kind's own page. */
const FEW = 5;

type Found = Record<'customers' | 'segments' | 'campaigns' | 'journeys' | 'experiments' | 'templates', SpotlightActionData[]>;

const NONE: Found = { customers: [], segments: [], campaigns: [], journeys: [], experiments: [], templates: [] };

/** Customers, segments, campaigns, journeys, experiments and templates that answer to what was typed. */
export function useFound(session: Session, typed: string, go: (to: string) => () => void): Found {
  const { t } = useTranslation();
  const [words] = useDebouncedValue(typed.trim(), 200);
  const may = (permission: string) => session.permissions.includes(permission);
  const found = useQuery({
    queryKey: ['found', words],
    enabled: words.length > 1,
    placeholderData: keepPreviousData,
    queryFn: async () => {
      const [people, segments, campaigns, journeys, experiments, templates] = await Promise.all([
        may('profiles:read') ? take(api.GET('/v1/profiles', { params: { query: { q: words, limit: FEW } } })) : null,
        may('segments:read') ? take(api.GET('/v1/segments', { params: { query: { search: words, state: 'active', limit: FEW } } })) : null,
        may('campaigns:read') ? take(api.GET('/v1/campaigns', { params: { query: { text: words, limit: FEW } } })) : null,
        may('journeys:read') ? take(api.GET('/v1/journeys', { params: { query: { text: words, limit: FEW } } })) : null,
        may('experiments:read') ? take(api.GET('/v1/experiments', { params: { query: { text: words, limit: FEW } } })) : null,
        may('content:read') ? take(api.GET('/v1/templates', { params: { query: { search: words, limit: FEW } } })) : null,
      ]);
      return { people, segments, campaigns, journeys, experiments, templates };
    },
  });
  if (words.length < 2 || !found.data) return NONE;
  const { people, segments, campaigns, journeys, experiments, templates } = found.data;
  // The list is narrowed by what is typed; what the server found for it always stays.
  const shown = (id: string, label: string, icon: typeof IconPerson, to: string, description?: string | null): SpotlightActionData => {
    const Icon = icon;
    return { id, label, description: description ?? undefined, keywords: [typed], leftSection: <Icon size={18} stroke={1.6} />, onClick: go(to) };
  };
  return {
    customers: (people?.items ?? []).map((one) => {
      const name = one.name || t('profiles.unnamed', { id: one.id });
      return shown(`customer-${one.id}`, name, IconPerson, `/customers/${one.id}`, one.email && one.email !== name ? one.email : one.user_id);
    }),
    segments: (segments?.items ?? []).map((one) => shown(`segment-${one.id}`, one.name, IconSegments, `/segments/${one.id}`)),
    campaigns: (campaigns?.items ?? []).map((one) => shown(`campaign-${one.id}`, one.name, IconCampaigns, `/campaigns/${one.id}`, t(`state.${one.state}`))),
    journeys: (journeys?.items ?? []).map((one) => shown(`journey-${one.id}`, one.name, IconJourneys, `/journeys/${one.id}`, t(`state.${one.state}`))),
    experiments: (experiments?.items ?? []).map((one) => shown(`experiment-${one.id}`, one.design.name || one.key, IconExperiment, `/experiments/${one.id}`, t(`state.${one.state}`))),
    templates: (templates?.items ?? []).map((one) => shown(`template-${one.id}`, one.name, IconTemplates, `/templates/${one.id}`)),
  };
}
