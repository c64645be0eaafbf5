import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';

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
