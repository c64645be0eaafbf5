import { useEffect, useSyncExternalStore } from 'react';
import type { Schema } from './client';

/** What the server tells each second without being asked. */
export type LiveMessage =
  | { kind: 'overview'; data: Schema<'Overview'> }
  | { kind: 'job'; data: Schema<'Job'> };

type State = 'off' | 'waiting' | 'on';

const listeners = new Set<(message: LiveMessage) => void>();
const watchers = new Set<() => void>();
let source: EventSource | null = null;
let state: State = 'off';

function become(next: State): void {
  if (state === next) return;
  state = next;
  watchers.forEach((tell) => tell());
}

function open(): void {
  if (source || document.hidden || listeners.size === 0) return;
  source = new EventSource('/v1/live');
  become('waiting');
  source.onopen = () => become('on');
  source.onerror = () => become('waiting');
  for (const kind of ['overview', 'job'] as const) {
    source.addEventListener(kind, (event: MessageEvent<string>) => {
      become('on');
      const message = { kind, data: JSON.parse(event.data) as unknown } as LiveMessage;
      listeners.forEach((listener) => listener(message));
    });
  }
}

function close(): void {
  source?.close();
  source = null;
  become('off');
}

// A browser allows few streams to one server: tabs nobody looks at give theirs back.
document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()));

/** Hears every message while the component is shown. One stream serves the whole page. */
export function useLive(listener: (message: LiveMessage) => void): void {
  useEffect(() => {
    listeners.add(listener);
    open();
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) close();
    };
  }, [listener]);
}

export function useLiveState(): State {
  return useSyncExternalStore(
    (tell) => {
      watchers.add(tell);
      return () => watchers.delete(tell);
    },
    () => state,
  );
}
