import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Page } from '@/design/Page';
import { NEW_DRAFT } from './draft';
import { Wizard } from './Wizard';

/** A new experiment, step by step. */
export default function NewExperimentPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  return (
    <Page title={t('experiments.new')} back={{ to: '/experiments', label: t('nav.experiments') }}>
      <Wizard start={NEW_DRAFT} one={null} onSaved={(saved) => void navigate({ to: `/experiments/${saved.id}` })} />
    </Page>
  );
}
