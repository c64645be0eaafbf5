import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { learnExits, type Kind } from './exits';
import type { Definition } from './model';
import { sendable } from './sendable';

/** A journey as the server shows it; its draft is read by `whole`. */
export type Journey = Omit<Schema<'Journey'>, 'draft'> & { draft: unknown };
/** A definition as the server takes it. */
export type Sent = NonNullable<Schema<'NewJourney'>['definition']>;

export const pathOf = (id: number) => ({ params: { path: { journey_id: id } } });

/** One journey with its draft; asked for again while it is watched, for its state and who moves. */
export function useJourney(id: number) {
  return useQuery({
    queryKey: ['journey', id],
    queryFn: () => take(api.GET('/v1/journeys/{journey_id}', pathOf(id))),
    refetchInterval: (query) => (query.state.data?.moving ? 1500 : 10_000),
  });
}

/** The kinds of step there are, by name. */
export function useStepKinds(): ReadonlyMap<string, Kind> | undefined {
  const found = useQuery({ queryKey: ['step-kinds'], queryFn: () => take(api.GET('/v1/step-kinds')), staleTime: Infinity });
  return useMemo(() => found.data && new Map(found.data.items.map((one) => [one.name, one])), [found.data]);
}

/** What is wrong with a definition, asked for as it is drawn. */
export function useCheck(id: number, definition: Definition, enabled: boolean) {
  return useQuery({
    queryKey: ['journey-check', id, definition],
    queryFn: async () => {
      const found = await take(api.POST('/v1/journeys/{journey_id}/check', { ...pathOf(id), body: { definition: sendable(definition) as unknown as Sent } }));
      learnExits(definition.steps, found.exits);
      return found;
    },
    enabled,
    placeholderData: keepPreviousData,
    gcTime: 5_000,
  });
}

const NO_JOURNEYS: { id: number; name: string }[] = [];

/** The latest journeys, for a choice. */
export function useJourneyOptions(): { id: number; name: string }[] {
  const found = useQuery({ queryKey: ['journeys', 'options'], queryFn: () => take(api.GET('/v1/journeys', { params: { query: { limit: 500 } } })), staleTime: 30_000 });
  return found.data?.items ?? NO_JOURNEYS;
}

export interface ExperimentOption {
  key: string;
  name: string;
  arms: string[];
  /** What each arm is called. */
  titles: Record<string, string>;
}

const NO_EXPERIMENTS: ExperimentOption[] = [];

/** Experiments that can be branched by, for those who may see them. */
export function useExperimentOptions(): ExperimentOption[] {
  const may = useMay('experiments:read');
  const found = useQuery({
    queryKey: ['experiments', 'options'],
    queryFn: async () => {
      const { items } = await take(api.GET('/v1/experiments', { params: { query: { limit: 500 } } }));
      return items.map(({ key, design }) => ({
        key,
        name: design.name || key,
        arms: design.arms.map((arm) => arm.key),
        titles: Object.fromEntries(design.arms.map((arm) => [arm.key, arm.title || arm.key])),
      }));
    },
    enabled: may,
    staleTime: 30_000,
  });
  return found.data ?? NO_EXPERIMENTS;
}

/** Puts a journey the server answered with in the place of the one that was shown. */
export function useKeep(): (journey: Journey) => void {
  const client = useQueryClient();
  return (journey) => {
    client.setQueryData(['journey', journey.id], journey);
    void client.invalidateQueries({ queryKey: ['journeys'] });
    void client.invalidateQueries({ queryKey: ['journey-versions', journey.id] });
    void client.invalidateQueries({ queryKey: ['journey-counts', journey.id] });
  };
}
