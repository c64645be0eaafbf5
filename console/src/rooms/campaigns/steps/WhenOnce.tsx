import { Radio, Stack } from '@mantine/core';
import { DateTimePicker } from '@mantine/dates';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { StepProps } from './step';

type When = 'now' | 'later' | 'local';

/** When a one-off campaign is said: at once, at an instant, or when each person's own clock shows a time. */
export function WhenOnce({ plan, onChange }: StepProps) {
  const { t } = useTranslation();
  const [when, setWhen] = useState<When>(plan.local_at !== null ? 'local' : plan.send_at !== null ? 'later' : 'now');
  return (
    <>
      <Radio.Group
        label={t('campaigns.when')}
        value={when}
        onChange={(next) => {
          setWhen(next as When);
          onChange({ send_at: null, local_at: null });
        }}
      >
        <Stack gap="xs" mt={6}>
          <Radio value="now" label={t('campaigns.when_now')} />
          <Radio value="later" label={t('campaigns.when_later')} />
          <Radio value="local" label={t('campaigns.when_local')} description={t('campaigns.when_local_hint')} />
        </Stack>
      </Radio.Group>
      {when === 'later' && (
        <DateTimePicker
          label={t('campaigns.send_at')}
          description={t('campaigns.send_at_hint', { zone: Intl.DateTimeFormat().resolvedOptions().timeZone })}
          required
          value={plan.send_at === null ? null : new Date(plan.send_at)}
          onChange={(at) => onChange({ send_at: at ? new Date(at).toISOString() : null })}
          w={280}
        />
      )}
      {when === 'local' && (
        <DateTimePicker
          label={t('campaigns.local_at')}
          description={t('campaigns.local_at_hint')}
          required
          value={plan.local_at === null ? null : plan.local_at.replace('T', ' ')}
          onChange={(at) => onChange({ local_at: at ? at.replace(' ', 'T') : null })}
          w={280}
        />
      )}
    </>
  );
}
