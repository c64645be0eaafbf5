import { Tabs } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { IconCheck, IconClock, IconGauge, IconList, IconNot, IconRules, IconSequence } from '@/design/icons';
import { Page } from '@/design/Page';
import { useAddress } from '@/shell/address';
import { ApprovalRule } from './ApprovalRule';
import { Caps } from './Caps';
import { Classes } from './Classes';
import { Hours } from './Hours';
import { Holdouts } from './Holdouts';
import { Paths } from './Paths';
import { Suitability } from './Suitability';

const TABS = [
  { key: 'caps', icon: IconGauge, page: Caps },
  { key: 'hours', icon: IconClock, page: Hours },
  { key: 'suitability', icon: IconRules, page: Suitability },
  { key: 'paths', icon: IconSequence, page: Paths },
  { key: 'holdout', icon: IconNot, page: Holdouts },
  { key: 'approval', icon: IconCheck, page: ApprovalRule },
  { key: 'classes', icon: IconList, page: Classes },
] as const;

/** What the gate holds every message against, whoever sends it. */
export default function RulesPage() {
  const { t } = useTranslation();
  const [address, change] = useAddress<'tab'>();
  return (
    <Page title={t('nav.rules')} lead={t('rules.lead')}>
      <Tabs value={address.tab ?? 'caps'} onChange={(tab) => change({ tab: tab === 'caps' ? null : tab })} keepMounted={false}>
        <Tabs.List mb="lg">
          {TABS.map((tab) => <Tabs.Tab key={tab.key} value={tab.key} leftSection={<tab.icon size={16} stroke={1.6} />}>{t(`rules.tab_${tab.key}`)}</Tabs.Tab>)}
        </Tabs.List>
        {TABS.map((tab) => <Tabs.Panel key={tab.key} value={tab.key}><tab.page /></Tabs.Panel>)}
      </Tabs>
    </Page>
  );
}
