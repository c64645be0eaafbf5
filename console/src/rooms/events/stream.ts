import { useEffect, useRef, useState } from 'react';
import { api, take, type Schema } from '@/api/client';

type Event = Schema<'EventShown'>;
const KEPT = 200;
const PERIOD = 1000;

/** Polls what arrived since the last answer, while the page is seen and the stream is not held. */
export function useStream(name: string, held: boolean) {
  const [rows, setRows] = useState<Event[] | undefined>();
  const [error, setError] = useState<unknown>(null);
  const place = useRef<string | undefined>(undefined);
  const fresh = useRef(new Set<string>());

  useEffect(() => {
    place.current = undefined;
    setRows(undefined);
  }, [name]);

  useEffect(() => {
    if (held) return;
    let stopped = false;
    let timer = 0;
    const ask = async () => {
      if (!document.hidden) {
        try {
          const first = place.current === undefined;
          const live = await take(
            api.GET('/v1/events/live', { params: { query: { name: name || undefined, after: place.current, limit: 100 } } }),
          );
          if (stopped) return;
          place.current = live.after;
          fresh.current = new Set(first ? [] : live.items.map((event) => `${event.lane}-${event.seq}`));
          setRows((shown) => (live.items.length === 0 && shown ? shown : [...live.items, ...(shown ?? [])].slice(0, KEPT)));
          setError(null);
        } catch (caught) {
          if (!stopped) setError(caught);
        }
      }
      if (!stopped) timer = window.setTimeout(() => void ask(), PERIOD);
    };
    void ask();
    return () => {
      stopped = true;
      window.clearTimeout(timer);
    };
  }, [name, held]);

  return { rows, error, isFresh: (event: Event) => fresh.current.has(`${event.lane}-${event.seq}`) };
}
