import { useTranslation } from 'react-i18next';
import { Page } from '@/design/Page';
import { Panel } from '@/design/Panel';
import { Planner } from './Planner';

/** The planner by itself, for a question before there is an experiment. */
export default function PlannerPage() {
  const { t } = useTranslation();
  return (
    <Page title={t('experiments.planner')} lead={t('experiments.planner_lead')} back={{ to: '/experiments', label: t('nav.experiments') }}>
      <Panel label={t('experiments.planner')}><Planner /></Panel>
    </Page>
  );
}
