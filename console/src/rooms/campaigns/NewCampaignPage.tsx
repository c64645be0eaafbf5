import { Alert } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/session';
import { Page } from '@/design/Page';
import { useAddress } from '@/shell/address';
import { NEW_PLAN } from './plan';
import { Wizard } from './Wizard';

/** A new campaign, from audience to start. */
export default function NewCampaignPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const may = useMay('campaigns:write');
  const [address] = useAddress<'segment'>();
  const start = { ...NEW_PLAN, segment_id: address.segment ? Number(address.segment) : null };
  return (
    <Page title={t('campaigns.new')} back={{ to: '/campaigns', label: t('nav.campaigns') }}>
      {may ? <Wizard start={start} id={null} onStarted={(id) => void navigate({ to: `/campaigns/${id}` })} /> : <Alert color="gray">{t('campaigns.may_not')}</Alert>}
    </Page>
  );
}
