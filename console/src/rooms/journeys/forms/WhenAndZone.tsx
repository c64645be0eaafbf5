import { Group } from '@mantine/core';
import { DateTimePicker } from '@mantine/dates';
import { useTranslation } from 'react-i18next';
import { ZonePick } from '../../campaigns/steps/ZonePick';

/** A wall time in a zone. */
export function WhenAndZone({ start, zone, onChange }: { start: string; zone: string; onChange: (part: { start?: string; zone?: string }) => void }) {
  const { t } = useTranslation();
  return (
    <Group align="flex-end" gap="sm">
      <DateTimePicker label={t('common.when')} required w={210} value={start.replace('T', ' ')} onChange={(at) => at && onChange({ start: at.replace(' ', 'T') })} />
      <ZonePick label={t('campaigns.zone')} w={200} value={zone} onChange={(next) => onChange({ zone: next })} />
    </Group>
  );
}
