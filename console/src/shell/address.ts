import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';

/** A search as it stands in an address, every value a text; a number that an older link put in quotes is taken out of them. */
export function readSearch(search: string): Record<string, string> {
  const read = [...new URLSearchParams(search)].map(([key, value]) => [key, value.replace(/^"([\d.]+)"$/, '$1')]);
  return Object.fromEntries(read) as Record<string, string>;
}

/** The other way round: plain words and numbers, that people can read, type and send to each other. */
export function writeSearch(search: Record<string, unknown>): string {
  const given = Object.entries(search).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const written = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
  return written ? `?${written}` : '';
}

/** What the page is filtered by, kept in its address so that it can be sent to a colleague. */
export function useAddress<Keys extends string>(): [
  Partial<Record<Keys, string>>,
  (change: Partial<Record<Keys, string | null>>) => void,
] {
  const search = useSearch({ strict: false }) as Record<string, unknown>;
  const navigate = useNavigate();
  const change = useCallback(
    (next: Partial<Record<Keys, string | null>>) => {
      void navigate({
        to: '.',
        replace: true,
        search: ((now: Record<string, unknown>) => {
          const merged: Record<string, unknown> = { ...now, ...next };
          return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null && value !== ''));
        }) as never,
      });
    },
    [navigate],
  );
  const texts = Object.fromEntries(Object.entries(search).map(([key, value]) => [key, String(value)]));
  return [texts as Partial<Record<Keys, string>>, change];
}

/** The number in the address, as `/customers/$id`. */
export function useId(name = 'id'): number {
  const params = useParams({ strict: false }) as Record<string, string | undefined>;
  return Number(params[name]);
}
