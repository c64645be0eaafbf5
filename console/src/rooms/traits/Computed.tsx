import { Button, Group, Text, UnstyledButton } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { useConfirm } from '@/design/Confirm';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { NOTHING, useFormat } from '@/design/format';
import { IconBolt, IconPlus } from '@/design/icons';
import { Mark } from '@/design/Mark';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done, failed } from '@/design/toast';
import { ComputedForm } from './ComputedForm';
import { useDefinitionTold } from './definition';

type One = Schema<'ComputedTrait'>;
const AT_WORK = 2_000;

/** Traits that follow from events: defined once, kept up to date by themselves. */
export function Computed() {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const may = useMay('traits:write');
  const told = useDefinitionTold();
  const [dialog, ask] = useConfirm();
  const [editing, setEditing] = useState<One | 'new' | null>(null);
  const list = useQuery({
    queryKey: ['computed-traits'],
    queryFn: async () => (await take(api.GET('/v1/computed-traits'))).items,
    refetchInterval: (query) => (query.state.data?.some((one) => one.state !== 'ready' || one.people === null) ? AT_WORK : false),
  });
  const remove = useMutation({
    mutationFn: (id: number) => take(api.DELETE('/v1/computed-traits/{computed_id}', { params: { path: { computed_id: id } } })),
    onSuccess: () => {
      done(t('traits.removing'));
      void client.invalidateQueries({ queryKey: ['computed-traits'] });
    },
    onError: failed,
  });
  const confirm = async (one: One) => {
    const yes = await ask({ title: t('traits.remove_title', { name: one.name }), body: t('traits.remove_body'), confirm: t('common.remove'), danger: true });
    if (yes) remove.mutate(one.id);
  };
  const add = may && <Button leftSection={<IconPlus size={16} />} onClick={() => setEditing('new')}>{t('traits.new_computed')}</Button>;
  return (
    <>
      <Panel title={t('traits.computed')} hint={t('traits.computed_hint')} flush actions={add}>
        <ProblemAlert error={list.error} onRetry={() => void list.refetch()} />
        <DataTable
          label={t('traits.computed')}
          rows={list.data}
          loading={list.isLoading}
          rowKey={(one) => one.id}
          onOpen={may ? setEditing : undefined}
          empty={<EmptyState icon={IconBolt} title={t('traits.computed_empty')} action={add}>{t('traits.computed_empty_hint')}</EmptyState>}
          columns={[
            {
              key: 'name',
              head: t('common.name'),
              cell: (one) => (
                <UnstyledButton onClick={() => may && setEditing(one)}>
                  <Text size="sm" fw={550}>{one.name}</Text>
                  {one.description && <Text size="xs" c="dimmed">{one.description}</Text>}
                </UnstyledButton>
              ),
            },
            { key: 'what', head: t('traits.what'), cell: (one) => <Text size="sm">{told(one.definition)}</Text> },
            {
              key: 'state',
              head: t('common.state'),
              cell: (one) => <Mark colour={one.state === 'ready' ? 'teal' : 'yellow'}>{t(`traits.state_${one.state}`)}</Mark>,
            },
            { key: 'people', head: t('traits.people'), right: true, cell: (one) => (one.people === null ? NOTHING : format.number(one.people)) },
            {
              key: 'do',
              head: t('common.actions'),
              right: true,
              cell: (one) =>
                may && one.state !== 'removing' ? (
                  <Group gap={4} justify="flex-end" wrap="nowrap">
                    <Button size="compact-xs" variant="subtle" onClick={() => setEditing(one)}>{t('common.edit')}</Button>
                    <Button size="compact-xs" variant="subtle" color="red" onClick={() => void confirm(one)}>{t('common.remove')}</Button>
                  </Group>
                ) : null,
            },
          ]}
        />
      </Panel>
      {editing && <ComputedForm one={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />}
      {dialog}
    </>
  );
}
