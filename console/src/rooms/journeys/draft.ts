import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { api, take } from '@/api/client';
import { Problem } from '@/api/problem';
import { pathOf, type Journey, type Sent } from './api';
import { useDrawing, type Drawing } from './history';
import { whole, type Definition } from './model';
import { sendable } from './sendable';

const PAUSE = 700;

export type Kept = 'kept' | 'changed' | 'keeping' | 'conflict' | 'failed';

/** A draft that keeps itself. */
export interface Draft extends Drawing {
  kept: Kept;
  error: unknown;
  /** Keeps what is drawn now, and answers with the revision it has. */
  flush: () => Promise<number>;
  /** After a conflict: throw away what was drawn here, or put it over what somebody else drew. */
  takeTheirs: () => Promise<void>;
  keepMine: () => Promise<void>;
}

/** The journey's draft, kept a moment after each change, over the revision it was made from. */
export function useDraft(journey: Journey, mayWrite: boolean): Draft {
  const client = useQueryClient();
  const drawing = useDrawing(whole(journey.draft as Partial<Definition>));
  const { definition, edit } = drawing;
  const [kept, setKept] = useState<Kept>('kept');
  const [error, setError] = useState<unknown>(null);
  const revision = useRef(journey.draft_revision);
  const stored = useRef(definition);
  const latest = useRef(definition);
  /** Somebody else has kept another draft: nothing is kept here until it is said whose goes on. */
  const torn = useRef(false);
  const running = useRef<Promise<void> | null>(null);
  latest.current = definition;

  const send = useCallback(async (): Promise<void> => {
    const sent = latest.current;
    if (sent === stored.current) return;
    setKept('keeping');
    try {
      const saved = await take(api.PUT('/v1/journeys/{journey_id}/draft', { ...pathOf(journey.id), body: { definition: sendable(sent) as unknown as Sent, revision: revision.current } }));
      revision.current = saved.draft_revision;
      stored.current = sent;
      client.setQueryData(['journey', journey.id], saved);
      setError(null);
      setKept(latest.current === sent ? 'kept' : 'changed');
    } catch (failed) {
      setError(failed);
      torn.current = failed instanceof Problem && failed.status === 409;
      setKept(torn.current ? 'conflict' : 'failed');
      throw failed;
    }
  }, [client, journey.id]);

  /** One after another: a save on its way is waited for, since it gives the next its revision. */
  const keep = useCallback(async (): Promise<void> => {
    while (running.current) await running.current;
    const going = send();
    running.current = going.catch(() => undefined).finally(() => { running.current = null; });
    await going;
  }, [send]);

  useEffect(() => {
    if (!mayWrite || definition === stored.current) return;
    if (torn.current) return;
    setKept('changed');
    const timer = setTimeout(() => void keep().catch(() => undefined), PAUSE);
    return () => clearTimeout(timer);
  }, [definition, keep, mayWrite]);

  // What somebody else kept meanwhile is taken over as an edit, so that it can be taken back, unless there is something unkept here.
  useEffect(() => {
    if (journey.draft_revision <= revision.current || running.current || latest.current !== stored.current) return;
    const theirs = whole(journey.draft as Partial<Definition>);
    revision.current = journey.draft_revision;
    stored.current = theirs;
    edit({ do: 'replace', definition: theirs });
  }, [journey, edit]);

  useEffect(() => {
    const leaving = (event: BeforeUnloadEvent) => {
      if (latest.current !== stored.current) event.preventDefault();
    };
    window.addEventListener('beforeunload', leaving);
    return () => {
      window.removeEventListener('beforeunload', leaving);
      if (latest.current !== stored.current) void keep().catch(() => undefined);
    };
  }, [keep]);

  const read = useCallback(() => take(api.GET('/v1/journeys/{journey_id}', pathOf(journey.id))), [journey.id]);
  return {
    ...drawing,
    kept,
    error,
    flush: async () => {
      await keep();
      return revision.current;
    },
    takeTheirs: async () => {
      const now = await read();
      const theirs = whole(now.draft as Partial<Definition>);
      revision.current = now.draft_revision;
      stored.current = theirs;
      torn.current = false;
      edit({ do: 'replace', definition: theirs });
      setKept('kept');
      setError(null);
    },
    keepMine: async () => {
      revision.current = (await read()).draft_revision;
      torn.current = false;
      setKept('changed');
      await keep();
    },
  };
}
