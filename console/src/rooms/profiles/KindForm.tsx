import { Alert, NumberInput, Select, Switch, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { Problem } from '@/api/problem';
import { FormDrawer } from '@/design/SaveForm';
import { done } from '@/design/toast';

type Kind = Schema<'Kind'>;
type Given = Required<Schema<'KindGiven'>>;
const FORMS: Given['form'][] = ['exact', 'lower', 'card', 'handle', 'email', 'phone'];
const NUMBERS = [['most', 1, 100_000], ['people', 1, 10_000], ['quiet_days', 0, 36_500]] as const;

interface KindFormProps {
  kind: Kind | null;
  title: string;
  onClose: () => void;
}

/** A kind of one's own, or the numbers of one that is built in. */
export function KindForm({ kind, title, onClose }: KindFormProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const fixed = kind !== null && !kind.own;
  const [name, setName] = useState(kind?.name ?? '');
  const [given, setGiven] = useState<Given>({
    title: kind?.title ?? '', form: kind?.form ?? 'exact', household: kind?.household ?? false, proposes: kind?.proposes ?? true,
    most: kind?.most ?? 1000, people: kind?.people ?? 10, quiet_days: kind?.quiet_days ?? 0,
  });
  const put = (change: Partial<Given>) => setGiven({ ...given, ...change });
  const save = useMutation({
    mutationFn: () => take(api.PUT('/v1/identity-kinds/{name}', { params: { path: { name } }, body: given })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['identity-kinds'] });
      done(t('kinds.saved', { name: given.title || name }));
      onClose();
    },
  });
  const wrong = (field: string) => (save.error instanceof Problem && save.error.field === field ? save.error.message : undefined);
  return (
    <FormDrawer title={kind ? title : t('kinds.new')} saving={save} onSubmit={() => save.mutate()} onClose={onClose}>
      {fixed && <Alert color="gray">{t('kinds.fixed')}</Alert>}
      {!kind && (
        <TextInput label={t('kinds.name')} description={t('kinds.name_hint')} required value={name} error={wrong('name')} onChange={(event) => setName(event.currentTarget.value)} />
      )}
      {!fixed && (
        <>
          <TextInput label={t('kinds.called')} required value={given.title} error={wrong('title')} onChange={(event) => put({ title: event.currentTarget.value })} />
          <Select
            label={t('kinds.form')}
            data={FORMS.map((form) => ({ value: form, label: t(`kinds.form_${form}`) }))}
            value={given.form}
            onChange={(form) => form && put({ form: form as Given['form'] })}
            allowDeselect={false}
          />
          <Switch label={t('kinds.household')} checked={given.household} onChange={(event) => put({ household: event.currentTarget.checked })} />
          <Switch label={t('kinds.proposes')} checked={given.proposes} onChange={(event) => put({ proposes: event.currentTarget.checked })} />
        </>
      )}
      {NUMBERS.map(([field, min, max]) => (
        <NumberInput
          key={field}
          label={t(`kinds.${field}`)}
          description={t(`kinds.${field}_hint`)}
          required
          allowDecimal={false}
          min={min}
          max={max}
          value={given[field]}
          error={wrong(field)}
          onChange={(typed) => put({ [field]: Number(typed) || 0 })}
        />
      ))}
    </FormDrawer>
  );
}
