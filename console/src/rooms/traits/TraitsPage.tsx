import { Tabs } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Page } from '@/design/Page';
import { useAddress } from '@/shell/address';
import { Computed } from './Computed';
import { Registry } from './Registry';

/** What is known of customers: the traits they have, and those that follow from what they do. */
export default function TraitsPage() {
  const { t } = useTranslation();
  const [address, change] = useAddress<'tab'>();
  return (
    <Page title={t('nav.traits')} lead={t('traits.lead')}>
      <Tabs value={address.tab ?? 'registry'} onChange={(tab) => change({ tab: tab === 'registry' ? undefined : (tab ?? undefined) })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="registry">{t('traits.registry')}</Tabs.Tab>
          <Tabs.Tab value="computed">{t('traits.computed')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="registry"><Registry /></Tabs.Panel>
        <Tabs.Panel value="computed"><Computed /></Tabs.Panel>
      </Tabs>
    </Page>
  );
}
