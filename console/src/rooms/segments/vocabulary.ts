import { useQuery } from '@tanstack/react-query';
import { api, take, type Schema } from '@/api/client';
import { useTraits } from '../traits/vocabulary';
import type { TraitType } from './types';

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

/** The traits a condition may be about, of some types or of any: those that are archived are offered no more. */
export function useTraitNames(types?: TraitType[]): string[] {
  const archived = new Set(useTraits().data?.filter((one) => one.archived).map((one) => one.name));
  return useCatalogue()
    .traits.filter((one) => !archived.has(one.name) && (!types || types.includes(one.type)))
    .map((one) => one.name);
}
