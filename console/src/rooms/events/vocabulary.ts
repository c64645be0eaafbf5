import { api, take } from '@/api/client';

/** Names of events seen, and the types of their properties. */
export function namesQuery(q: string) {
  return {
    queryKey: ['event-names', q],
    queryFn: () => take(api.GET('/v1/events/names', { params: { query: { q: q || undefined, limit: 200 } } })),
    staleTime: 30_000,
  };
}
