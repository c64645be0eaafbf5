import { Alert, List, Select, Stack } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useChannelTitle } from '../../channels/vocabulary';
import { usePurposeOptions, usePurposeTitle, useSuitability } from '../../rules/purposes';

interface PurposePickProps {
  value: string;
  /** The channels of the path, the first one first. */
  channels: string[];
  onChange: (purpose: string) => void;
}

/** What the message is for, and which of its channels do not suit that. */
export function PurposePick({ value, channels, onChange }: PurposePickProps) {
  const { t } = useTranslation();
  const title = useChannelTitle();
  const table = useSuitability().data;
  const purposeTitle = usePurposeTitle();
  const options = usePurposeOptions(value);
  const verdict = (channel: string) => table?.rows.find((row) => row.purpose === value && row.channel === channel)?.verdict ?? 'allowed';
  const alone = channels.every((channel) => channel === channels[0]);
  const wrong = value ? channels.filter((channel) => verdict(channel) === 'refused' || (verdict(channel) === 'reserve' && alone)) : [];
  const usual = (table?.rows ?? []).filter((row) => row.purpose === value && row.verdict === 'default').sort((one, other) => (one.rank ?? 0) - (other.rank ?? 0));
  return (
    <Stack gap="xs">
      <Select
        label={t('campaigns.purpose')}
        description={t('campaigns.purpose_hint')}
        placeholder={t('campaigns.any_purpose')}
        clearable
        clearButtonProps={{ 'aria-label': t('common.clear') }}
        data={options}
        value={value || null}
        onChange={(picked) => onChange(picked ?? '')}
      />
      {wrong.length > 0 && (
        <Alert color="yellow" role="status">
          <List size="sm">
            {[...new Set(wrong)].map((channel) => (
              <List.Item key={channel}>
                {t(verdict(channel) === 'refused' ? 'campaigns.unsuitable' : 'campaigns.only_reserve', { channel: title(channel), purpose: purposeTitle(value) })}
              </List.Item>
            ))}
            {usual.length > 0 && <List.Item>{t('campaigns.usual', { channels: usual.map((row) => title(row.channel)).join(', ') })}</List.Item>}
          </List>
        </Alert>
      )}
    </Stack>
  );
}
