import { Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { SchemaField, type Field } from '../../channels/SchemaField';
import type { SettingsSchema } from '../../channels/SchemaForm';
import type { Kind } from '../exits';
import type { FormProps } from './form';

/** A form made from the kind's own schema: a third party's kind of step needs no page of its own. */
export function OtherForm({ settings, put, kind }: FormProps & { kind: Kind | undefined }) {
  const { t } = useTranslation();
  const schema = (kind?.settings ?? {}) as SettingsSchema;
  const fields = Object.entries(schema.properties ?? {});
  const required = new Set(schema.required ?? []);
  if (fields.length === 0) return <Text size="sm" c="dimmed">{t('journeys.no_settings')}</Text>;
  return (
    <Stack gap="sm">
      {fields.map(([name, field]: [string, Field]) => (
        <SchemaField
          key={name}
          name={name}
          field={field}
          parts={schema.$defs ?? {}}
          required={required.has(name)}
          secret={false}
          secretSet={false}
          value={settings[name]}
          onChange={(value) => put({ [name]: value })}
        />
      ))}
    </Stack>
  );
}
