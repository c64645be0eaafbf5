import { Alert, Button, Code, Group, Modal, Select, Stack, Switch, TagsInput, Text, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useFormat } from '@/design/format';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';

type Trait = Schema<'Trait'>;
const TYPES: Trait['type'][] = ['text', 'number', 'boolean', 'date', 'instant', 'text_list'];

function Refused({ name }: { name: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const refused = useQuery({
    queryKey: ['trait-refusals', name],
    queryFn: () => take(api.GET('/v1/trait-refusals', { params: { query: { name } } })),
  });
  if (!refused.data?.length) return null;
  return (
    <Alert color="orange" variant="light" title={t('traits.refused')}>
      <Stack gap={4}>
        {refused.data.slice(0, 5).map((one) => (
          <Text key={`${one.profile_id}:${one.at}`} size="sm">
            <Code>{one.value || '•••'}</Code>
            {` ${t(`traits.refused_${one.reason}`)}, ${format.dateTime(one.at)}`}
          </Text>
        ))}
      </Stack>
    </Alert>
  );
}

/** One trait: what it means, what it may hold, and who may see it. */
export function TraitForm({ trait, readOnly, onClose }: { trait: Trait; readOnly: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const form = useForm({
    initialValues: {
      description: trait.description, type: trait.next_type ?? trait.type, unit: trait.unit, allowed: trait.allowed ?? [],
      locked: trait.locked, personal: trait.personal, archived: trait.archived,
    },
  });
  const save = useMutation({
    mutationFn: ({ type, locked, allowed, ...rest }: typeof form.values) =>
      take(
        api.PATCH('/v1/traits/{name}', {
          params: { path: { name: trait.name } },
          body: trait.computed ? rest : { ...rest, type, locked, allowed },
        }),
      ),
    onSuccess: () => {
      done(t('common.saved'));
      void client.invalidateQueries({ queryKey: ['traits'] });
      onClose();
    },
  });
  return (
    <Modal opened onClose={onClose} size="lg" title={trait.name} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
        <Stack gap="sm">
          <ProblemAlert error={save.error} />
          {trait.computed && <Alert variant="light" color="iris">{t('traits.computed_note')}</Alert>}
          {trait.misfit !== null && (
            <Alert color="orange" variant="light" title={t('traits.has_misfit')}>
              <Code>{trait.misfit}</Code>
              <Text size="sm" mt={4}>{t('traits.misfit_note', { when: format.dateTime(trait.misfit_at) })}</Text>
            </Alert>
          )}
          <Refused name={trait.name} />
          <Textarea label={t('common.description')} autosize minRows={2} disabled={readOnly} data-autofocus {...form.getInputProps('description')} />
          {!trait.computed && (
            <>
              <Group grow align="flex-start">
                <Select
                  label={t('traits.type')}
                  description={trait.next_type ? t('traits.changing_note') : undefined}
                  data={TYPES.map((type) => ({ value: type, label: t(`traits.type_${type}`) }))}
                  allowDeselect={false}
                  disabled={readOnly || trait.next_type !== null}
                  {...form.getInputProps('type')}
                />
                <TextInput label={t('traits.unit')} placeholder={t('common.optional')} disabled={readOnly} {...form.getInputProps('unit')} />
              </Group>
              <TagsInput
                label={t('traits.allowed')}
                description={t('traits.allowed_hint')}
                disabled={readOnly}
                {...form.getInputProps('allowed')}
              />
              <Switch label={t('traits.locked')} description={t('traits.locked_hint')} disabled={readOnly} {...form.getInputProps('locked', { type: 'checkbox' })} />
            </>
          )}
          <Switch label={t('traits.personal')} description={t('traits.personal_hint')} disabled={readOnly} {...form.getInputProps('personal', { type: 'checkbox' })} />
          <Switch label={t('traits.archived')} description={t('traits.archived_hint')} disabled={readOnly} {...form.getInputProps('archived', { type: 'checkbox' })} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t(readOnly ? 'common.close' : 'common.cancel')}</Button>
            {!readOnly && <Button type="submit" loading={save.isPending}>{t('common.save')}</Button>}
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
