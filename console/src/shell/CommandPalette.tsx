import { Spotlight, type SpotlightActionData, type SpotlightActionGroupData } from '@mantine/spotlight';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Session } from '@/api/session';
import { IconCustomers, IconPlus, IconSearch } from '@/design/icons';
import { useFound } from './found';
import { openFloors } from './rooms';

interface Making {
  key: string;
  to: string;
  search?: Record<string, unknown>;
  permission: string;
}

const MAKE: Making[] = [
  { key: 'campaign', to: '/campaigns/new', permission: 'campaigns:write' },
  { key: 'journey', to: '/journeys', search: { new: '1' }, permission: 'journeys:write' },
  { key: 'experiment', to: '/experiments/new', permission: 'experiments:write' },
  { key: 'segment', to: '/segments/new', permission: 'segments:write' },
  { key: 'template', to: '/templates/new', permission: 'content:write' },
  { key: 'import', to: '/imports/new', permission: 'imports:write' },
];

/** Ctrl K: any room, anything that can be made, and any customer, segment, campaign, journey, experiment or template, by typing. */
export function CommandPalette({ session }: { session: Session }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [query, setQuery] = useState('');
  const go = (to: string, search?: Record<string, unknown>) => () => void navigate({ to, search: search as never });

  const places: SpotlightActionData[] = openFloors(session).flatMap((floor) =>
    floor.doors.map((door) => ({
      id: door.key,
      label: t(`nav.${door.key}`),
      leftSection: <door.icon size={18} stroke={1.6} />,
      onClick: go(door.to),
    })),
  );
  const making: SpotlightActionData[] = MAKE.filter((one) => session.permissions.includes(one.permission)).map((one) => ({
    id: `new-${one.key}`,
    label: t(`shell.new_${one.key}`),
    leftSection: <IconPlus size={18} stroke={1.6} />,
    onClick: go(one.to, one.search),
  }));
  const seeking: SpotlightActionData[] =
    query.trim() && session.permissions.includes('profiles:read')
      ? [
          {
            id: 'find-customer',
            label: t('shell.find_customer', { query: query.trim() }),
            keywords: [query],
            leftSection: <IconCustomers size={18} stroke={1.6} />,
            onClick: go('/customers', { q: query.trim() }),
          },
        ]
      : [];
  const found = useFound(session, query, go);
  const groups: SpotlightActionGroupData[] = [
    { group: t('shell.go_to'), actions: places },
    { group: t('shell.make'), actions: making },
    { group: t('nav.customers'), actions: [...found.customers, ...seeking] },
    { group: t('nav.segments'), actions: found.segments },
    { group: t('nav.campaigns'), actions: found.campaigns },
    { group: t('nav.journeys'), actions: found.journeys },
    { group: t('nav.experiments'), actions: found.experiments },
    { group: t('nav.templates'), actions: found.templates },
  ].filter((group) => group.actions.length > 0);

  return (
    <Spotlight
      actions={groups}
      query={query}
      onQueryChange={setQuery}
      shortcut={['mod + K']}
      nothingFound={t('shell.nothing_found')}
      highlightQuery
      scrollable
      maxHeight={420}
      searchProps={{
        leftSection: <IconSearch size={18} stroke={1.6} />,
        placeholder: t('shell.find'),
        'aria-label': t('shell.find'),
      }}
    />
  );
}
