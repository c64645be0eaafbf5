import { before } from '../graph';
import type { Definition, Settings, Step } from '../model';
import { stepOf } from '../model';

/** What the form of a kind is given. */
export interface FormProps {
  step: Step;
  settings: Settings;
  definition: Definition;
  journeyId: number;
  put: (part: Settings) => void;
}

export const DAY = 86_400;
export const NEW_MATCH = { event: '', kind: 'track', filters: [] } as const;
export const EVERYBODY = { kind: 'and', of: [] } as const;

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
export const numberOf = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);
export function listOf<Item>(value: unknown): Item[] {
  return Array.isArray(value) ? (value as Item[]) : [];
}

/** The message said last before a step, if there is one. */
function lastMessage(definition: Definition, key: string): string | undefined {
  const seen = new Set<string>();
  const queue = [key];
  for (let here = queue.shift(); here !== undefined; here = queue.shift()) {
    if (seen.has(here)) continue;
    seen.add(here);
    if (stepOf(definition, here)?.kind === 'message') return here;
    queue.push(...before(definition, here).map((one) => one.key));
  }
  return undefined;
}

/** What a new step says before its author has said anything. */
export function firstSettings(kind: string, definition: Definition, after?: string): Settings {
  const message = after ? lastMessage(definition, after) : undefined;
  switch (kind) {
    case 'wait':
      return { seconds: DAY };
    case 'wait_time':
      return { since: '10:00', until: '20:00' };
    case 'wait_event':
      return { match: NEW_MATCH, timeout_seconds: 3 * DAY };
    case 'wait_answer':
      return { ...(message && { step: message }), what: 'opened', timeout_seconds: 2 * DAY };
    case 'engagement':
      return { ...(message && { step: message }), what: 'opened' };
    case 'condition':
      return { condition: EVERYBODY };
    case 'first_match':
      return { arms: [{ key: 'first', condition: EVERYBODY }] };
    case 'channel':
      return { channels: ['email', 'sms'] };
    case 'split':
      return { parts: [{ key: 'a', share: 50 }, { key: 'b', share: 50 }] };
    case 'experiment':
      return { experiment: '', arms: ['control', 'variant'] };
    case 'holdout':
      return { percent: 10 };
    case 'message':
      return { channel: 'email', message_class: 'marketing', content: { subject: '', text: '' } };
    case 'set_trait':
      return { traits: {} };
    case 'tag':
      return { trait: 'tags', add: [] };
    case 'webhook':
      return { url: '' };
    case 'raise_event':
      return { event: '' };
    case 'loop':
      return { times: 3 };
    case 'gate':
      return { most: 1000, seconds: 3600 };
    default:
      return {};
  }
}
