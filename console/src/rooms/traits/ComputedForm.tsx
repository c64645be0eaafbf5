import { Button, Grid, Group, Modal, SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';
import { AffinityEditor } from './AffinityEditor';
import { ComputedPreview } from './ComputedPreview';
import { isWhole, NEW_AFFINITY, NEW_MEASURE, type Definition } from './definition';
import { MeasureEditor } from './MeasureEditor';

/** Defines a trait that follows from events, with what some customers would have beside it. */
export function ComputedForm({ one, onClose }: { one: Schema<'ComputedTrait'> | null; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [name, setName] = useState(one?.name ?? '');
  const [description, setDescription] = useState(one?.description ?? '');
  const [definition, setDefinition] = useState<Definition>(one?.definition ?? NEW_MEASURE);
  const save = useMutation({
    mutationFn: () =>
      one
        ? take(
            api.PUT('/v1/computed-traits/{computed_id}', {
              params: { path: { computed_id: one.id } },
              body: { description, definition },
            }),
          )
        : take(api.POST('/v1/computed-traits', { body: { name, description, definition } })),
    onSuccess: () => {
      done(t(one ? 'common.saved' : 'traits.defined'));
      void client.invalidateQueries({ queryKey: ['computed-traits'] });
      void client.invalidateQueries({ queryKey: ['traits'] });
      onClose();
    },
  });
  return (
    <Modal opened onClose={onClose} size={980} title={one?.name ?? t('traits.new_computed')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <Grid gap="lg">
          <Grid.Col span={{ base: 12, sm: 7 }}>
            <Stack gap="sm">
              <ProblemAlert error={save.error} />
              {!one && (
                <>
                  <TextInput label={t('common.name')} description={t('traits.name_hint')} required data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
                  <div>
                    <Text size="sm" fw={500} mb={4}>{t('traits.kind')}</Text>
                    <SegmentedControl
                      aria-label={t('traits.kind')}
                      data={(['measure', 'affinity'] as const).map((kind) => ({ value: kind, label: t(`traits.kind_${kind}`) }))}
                      value={definition.kind}
                      onChange={(kind) => setDefinition(kind === 'affinity' ? NEW_AFFINITY : NEW_MEASURE)}
                    />
                    <Text size="xs" c="dimmed" mt={4}>{t(`traits.kind_${definition.kind}_hint`)}</Text>
                  </div>
                </>
              )}
              <TextInput label={t('common.description')} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
              {definition.kind === 'affinity' ? (
                <AffinityEditor definition={definition} onChange={setDefinition} />
              ) : (
                <MeasureEditor definition={definition} onChange={setDefinition} />
              )}
            </Stack>
          </Grid.Col>
          <Grid.Col span={{ base: 12, sm: 5 }}>
            <ComputedPreview definition={definition} />
          </Grid.Col>
        </Grid>
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" loading={save.isPending} disabled={!isWhole(definition) || name === ''}>{t(one ? 'common.save' : 'common.create')}</Button>
        </Group>
      </form>
    </Modal>
  );
}
