import type { ComponentType } from 'react';
import {
  IconAudit, IconCampaigns, IconCoins, IconCustomers, IconDeliveries, IconEvents, IconExperiment, IconImports, IconJourneys, IconOverview, IconPlug, IconRules, IconSegments,
  IconSettings, IconTag, IconTemplates,
} from '@/design/icons';

/** One door in the navigation: shown when its room is switched on and the permission is held. */
export interface Door {
  /** Key of its name: `nav.<key>`. */
  key: string;
  to: string;
  room: string;
  permission: string | null;
  icon: ComponentType<{ size?: number; stroke?: number }>;
  /** Second key of the "go to" shortcut: g, then this. */
  shortcut: string;
}

export interface Floor {
  key: string;
  doors: Door[];
}

/** The navigation follows the floors of the house, from listening to speaking to running it. */
export const FLOORS: Floor[] = [
  {
    key: 'home',
    doors: [{ key: 'overview', to: '/', room: 'web', permission: 'live:read', icon: IconOverview, shortcut: 'o' }],
  },
  {
    key: 'awareness',
    doors: [
      { key: 'customers', to: '/customers', room: 'profiles', permission: 'profiles:read', icon: IconCustomers, shortcut: 'p' },
      { key: 'segments', to: '/segments', room: 'segments', permission: 'segments:read', icon: IconSegments, shortcut: 's' },
      { key: 'traits', to: '/traits', room: 'traits', permission: 'traits:read', icon: IconTag, shortcut: 'r' },
      { key: 'events', to: '/events', room: 'events', permission: 'events:read', icon: IconEvents, shortcut: 'e' },
      { key: 'imports', to: '/imports', room: 'imports', permission: 'imports:read', icon: IconImports, shortcut: 'i' },
    ],
  },
  {
    key: 'decisioning',
    doors: [{ key: 'experiments', to: '/experiments', room: 'experiments', permission: 'experiments:read', icon: IconExperiment, shortcut: 'x' }],
  },
  {
    key: 'execution',
    doors: [
      { key: 'campaigns', to: '/campaigns', room: 'campaigns', permission: 'campaigns:read', icon: IconCampaigns, shortcut: 'c' },
      { key: 'journeys', to: '/journeys', room: 'journeys', permission: 'journeys:read', icon: IconJourneys, shortcut: 'j' },
      { key: 'templates', to: '/templates', room: 'content', permission: 'content:read', icon: IconTemplates, shortcut: 't' },
      { key: 'deliveries', to: '/deliveries', room: 'delivery', permission: 'delivery:read', icon: IconDeliveries, shortcut: 'd' },
      { key: 'channels', to: '/channels', room: 'channels', permission: 'channels:read', icon: IconPlug, shortcut: 'h' },
      { key: 'rules', to: '/rules', room: 'delivery', permission: 'delivery:read', icon: IconRules, shortcut: 'u' },
      { key: 'budgets', to: '/budgets', room: 'delivery', permission: 'delivery:read', icon: IconCoins, shortcut: 'b' },
    ],
  },
  {
    key: 'foundation',
    doors: [
      { key: 'settings', to: '/settings', room: 'access', permission: null, icon: IconSettings, shortcut: ',' },
      { key: 'audit', to: '/audit', room: 'access', permission: 'access:read_audit', icon: IconAudit, shortcut: 'a' },
    ],
  },
];

/** Pages within a room that need more than the room does. */
const INNER: Door[] = [
  { key: 'verifications', to: '/deliveries/verifications', room: 'delivery', permission: 'verifications:read', icon: IconDeliveries, shortcut: '' },
  { key: 'segments', to: '/segments/new', room: 'segments', permission: 'segments:write', icon: IconSegments, shortcut: '' },
  { key: 'imports', to: '/imports/new', room: 'imports', permission: 'imports:write', icon: IconImports, shortcut: '' },
  { key: 'experiments', to: '/experiments/new', room: 'experiments', permission: 'experiments:write', icon: IconExperiment, shortcut: '' },
  { key: 'campaigns', to: '/campaigns/new', room: 'campaigns', permission: 'campaigns:write', icon: IconCampaigns, shortcut: '' },
  { key: 'templates', to: '/templates/new', room: 'content', permission: 'content:write', icon: IconTemplates, shortcut: '' },
];

export interface Standing {
  rooms: readonly string[];
  permissions: readonly string[];
}

/** Foundation's rooms cannot be switched off, so they are never missing from the list. */
const ALWAYS_ON = new Set(['web', 'access']);

export function isOn(door: Door, standing: Standing): boolean {
  return ALWAYS_ON.has(door.room) || standing.rooms.includes(door.room);
}

export function mayEnter(door: Door, standing: Standing): boolean {
  return isOn(door, standing) && (door.permission === null || standing.permissions.includes(door.permission));
}

/** The door a page lies behind; a page of no door is open to everybody. */
export function doorOf(path: string): Door | undefined {
  return [...INNER, ...FLOORS.flatMap((floor) => floor.doors)].find((door) => door.to !== '/' && (path === door.to || path.startsWith(`${door.to}/`)));
}

export function openFloors(standing: Standing): Floor[] {
  return FLOORS.map((floor) => ({ ...floor, doors: floor.doors.filter((door) => mayEnter(door, standing)) })).filter(
    (floor) => floor.doors.length > 0,
  );
}
