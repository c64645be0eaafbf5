import { SegmentedControl, Select, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { textOf } from './form';

/** Liquid has the catalogue's own braces, so it is no part of a sentence there. */
const EXAMPLE = '{{ first_name }}, {{ event.order_id }}, {{ heard.step.property }}';

interface Words {
  template_version_id?: number | null;
  content?: { subject?: string; text?: string } | null;
}

/** A published version of a template: the one in force, or the older one that was chosen. */
export function VersionPick({ channel, value, onChange }: { channel: string; value: number | null; onChange: (version: number | null) => void }) {
  const { t } = useTranslation();
  const templates = useQuery({
    queryKey: ['templates', 'options', channel],
    queryFn: () => take(api.GET('/v1/templates', { params: { query: { channel: channel || undefined, limit: 500 } } })),
  });
  const data = (templates.data?.items ?? []).flatMap((one) => (one.published_id ? [{ value: String(one.published_id), label: one.name }] : []));
  const known = value === null || data.some((one) => one.value === String(value));
  return (
    <Select
      label={t('campaigns.template')}
      placeholder={t('campaigns.pick_template')}
      description={known ? undefined : t('steps.field.older_version')}
      searchable
      required
      allowDeselect={false}
      nothingFoundMessage={t('steps.field.no_templates')}
      data={known ? data : [{ value: String(value), label: t('steps.field.version_n', { id: value }) }, ...data]}
      value={value === null ? null : String(value)}
      onChange={(id) => onChange(id === null ? null : Number(id))}
    />
  );
}

interface MessageWordsProps {
  channel: string;
  value: Words;
  onChange: (words: Words) => void;
  /** Where saying the same as before is a choice too. */
  same?: boolean;
}

/** What is said: a template, or a text written here. */
export function MessageWords({ channel, value, onChange, same }: MessageWordsProps) {
  const { t } = useTranslation();
  const how = value.content ? 'text' : same && !value.template_version_id ? 'same' : 'template';
  const content = value.content ?? {};
  const kinds = ['template', 'text', ...(same ? ['same'] : [])] as const;
  return (
    <Stack gap="xs">
      <SegmentedControl
        size="xs"
        aria-label={t('steps.field.what_is_said')}
        data={kinds.map((one) => ({ value: one, label: t(`steps.field.say_${one}`) }))}
        value={how}
        onChange={(next) => onChange({ template_version_id: null, content: next === 'text' ? { subject: '', text: '' } : null, ...(next === 'template' && same ? { template_version_id: 0 } : {}) })}
      />
      {how === 'template' && <VersionPick channel={channel} value={value.template_version_id || null} onChange={(version) => onChange({ template_version_id: version, content: null })} />}
      {how === 'text' && (
        <>
          {(channel === 'email' || channel === 'push' || channel === '') && <TextInput label={t('content.subject')} maxLength={500} value={textOf(content.subject)} onChange={(event) => onChange({ template_version_id: null, content: { ...content, subject: event.currentTarget.value } })} />}
          <Textarea label={t('steps.field.text')} autosize minRows={3} maxRows={12} value={textOf(content.text)} onChange={(event) => onChange({ template_version_id: null, content: { subject: '', ...content, text: event.currentTarget.value } })} />
          <Text size="xs" c="dimmed">{t('steps.field.text_hint', { example: EXAMPLE })}</Text>
        </>
      )}
    </Stack>
  );
}
