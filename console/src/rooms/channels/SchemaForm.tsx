import { Accordion, NumberInput, PasswordInput, Select, SimpleGrid, Switch, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';

/** The part of JSON Schema that a channel's settings use. */
interface Field {
  title?: string;
  description?: string;
  type?: string;
  enum?: (string | null)[];
  anyOf?: Field[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
}

export interface SettingsSchema {
  properties?: Record<string, Field>;
  required?: string[];
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
}

function typeOf(field: Field): string {
  if (field.enum) return 'choice';
  return field.type ?? field.anyOf?.find((one) => one.type !== 'null')?.type ?? 'string';
}

const title = (name: string, field: Field) => field.title ?? name.replaceAll('_', ' ');

/** A form made from the channel's own schema, so that a new channel needs no new page. */
export function SchemaForm({ schema, secrets, secretsSet, values, onChange, fault }: SchemaFormProps) {
  const { t } = useTranslation();
  const fields = Object.entries(schema.properties ?? {});
  const required = new Set(schema.required ?? []);
  const put = (name: string) => (value: unknown) => onChange({ ...values, [name]: value });

  const draw = ([name, field]: [string, Field]) => {
    const common = {
      label: title(name, field),
      description: field.description,
      required: required.has(name),
      error: fault?.field.endsWith(name) ? fault.message : undefined,
    };
    const value = values[name] ?? field.default;
    if (secrets.includes(name)) {
      return (
        <PasswordInput
          key={name}
          {...common}
          autoComplete="new-password"
          placeholder={secretsSet.includes(name) ? t('channels.secret_kept') : undefined}
          visibilityToggleButtonProps={{ 'aria-label': t('access.show_password') }}
          value={typeof values[name] === 'string' ? (values[name] as string) : ''}
          onChange={(event) => put(name)(event.currentTarget.value)}
        />
      );
    }
    switch (typeOf(field)) {
      case 'boolean':
        return (
          <Switch key={name} mt={26} label={common.label} description={common.description} checked={value === true} onChange={(event) => put(name)(event.currentTarget.checked)} />
        );
      case 'integer':
      case 'number':
        return (
          <NumberInput
            key={name}
            {...common}
            allowDecimal={typeOf(field) === 'number'}
            min={field.minimum}
            max={field.maximum}
            value={typeof value === 'number' ? value : ''}
            onChange={(typed) => put(name)(typed === '' ? undefined : Number(typed))}
          />
        );
      case 'choice':
        return (
          <Select key={name} {...common} data={(field.enum ?? []).filter((one) => one !== null)} value={String(value ?? '')} onChange={put(name)} allowDeselect={false} />
        );
      default:
        return (
          <TextInput key={name} {...common} maxLength={field.maxLength} value={typeof value === 'string' ? value : ''} onChange={(event) => put(name)(event.currentTarget.value)} />
        );
    }
  };
  const first = fields.filter(([name]) => required.has(name) || secrets.includes(name) || ['port', 'security', 'username', 'from_name'].includes(name));
  const shownFirst = first.filter(([name]) => !name.startsWith('imap'));
  const rest = fields.filter((field) => !shownFirst.includes(field));
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 2 }} verticalSpacing="sm">{shownFirst.map(draw)}</SimpleGrid>
      {rest.length > 0 && (
        <Accordion variant="separated" mt="md">
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
