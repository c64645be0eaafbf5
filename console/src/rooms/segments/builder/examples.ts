import type { ComponentType } from 'react';
import type { Schema } from '@/api/client';
import { IconAge, IconCake, IconCart, IconClick, IconLast, IconMail, IconPin, IconShare } from '@/design/icons';
import type { Node } from '../types';
import { BIRTH, LATITUDE, likely, LONGITUDE } from './kinds';

type Catalogue = Schema<'Catalogue'>;

/** A segment to start from; its words are `build.example.<key>` and `build.example_hint.<key>`. */
export interface Example {
  key: string;
  icon: ComponentType<{ size?: number; stroke?: number }>;
  of: (catalogue: Catalogue) => Node[];
}

const BOUGHT = /order|purchase|checkout completed|bought|paid|top.?up|куп|заказ|购买|订单/i;
const VIEWED = /view|browse|search|added|cart|просм|корзин|浏览|加入/i;

const event = (catalogue: Catalogue, name: RegExp) => catalogue.events.find((one) => name.test(one.name))?.name ?? '';
const email = (catalogue: Catalogue) => (catalogue.channels.includes('email') ? 'email' : (catalogue.channels[0] ?? ''));
const birth = (catalogue: Catalogue) => likely(catalogue, ['date', 'instant'], BIRTH);

/** What marketers ask for most. Names of traits and events are guessed from what is known here, and left open otherwise. */
export const EXAMPLES: Example[] = [
  { key: 'birthday', icon: IconCake, of: (all) => [{ kind: 'anniversary', trait: birth(all), begin: 0, end: 7 }] },
  {
    key: 'abandoned',
    icon: IconCart,
    of: (all) => [
      {
        kind: 'sequence',
        steps: [{ name: event(all, VIEWED) }, { name: event(all, BOUGHT), absent: true, at_most: { amount: 1, unit: 'days' } }],
        window: { kind: 'last', amount: 7, unit: 'days' },
      },
    ],
  },
  {
    key: 'lapsed',
    icon: IconLast,
    of: (all) => [{ kind: 'event_time', which: 'last', name: event(all, BOUGHT), window: { kind: 'ago', begin: null, end: { amount: 90, unit: 'days' } } }],
  },
  { key: 'young', icon: IconAge, of: (all) => [{ kind: 'age', trait: birth(all), op: 'lt', value: 25, high: null }] },
  { key: 'reachable', icon: IconMail, of: (all) => [{ kind: 'reachable', channel: email(all), topic: all.topics[0] ?? null }] },
  {
    key: 'near',
    icon: IconPin,
    of: (all) => [
      {
        kind: 'near',
        op: 'within',
        metres: 5000,
        place: { latitude: Number.NaN, longitude: Number.NaN },
        latitude: likely(all, ['number'], LATITUDE),
        longitude: likely(all, ['number'], LONGITUDE),
      },
    ],
  },
  {
    key: 'interested',
    icon: IconClick,
    of: (all) => {
      const window = { kind: 'last', amount: 14, unit: 'days' } as const;
      return [
        { kind: 'engagement', channel: email(all), did: 'clicked', op: 'did', window },
        { kind: 'event', name: event(all, BOUGHT), op: 'did_not', measure: 'count', where: [], window },
      ];
    },
  },
  { key: 'tenth', icon: IconShare, of: () => [{ kind: 'share', salt: `draw ${new Date().toISOString().slice(0, 10)}`, begin: 0, end: 10 }] },
];
