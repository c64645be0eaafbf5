import { Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';

interface TemplatePickProps {
  label: string;
  description?: string;
  channel: string;
  required?: boolean;
  placeholder?: string;
  value: number | null;
  onChange: (id: number | null) => void;
}

/** A template of a channel; one that is not published yet is shown, and cannot be chosen. */
export function TemplatePick({ label, description, channel, required, placeholder, value, onChange }: TemplatePickProps) {
  const { t } = useTranslation();
  const templates = useQuery({
    queryKey: ['templates', 'options', channel],
    queryFn: () => take(api.GET('/v1/templates', { params: { query: { channel, limit: 500 } } })),
  });
  return (
    <Select
      label={label}
      description={description}
      placeholder={placeholder ?? (required ? t('campaigns.pick_template') : t('campaigns.same_words'))}
      required={required}
      searchable
      clearable={!required}
      clearButtonProps={{ 'aria-label': t('common.clear') }}
      w={required ? undefined : 240}
      data={(templates.data?.items ?? []).map((one) => ({
        value: String(one.id),
        label: one.published_id === null ? `${one.name} (${t('state.draft')})` : one.name,
        disabled: one.published_id === null,
      }))}
      value={value === null ? null : String(value)}
      onChange={(id) => onChange(id === null ? null : Number(id))}
    />
  );
}
