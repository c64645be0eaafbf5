import { Tabs } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useSession } from '@/api/session';
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
  { key: 'caps', icon: IconGauge, page: Caps, needs: null },
  { key: 'hours', icon: IconClock, page: Hours, needs: null },
  { key: 'suitability', icon: IconRules, page: Suitability, needs: null },
  { key: 'paths', icon: IconSequence, page: Paths, needs: null },
  { key: 'holdout', icon: IconNot, page: Holdouts, needs: 'experiments:read' },
  { key: 'approval', icon: IconCheck, page: ApprovalRule, needs: 'campaigns:read' },
  { key: 'classes', icon: IconList, page: Classes, needs: null },
] as const;

/** What the gate holds every message against, whoever sends it. */
export default function RulesPage() {
  const { t } = useTranslation();
  const [address, change] = useAddress<'tab'>();
  const held = useSession().data?.permissions ?? [];
  const open = TABS.filter((tab) => tab.needs === null || held.includes(tab.needs));
  const shown = open.find((tab) => tab.key === address.tab)?.key ?? 'caps';
  return (
    <Page title={t('nav.rules')} lead={t('rules.lead')}>
      <Tabs value={shown} onChange={(tab) => change({ tab: tab === 'caps' ? null : tab })} keepMounted={false}>
        <Tabs.List mb="lg">
          {open.map((tab) => <Tabs.Tab key={tab.key} value={tab.key} leftSection={<tab.icon size={16} stroke={1.6} />}>{t(`rules.tab_${tab.key}`)}</Tabs.Tab>)}
        </Tabs.List>
        {open.map((tab) => <Tabs.Panel key={tab.key} value={tab.key}><tab.page /></Tabs.Panel>)}
      </Tabs>
    </Page>
  );
}
