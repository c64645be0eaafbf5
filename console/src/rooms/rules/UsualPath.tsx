import { Stack, Switch, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Chain } from '../campaigns/steps/Chain';
import { useUsualPath } from './paths';

interface UsualPathProps {
  messageClass: string;
  /** Empty where the message names none. */
  channel: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
}

/** Where a message goes that names no further channels: along the usual path of its class, if there is one. */
export function UsualPath({ messageClass, channel, checked, onChange }: UsualPathProps) {
  const { t } = useTranslation();
  const [first, ...later] = useUsualPath(messageClass, channel);
  if (!first || (channel && later.length === 0)) return null;
  return (
    <Stack gap="xs">
      <Switch label={t('rules.usual_path')} description={t('rules.usual_path_hint')} checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} />
      {checked ? <Chain channel={first.channel} hops={later} /> : <Text size="xs" c="dimmed">{t('rules.usual_path_off')}</Text>}
    </Stack>
  );
}
