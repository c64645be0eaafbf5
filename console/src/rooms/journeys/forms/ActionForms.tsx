import { Autocomplete, Input, PasswordInput, Select, Stack, TagsInput, TextInput, Textarea } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { DurationInput } from '@/design/DurationInput';
import { useChannelOptions } from '../../campaigns/steps/HopsEditor';
import { useAccounts } from '../../channels/vocabulary';
import { EventPick, TopicPick } from '../../segments/builder/inputs';
import { propertiesOf, useCatalogue, useTraitNames } from '../../segments/vocabulary';
import { Givens, type Given } from './Givens';
import { listOf, numberOf, textOf, type FormProps } from './form';

const ADDRESS = 'https://';
const HEADER = 'X-Team: growth';
const WEBHOOK = 'webhook';
const givens = (value: unknown) => (value ?? {}) as Record<string, Given>;

export function SetTraitForm({ settings, put }: FormProps) {
  const { t } = useTranslation();
  return <Givens label={t('steps.field.traits')} name={t('steps.field.trait')} names={useTraitNames()} value={givens(settings.traits)} onChange={(traits) => put({ traits })} />;
}

export function TagForm({ settings, put }: FormProps) {
  const { t } = useTranslation();
  const lists = useTraitNames(['text_list']);
  return (
    <Stack gap="sm">
      <Autocomplete label={t('steps.field.list_trait')} data={lists} value={textOf(settings.trait)} onChange={(trait) => put({ trait })} />
      <TagsInput label={t('steps.field.add_tags')} maxTags={50} value={listOf<string>(settings.add)} onChange={(add) => put({ add })} />
      <TagsInput label={t('steps.field.remove_tags')} maxTags={50} value={listOf<string>(settings.remove)} onChange={(remove) => put({ remove })} />
    </Stack>
  );
}

export function SubscribeForm({ settings, put }: FormProps) {
  const { t } = useTranslation();
  const options = useChannelOptions();
  return (
    <Stack gap="sm">
      <Select
        label={t('steps.field.state')}
        allowDeselect={false}
        data={(['granted', 'withdrawn'] as const).map((one) => ({ value: one, label: t(`steps.field.${one}`) }))}
        value={textOf(settings.state) || 'granted'}
        onChange={(state) => put({ state })}
      />
      <Select label={t('channels.channel')} required allowDeselect={false} data={options} value={textOf(settings.channel) || null} onChange={(channel) => channel && put({ channel })} />
      <Input.Wrapper label={t('consent.topic')} required labelElement="div"><TopicPick label={t('consent.topic')} w={320} value={textOf(settings.topic)} onChange={(topic) => put({ topic })} /></Input.Wrapper>
    </Stack>
  );
}

export function RaiseEventForm({ settings, put }: FormProps) {
  const { t } = useTranslation();
  const properties = propertiesOf(useCatalogue(), textOf(settings.event));
  return (
    <Stack gap="sm">
      <Input.Wrapper label={t('segments.event')} required labelElement="div"><EventPick label={t('segments.event')} w={320} value={textOf(settings.event)} onChange={(event) => put({ event })} /></Input.Wrapper>
      <Givens label={t('steps.field.properties')} name={t('segments.property')} names={properties} value={givens(settings.properties)} onChange={(changed) => put({ properties: changed })} />
    </Stack>
  );
}

/** Headers as lines of "name: value". */
function readHeaders(text: string): Record<string, string> {
  return Object.fromEntries(text.split('\n').flatMap((line) => {
    const at = line.indexOf(':');
    return at > 0 ? [[line.slice(0, at).trim(), line.slice(at + 1).trim()]] : [];
  }));
}

export function WebhookForm({ settings, put, step }: FormProps) {
  const { t } = useTranslation();
  const accounts = useAccounts(WEBHOOK);
  const headers = Object.entries((settings.headers ?? {}) as Record<string, string>).map(([name, value]) => `${name}: ${value}`).join('\n');
  return (
    <Stack gap="sm">
      <TextInput label={t('steps.field.url')} type="url" required placeholder={ADDRESS} maxLength={2000} value={textOf(settings.url)} onChange={(event) => put({ url: event.currentTarget.value })} />
      <Select label={t('steps.field.method')} allowDeselect={false} w={140} data={['POST', 'PUT', 'PATCH', 'GET', 'DELETE']} value={textOf(settings.method) || 'POST'} onChange={(method) => put({ method })} />
      <TagsInput label={t('steps.field.sent_traits')} description={t('steps.field.sent_traits_hint')} data={useTraitNames()} maxTags={50} value={listOf<string>(settings.traits)} onChange={(traits) => put({ traits })} />
      <Givens label={t('steps.field.data')} name={t('common.name')} value={givens(settings.data)} onChange={(data) => put({ data })} />
      <Textarea label={t('steps.field.headers')} autosize minRows={2} maxRows={6} spellCheck={false} placeholder={HEADER} key={step.key} defaultValue={headers} onBlur={(event) => put({ headers: readHeaders(event.currentTarget.value) })} />
      <Select
        label={t('webhook_step.signed_by')}
        description={t('webhook_step.signed_by_hint')}
        clearable
        data={(accounts.data ?? []).map((one) => ({ value: String(one.id), label: one.name }))}
        value={typeof settings.account_id === 'number' ? String(settings.account_id) : null}
        onChange={(id) => put({ account_id: id === null ? null : Number(id) })}
      />
      <PasswordInput label={t('steps.field.secret')} description={t('steps.field.secret_hint')} autoComplete="new-password" visibilityToggleButtonProps={{ 'aria-label': t('access.show_password') }} value={textOf(settings.secret)} onChange={(event) => put({ secret: event.currentTarget.value })} />
      <DurationInput label={t('steps.field.give_up')} value={numberOf(settings.give_up_seconds, 3600)} min={1} onChange={(give_up_seconds) => put({ give_up_seconds })} />
    </Stack>
  );
}
