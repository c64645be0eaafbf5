import { useQuery } from '@tanstack/react-query';
import { api, take, type Schema } from '@/api/client';
import { useAccounts } from '../channels/vocabulary';

export type PathStep = Schema<'PathStep'>;

/** The usual paths of message classes. */
export function usePaths() {
  return useQuery({ queryKey: ['delivery-paths'], queryFn: () => take(api.GET('/v1/delivery/paths')), staleTime: 60_000 });
}

/** The channels a message of a class takes by its usual path: from its own channel on, or from the first when it names none. */
export function useUsualPath(messageClass: string, channel: string): PathStep[] {
  const paths = usePaths().data as Record<string, PathStep[] | undefined> | undefined;
  const accounts = useAccounts().data ?? [];
  const there = (paths?.[messageClass] ?? []).filter((step) => step.channel === channel || accounts.some((one) => one.enabled && one.channel === step.channel));
  const place = channel ? there.findIndex((step) => step.channel === channel) : 0;
  return place < 0 ? [] : there.slice(place);
}
