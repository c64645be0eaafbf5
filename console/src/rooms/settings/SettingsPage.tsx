import { Tabs } from '@mantine/core';
import { useNavigate, useParams } from '@tanstack/react-router';
import { lazy, Suspense, type ComponentType, type LazyExoticComponent } from 'react';
import { useTranslation } from 'react-i18next';
import { useSession } from '@/api/session';
import {
  IconDoor, IconKey, IconPerson, IconCustomers, IconShield,
} from '@/design/icons';
import { Page } from '@/design/Page';

interface Tab {
  key: string;
  room: string | null;
  permission: string | null;
  icon: ComponentType<{ size?: number; stroke?: number }>;
  page: LazyExoticComponent<ComponentType>;
}

const TABS: Tab[] = [
  { key: 'account', room: null, permission: null, icon: IconPerson, page: lazy(() => import('../access/AccountTab')) },
  { key: 'people', room: null, permission: 'access:read_people', icon: IconCustomers, page: lazy(() => import('../access/PeopleTab')) },
  { key: 'keys', room: null, permission: 'access:read_keys', icon: IconKey, page: lazy(() => import('../access/KeysTab')) },
  { key: 'identities', room: null, permission: 'profiles:read', icon: IconPerson, page: lazy(() => import('../profiles/KindsTab')) },
  { key: 'consent', room: 'consent', permission: 'consent:read', icon: IconShield, page: lazy(() => import('../consent/ConsentTab')) },
  { key: 'installation', room: null, permission: 'settings:read', icon: IconDoor, page: lazy(() => import('./InstallationTab')) },
];

/** Everything that is set once: oneself, people, keys, consent topics, and the installation. */
export default function SettingsPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const session = useSession().data;
  const chosen = (useParams({ strict: false }) as { tab?: string }).tab;
  const open = TABS.filter(
    (tab) =>
      (tab.room === null || session?.rooms.includes(tab.room)) &&
      (tab.permission === null || session?.permissions.includes(tab.permission)),
  );
  const shown = open.find((tab) => tab.key === chosen) ?? open[0];
  return (
    <Page title={t('nav.settings')}>
      <Tabs
        value={shown?.key ?? null}
        onChange={(key) => void navigate({ to: `/settings/${key}`, replace: true })}
        keepMounted={false}
      >
        <Tabs.List mb="lg">
          {open.map((tab) => (
            <Tabs.Tab key={tab.key} value={tab.key} leftSection={<tab.icon size={16} stroke={1.6} />}>
              {t(`settings.tab_${tab.key}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {open.map((tab) => (
          <Tabs.Panel key={tab.key} value={tab.key}>
            <Suspense fallback={null}>
              <tab.page />
            </Suspense>
          </Tabs.Panel>
        ))}
      </Tabs>
    </Page>
  );
}
