import { useQuery } from '@tanstack/react-query';
import { api, take, type Schema } from '@/api/client';

/** What a segment can be built from: traits with types and frequent values, events and their properties. */
export function useCatalogue(): Schema<'Catalogue'> {
  const catalogue = useQuery({
    queryKey: ['segment-catalogue'],
    queryFn: () => take(api.GET('/v1/segments/catalogue')),
    staleTime: 30_000,
  });
  return catalogue.data ?? { traits: [], events: [], channels: [], topics: [], zones: [], lookalike: false };
}

/** Properties seen on events of that name. */
export function propertiesOf(catalogue: Schema<'Catalogue'>, event: string): string[] {
  return catalogue.events.find((one) => one.name === event)?.properties.map((one) => one.name) ?? [];
}
