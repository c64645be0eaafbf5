import type { ComponentType } from 'react';
import type { Schema } from '@/api/client';
import {
  IconAge, IconBolt, IconCake, IconFirst, IconGroup, IconLast, IconLikeness, IconList, IconMailOpened, IconPeople, IconPin, IconReach, IconSegments,
  IconSequence, IconShare, IconShield, IconTag,
} from '@/design/icons';
import { NEW_EVENT, NEW_TRAIT } from '../tree';
import type { Node, TraitType } from '../types';

type Catalogue = Schema<'Catalogue'>;

/** One line of the menu of conditions; its words are `build.kind.<key>`. */
export interface Choice {
  key: string;
  icon: ComponentType<{ size?: number; stroke?: number }>;
  /** The condition it begins with, filled with what is likeliest here. */
  make: (catalogue: Catalogue) => Node;
  /** Whether it can be asked here at all. */
  offered?: (catalogue: Catalogue) => boolean;
}

/** The trait of a type whose name is likeliest, or the first one; none where there is no such trait. */
export function likely(catalogue: Catalogue, types: TraitType[], name?: RegExp): string {
  const found = catalogue.traits.filter((one) => types.includes(one.type));
  return (name && found.find((one) => name.test(one.name))?.name) ?? (name ? '' : (found[0]?.name ?? ''));
}

export const BIRTH = /birth|born|dob|рожд|生日/i;
export const LATITUDE = /^lat|latitude|широт|纬度/i;
export const LONGITUDE = /^(lon|lng)|longitude|долгот|经度/i;

const channel = (catalogue: Catalogue) => (catalogue.channels.includes('email') ? 'email' : (catalogue.channels[0] ?? ''));
const topic = (catalogue: Catalogue) => catalogue.topics[0] ?? '';
const salt = () => `draw ${new Date().toISOString().slice(0, 10)}`;

/** Every kind of condition, grouped as a marketer looks for it. */
export const CHOICES: { group: string; choices: Choice[] }[] = [
  {
    group: 'are',
    choices: [
      { key: 'trait', icon: IconTag, make: () => NEW_TRAIT },
      { key: 'age', icon: IconAge, make: (all) => ({ kind: 'age', trait: likely(all, ['date', 'instant'], BIRTH), op: 'lt', value: 25, high: null }) },
      { key: 'anniversary', icon: IconCake, make: (all) => ({ kind: 'anniversary', trait: likely(all, ['date', 'instant'], BIRTH), begin: 0, end: 7 }) },
      { key: 'length', icon: IconList, make: (all) => ({ kind: 'length', trait: likely(all, ['text_list']), op: 'ge', value: 1, high: null }) },
      {
        key: 'near',
        icon: IconPin,
        make: (all) => ({
          kind: 'near',
          op: 'within',
          metres: 5000,
          place: { latitude: Number.NaN, longitude: Number.NaN },
          latitude: likely(all, ['number'], LATITUDE),
          longitude: likely(all, ['number'], LONGITUDE),
        }),
      },
    ],
  },
  {
    group: 'did',
    choices: [
      { key: 'event', icon: IconBolt, make: () => NEW_EVENT },
      { key: 'sequence', icon: IconSequence, make: () => ({ kind: 'sequence', steps: [{ name: '' }, { name: '' }], window: { kind: 'last', amount: 30, unit: 'days' } }) },
      { key: 'first_time', icon: IconFirst, make: () => ({ kind: 'event_time', which: 'first', name: '', window: { kind: 'last', amount: 30, unit: 'days' } }) },
      { key: 'last_time', icon: IconLast, make: () => ({ kind: 'event_time', which: 'last', name: '', window: { kind: 'ago', begin: null, end: { amount: 90, unit: 'days' } } }) },
    ],
  },
  {
    group: 'reach',
    choices: [
      { key: 'engagement', icon: IconMailOpened, make: (all) => ({ kind: 'engagement', channel: channel(all), did: 'opened', op: 'did', window: { kind: 'last', amount: 30, unit: 'days' } }) },
      { key: 'reachable', icon: IconReach, make: (all) => ({ kind: 'reachable', channel: channel(all), topic: null }) },
      { key: 'consent', icon: IconShield, make: (all) => ({ kind: 'consent', channel: channel(all), topic: topic(all), state: 'granted' }) },
    ],
  },
  {
    group: 'sets',
    choices: [
      { key: 'segment', icon: IconSegments, make: () => ({ kind: 'segment', id: 0 }) },
      { key: 'profiles', icon: IconPeople, make: () => ({ kind: 'profiles', ids: [] }) },
      { key: 'share', icon: IconShare, make: () => ({ kind: 'share', salt: salt(), begin: 0, end: 10 }) },
      { key: 'lookalike', icon: IconLikeness, offered: (all) => all.lookalike, make: () => ({ kind: 'lookalike', id: 0, percent: 5 }) },
      { key: 'group', icon: IconGroup, make: () => ({ kind: 'or', of: [] }) },
    ],
  },
];
