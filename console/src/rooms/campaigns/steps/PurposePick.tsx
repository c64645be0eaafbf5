import { Select } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Plan } from '../plan';

export const PURPOSES = ['news', 'offer', 'newsletter', 'reminder', 'urgent', 'order_status', 'one_time_code'] as const;

interface PurposePickProps {
  value: string;
  channels: string[];
  messageClass: Plan['message_class'];
  onChange: (purpose: string) => void;
}

/** What the message is for; it decides which channels suit. */
export function PurposePick({ value, onChange }: PurposePickProps) {
  const { t } = useTranslation();
  return (
    <Select
      label={t('campaigns.purpose')}
      description={t('campaigns.purpose_hint')}
      placeholder={t('campaigns.any_purpose')}
      clearable
      clearButtonProps={{ 'aria-label': t('common.clear') }}
      data={PURPOSES.map((one) => ({ value: one, label: t(`purpose.${one}`) }))}
      value={value || null}
      onChange={(picked) => onChange(picked ?? '')}
    />
  );
}
