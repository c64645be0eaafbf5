import { JsonInput, NumberInput, PasswordInput, Select, Switch, TagsInput, Textarea, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';

/** One setting, as its schema describes it. */
export interface Field {
  title?: string;
  description?: string;
  type?: string;
  enum?: (string | null)[];
  anyOf?: Field[];
  items?: Field;
  $ref?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
}

export type Parts = Record<string, Field>;

/** Texts this long are written in several lines. */
const LONG = 1000;

interface SchemaFieldProps {
  name: string;
  field: Field;
  parts: Parts;
  required: boolean;
  secret: boolean;
  secretSet: boolean;
  value: unknown;
  onChange: (value: unknown) => void;
  error?: string;
}

function whole(field: Field, parts: Parts): Field {
  const one = field.anyOf?.find((part) => part.type !== 'null') ?? field;
  const named = one.$ref ? parts[one.$ref.split('/').at(-1) ?? ''] : undefined;
  return { ...named, ...one, title: field.title ?? one.title, description: field.description ?? one.description, default: field.default };
}

/** The control a setting needs. Names and hints are in the reader's language where the house knows the setting. */
export function SchemaField({ name, field: given, parts, required, secret, secretSet, value: set, onChange, error }: SchemaFieldProps) {
  const { t } = useTranslation();
  const field = whole(given, parts);
  const common = {
    label: t(`setting.${name}`, { defaultValue: field.title ?? name.replaceAll('_', ' ') }),
    description: field.description && t(`setting_hint.${name}`, { defaultValue: field.description }),
    required,
    error,
  };
  const value = set ?? field.default;
  const text = typeof value === 'string' ? value : '';
  if (secret) {
    const shared = { ...common, required: required && !secretSet, placeholder: secretSet ? t('channels.secret_kept') : undefined };
    const typed = typeof set === 'string' ? set : '';
    if ((field.maxLength ?? 0) >= LONG) {
      return <Textarea {...shared} autosize minRows={3} maxRows={8} autoComplete="off" spellCheck={false} value={typed} onChange={(event) => onChange(event.currentTarget.value)} />;
    }
    return (
      <PasswordInput
        {...shared}
        autoComplete="new-password"
        visibilityToggleButtonProps={{ 'aria-label': t('access.show_password') }}
        value={typed}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    );
  }
  if (field.enum) {
    const data = field.enum.filter((one) => one !== null).map((one) => ({ value: String(one), label: t(`setting_choice.${one}`, { defaultValue: String(one) }) }));
    return <Select {...common} data={data} value={text} onChange={onChange} allowDeselect={false} />;
  }
  switch (field.type) {
    case 'boolean':
      return <Switch mt={26} label={common.label} description={common.description} error={error} checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />;
    case 'integer':
    case 'number':
      return (
        <NumberInput
          {...common}
          allowDecimal={field.type === 'number'}
          min={field.minimum}
          max={field.maximum}
          value={typeof value === 'number' ? value : ''}
          onChange={(typed) => onChange(typed === '' ? undefined : Number(typed))}
        />
      );
    case 'array':
      return <TagsInput {...common} clearable clearButtonProps={{ 'aria-label': t('common.clear') }} value={Array.isArray(value) ? value.map(String) : []} onChange={onChange} />;
    case 'object':
      return <Mapping {...common} value={value} onChange={onChange} />;
    default:
      if ((field.maxLength ?? 0) >= LONG) {
        return <Textarea {...common} autosize minRows={2} maxRows={8} maxLength={field.maxLength} value={text} onChange={(event) => onChange(event.currentTarget.value)} />;
      }
      return <TextInput {...common} maxLength={field.maxLength} value={text} onChange={(event) => onChange(event.currentTarget.value)} />;
  }
}

function Mapping({ value, onChange, ...common }: { label: string; description?: string; required: boolean; error?: string; value: unknown; onChange: (value: unknown) => void }) {
  const put = (typed: string) => {
    try {
      onChange(typed.trim() === '' ? {} : (JSON.parse(typed) as unknown));
    } catch {
      // Half-typed: the field itself says that it is not whole yet.
    }
  };
  return <JsonInput {...common} autosize minRows={2} formatOnBlur defaultValue={value ? JSON.stringify(value, null, 1) : ''} onChange={put} />;
}
