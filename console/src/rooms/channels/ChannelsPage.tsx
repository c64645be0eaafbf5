import { Button, Tabs } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/session';
import { IconPlug, IconPlus, IconShield, IconSplit } from '@/design/icons';
import { Page } from '@/design/Page';
import { useAddress } from '@/shell/address';
import { Accounts } from './Accounts';
import { NewAccount } from './NewAccount';
import { Refused } from './Refused';
import { Routing } from './Routing';
import { useKinds } from './vocabulary';

const TABS = [
  { key: 'accounts', icon: IconPlug },
  { key: 'routing', icon: IconSplit },
  { key: 'refused', icon: IconShield },
] as const;

/** The ways of speaking this installation has: accounts, how messages are shared among them, and what they cost. */
export default function ChannelsPage() {
  const { t } = useTranslation();
  const [address, change] = useAddress<'tab' | 'new'>();
  const may = useMay('channels:write');
  const kinds = useKinds();
  const [adding, setAdding] = useState(false);
  const add = may && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)} disabled={!kinds.data}>{t('channels.new')}</Button>
  );
  return (
    <Page title={t('nav.channels')} lead={t('channels.lead')} actions={add}>
      <Tabs value={address.tab ?? 'accounts'} onChange={(tab) => change({ tab: tab === 'accounts' ? null : tab })} keepMounted={false}>
        <Tabs.List mb="lg">
          {TABS.map((tab) => <Tabs.Tab key={tab.key} value={tab.key} leftSection={<tab.icon size={16} stroke={1.6} />}>{t(`channels.tab_${tab.key}`)}</Tabs.Tab>)}
        </Tabs.List>
        <Tabs.Panel value="accounts"><Accounts onAdd={() => setAdding(true)} /></Tabs.Panel>
        <Tabs.Panel value="routing"><Routing /></Tabs.Panel>
        <Tabs.Panel value="refused"><Refused /></Tabs.Panel>
      </Tabs>
      {adding && kinds.data && <NewAccount kinds={kinds.data} onClose={() => setAdding(false)} />}
    </Page>
  );
}
