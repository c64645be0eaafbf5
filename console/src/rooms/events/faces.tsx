import type { ComponentType } from 'react';
import {
  IconBounce, IconCart, IconClick, IconEvents, IconEye, IconMail, IconMailOpened, IconNot, IconPerson, IconSegments, IconShield,
} from '@/design/icons';

type Icon = ComponentType<{ size?: number; stroke?: number }>;

const FACES: [RegExp, Icon, string][] = [
  [/unsubscribed|spam/i, IconNot, 'orange'],
  [/bounced/i, IconBounce, 'orange'],
  [/opened/i, IconMailOpened, 'green'],
  [/clicked/i, IconClick, 'lime'],
  [/^email|delivered|sent/i, IconMail, 'blue'],
  [/order|cart|product|checkout|top.?up|purchase|paid|payment/i, IconCart, 'teal'],
  [/segment/i, IconSegments, 'grape'],
];

/** The picture and colour of an event, by its kind and name. */
export function faceOf(kind: string, name: string): [Icon, string] {
  if (kind === 'consent') return name.endsWith('Withdrawn') ? [IconNot, 'orange'] : [IconShield, 'green'];
  if (kind === 'merge' || kind === 'identify' || kind === 'alias' || kind === 'group') return [IconPerson, 'gray'];
  if (kind === 'page' || kind === 'screen') return [IconEye, 'gray'];
  const found = FACES.find(([pattern]) => pattern.test(name));
  return found ? [found[1], found[2]] : [IconEvents, 'iris'];
}
