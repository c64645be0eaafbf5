import { useQuery } from '@tanstack/react-query';
import { api, take } from '@/api/client';

/** Every trait customers have, for builders and pickers. */
export function useTraits() {
  return useQuery({
    queryKey: ['traits'],
    queryFn: async () => (await take(api.GET('/v1/traits'))).items,
    staleTime: 60_000,
  });
}
