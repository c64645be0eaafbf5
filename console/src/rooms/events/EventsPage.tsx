import { Tabs } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/session';
import { Page } from '@/design/Page';
import { useAddress } from '@/shell/address';
import { LiveStream } from './LiveStream';
import { Rejects } from './Rejects';
import { Sources } from './Sources';

/** What customers do, as it comes in; what could not be understood; and who sends it. */
export default function EventsPage() {
  const { t } = useTranslation();
  const [address, change] = useAddress<'tab'>();
  const may = useMay('events:manage');
  return (
    <Page title={t('nav.events')} lead={t('events.lead')}>
      <Tabs value={address.tab ?? 'live'} onChange={(tab) => change({ tab: tab === 'live' ? null : tab })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="live">{t('events.tab_live')}</Tabs.Tab>
          <Tabs.Tab value="rejects">{t('events.tab_rejects')}</Tabs.Tab>
          <Tabs.Tab value="sources">{t('events.tab_sources')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="live"><LiveStream /></Tabs.Panel>
        <Tabs.Panel value="rejects"><Rejects may={may} /></Tabs.Panel>
        <Tabs.Panel value="sources"><Sources may={may} /></Tabs.Panel>
      </Tabs>
    </Page>
  );
}
