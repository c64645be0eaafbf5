import { useCallback, useEffect, useSyncExternalStore } from 'react';
import { api, take, type Schema } from '@/api/client';
import { useLive, type LiveMessage } from '@/api/live';

/** Numbers at one moment, by name. */
export interface Point {
  at: number;
  values: Record<string, number>;
}

const KEPT = 600;
const STORE = 'antiphon.history';

/** Lines that grow while one watches, kept over reloads of this tab. */
class History {
  private lines: Record<string, Point[]>;
  private readonly watchers = new Set<() => void>();
  private saved = 0;

  constructor() {
    try {
      this.lines = JSON.parse(sessionStorage.getItem(STORE) ?? '{}') as Record<string, Point[]>;
    } catch {
      this.lines = {};
    }
  }

  add(line: string, values: Record<string, number>): void {
    const point = { at: Date.now(), values };
    this.lines = { ...this.lines, [line]: [...(this.lines[line] ?? []), point].slice(-KEPT) };
    if (point.at - this.saved > 5000) {
      this.saved = point.at;
      sessionStorage.setItem(STORE, JSON.stringify(this.lines));
    }
    this.watchers.forEach((tell) => tell());
  }

  /** What was before the first point this tab knows. */
  prepend(line: string, past: Point[]): void {
    const here = this.lines[line] ?? [];
    const first = here[0]?.at ?? Infinity;
    this.lines = { ...this.lines, [line]: [...past.filter((point) => point.at < first), ...here].slice(-KEPT) };
    this.watchers.forEach((tell) => tell());
  }

  read(line: string): Point[] {
    return this.lines[line] ?? NONE;
  }

  watch = (tell: () => void): (() => void) => {
    this.watchers.add(tell);
    return () => this.watchers.delete(tell);
  };
}

const NONE: Point[] = [];
export const history = new History();

export function useHistory(line: string): Point[] {
  return useSyncExternalStore(history.watch, () => history.read(line));
}

const merged = (numbers: Schema<'Overview'>['numbers']) => Object.assign({}, ...Object.values(numbers)) as Record<string, number>;

async function remember(): Promise<void> {
  const past = await take(api.GET('/v1/overview/history'));
  history.prepend('rooms', past.points.map((point) => ({ at: Date.parse(point.at), values: merged(point.numbers) })));
}

let latest: Schema<'Overview'> | null = null;
let jobs: Schema<'Job'>[] = [];

/** Listens for as long as the console is open, so that lines have a past when the overview is opened. */
export function useRecorder(): void {
  useLive(
    useCallback((message: LiveMessage) => {
      if (message.kind === 'job') {
        jobs = [message.data, ...jobs.filter((job) => job.id !== message.data.id)].slice(0, 20);
        return;
      }
      latest = message.data;
      history.add('rooms', merged(message.data.numbers));
    }, []),
  );
  useEffect(() => void remember().catch(() => undefined), []);
}

export function useLatest(): Schema<'Overview'> | null {
  return useSyncExternalStore(history.watch, () => latest);
}

export function useJobs(): Schema<'Job'>[] {
  return useSyncExternalStore(history.watch, () => jobs);
}
