import { Accordion, SimpleGrid } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { SchemaField, type Field, type Parts } from './SchemaField';

/** The part of JSON Schema that a channel's settings use. */
export interface SettingsSchema {
  properties?: Record<string, Field>;
  required?: string[];
  $defs?: Parts;
}

type Values = Record<string, unknown>;

interface SchemaFormProps {
  schema: SettingsSchema;
  secrets: string[];
  secretsSet: string[];
  values: Values;
  onChange: (values: Values) => void;
  /** The field a problem named, and what it said. */
  fault?: { field: string; message: string } | null;
  /** Nothing can be changed: everything is shown at once, as what is folded away could not be opened. */
  readOnly?: boolean;
}

/** Fields that everybody sets stand first though they have a default. */
const USUAL = new Set(['port', 'security', 'username', 'from_name', 'sender', 'region', 'domain', 'system_type', 'url']);

/** A form made from the channel's own schema, so that a new channel needs no new page. */
export function SchemaForm({ schema, secrets, secretsSet, values, onChange, fault, readOnly }: SchemaFormProps) {
  const { t } = useTranslation();
  const fields = Object.entries(schema.properties ?? {});
  const required = new Set(schema.required ?? []);
  const isFirst = (name: string) => required.has(name) || USUAL.has(name) || (secrets.includes(name) && !/^(imap|dkim)/.test(name));
  const draw = ([name, field]: [string, Field]) => (
    <SchemaField
      key={name}
      name={name}
      field={field}
      parts={schema.$defs ?? {}}
      required={required.has(name)}
      secret={secrets.includes(name)}
      secretSet={secretsSet.includes(name)}
      value={values[name]}
      onChange={(value) => onChange({ ...values, [name]: value })}
      error={fault?.field.endsWith(name) ? fault.message : undefined}
    />
  );
  const first = fields.filter(([name]) => isFirst(name));
  const rest = fields.filter(([name]) => !isFirst(name));
  const atFault = rest.some(([name]) => fault?.field.endsWith(name));
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 2 }} verticalSpacing="sm">{first.map(draw)}</SimpleGrid>
      {rest.length > 0 && (
        <Accordion variant="separated" mt="md" defaultValue={atFault || readOnly ? 'more' : null} key={String(atFault)}>
          <Accordion.Item value="more">
            <Accordion.Control>{t('channels.more_settings')}</Accordion.Control>
            <Accordion.Panel>
              <SimpleGrid cols={{ base: 1, sm: 2 }} verticalSpacing="sm">{rest.map(draw)}</SimpleGrid>
            </Accordion.Panel>
          </Accordion.Item>
        </Accordion>
      )}
    </>
  );
}
