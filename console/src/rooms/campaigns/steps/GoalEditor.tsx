import { Autocomplete, Group, Stack, Switch, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { DurationInput } from '@/design/DurationInput';
import type { Filter } from '../../segments/types';
import { propertiesOf, useCatalogue } from '../../segments/vocabulary';
import { MatchEditor } from './TriggerEditor';

type Goal = NonNullable<Schema<'CampaignBody'>['goal']>;

const NEW_GOAL: Goal = { event: '', kind: 'track', filters: [], within_seconds: 7 * 86_400, value: null, key: null, code: null, code_property: null, personal_codes: false };

/** What counts as success: an event in time after the message, what it is worth, and the code that names the campaign. */
export function GoalEditor({ value, onChange }: { value: Goal | null; onChange: (value: Goal | null) => void }) {
  const { t } = useTranslation();
  const properties = propertiesOf(useCatalogue(), value?.event ?? '');
  const put = (part: Partial<Goal>) => value && onChange({ ...value, ...part });
  const path = (name: 'value' | 'key' | 'code_property') => (
    <Autocomplete
      label={t(`campaigns.goal_${name}`)}
      description={t(`campaigns.goal_${name}_hint`)}
      w={250}
      data={properties}
      value={value?.[name] ?? ''}
      onChange={(typed) => put({ [name]: typed.trim() || null })}
    />
  );
  return (
    <Stack gap="sm">
      <Switch label={t('campaigns.goal')} description={t('campaigns.goal_hint')} checked={value !== null} onChange={(event) => onChange(event.currentTarget.checked ? NEW_GOAL : null)} />
      {value && (
        <>
          <MatchEditor event={value.event} filters={(value.filters ?? []) as Filter[]} onChange={(part) => put(part as Partial<Goal>)} />
          <DurationInput label={t('campaigns.goal_within')} value={value.within_seconds ?? 7 * 86_400} min={60} onChange={(within_seconds) => put({ within_seconds })} />
          <Group align="flex-start">{path('value')}{path('key')}</Group>
          <Group align="flex-start">
            {path('code_property')}
            <TextInput label={t('campaigns.goal_code')} description={t('campaigns.goal_code_hint')} w={250} maxLength={40} value={value.code ?? ''} onChange={(event) => put({ code: event.currentTarget.value.trim() || null })} />
          </Group>
          <Switch label={t('campaigns.personal_codes')} description={t('campaigns.personal_codes_hint')} checked={value.personal_codes ?? false} onChange={(event) => put({ personal_codes: event.currentTarget.checked })} />
        </>
      )}
    </Stack>
  );
}
