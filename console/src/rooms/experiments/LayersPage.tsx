import { Anchor, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { useConfirm } from '@/design/Confirm';
import { EmptyState } from '@/design/EmptyState';
import { useFormat } from '@/design/format';
import { IconExperiment, IconPlus } from '@/design/icons';
import { Page } from '@/design/Page';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { FormDialog } from '@/design/SaveForm';
import { Status } from '@/design/Status';
import { done, failed } from '@/design/toast';
import { keyFrom } from './draft';
import styles from './experiments.module.css';

type Layer = Schema<'Layer'>;

/** Which experiments share nobody, and how much of each layer is free. */
export default function LayersPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const may = useMay('experiments:write');
  const [dialog, ask] = useConfirm();
  const [making, setMaking] = useState(false);
  const layers = useQuery({ queryKey: ['layers'], queryFn: () => take(api.GET('/v1/layers')) });
  const refresh = () => void client.invalidateQueries({ queryKey: ['layers'] });
  const put = useMutation({
    mutationFn: ({ name, title }: { name: string; title: string }) => take(api.PUT('/v1/layers/{name}', { params: { path: { name } }, body: { title } })),
    onSuccess: refresh,
    onError: failed,
  });
  const remove = useMutation({
    mutationFn: (layer: Layer) => take(api.DELETE('/v1/layers/{name}', { params: { path: { name: layer.name } } })),
    onSuccess: (_, layer) => {
      refresh();
      done(t('experiments.layer_removed', { name: layer.title || layer.name }), () => put.mutate(layer));
    },
    onError: failed,
  });
  const confirm = async (layer: Layer) => {
    if (await ask({ title: t('experiments.remove_layer', { name: layer.title || layer.name }), body: t('experiments.remove_layer_body'), confirm: t('common.remove'), danger: true })) remove.mutate(layer);
  };
  const add = may && <Button leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>{t('experiments.new_layer')}</Button>;
  return (
    <Page title={t('experiments.layers')} lead={t('experiments.layers_lead')} back={{ to: '/experiments', label: t('nav.experiments') }} actions={add}>
      <ProblemAlert error={layers.error} onRetry={() => void layers.refetch()} />
      <Stack>
        {layers.data?.map((layer) => (
          <Panel
            key={layer.name}
            label={layer.title || layer.name}
            title={layer.title || layer.name}
            hint={t('experiments.free', { free: format.percent(layer.free, 100) })}
            actions={may && layer.experiments.length === 0 && <Button size="compact-xs" variant="subtle" color="red" aria-label={t('experiments.remove_layer_of', { name: layer.title || layer.name })} onClick={() => void confirm(layer)}>{t('common.remove')}</Button>}
          >
            <div className={styles.layer} aria-hidden>
              {layer.experiments.map((one) => <span key={one.id} className={styles.share} data-draft={one.state === 'draft' || undefined} style={{ width: `${one.percent}%` }} title={one.name}>{one.key}</span>)}
            </div>
            <Stack gap={4} mt="sm">
              {layer.experiments.map((one) => (
                <Group key={one.id} gap="xs">
                  <Anchor component={Link} to={`/experiments/${one.id}`} size="sm">{one.name}</Anchor>
                  <Status state={one.state} size="sm" />
                  <Text size="sm" c="dimmed">{t(one.state === 'draft' ? 'experiments.wants' : 'experiments.has', { share: format.percent(one.percent, 100) })}</Text>
                </Group>
              ))}
              {layer.experiments.length === 0 && <Text size="sm" c="dimmed">{t('experiments.layer_empty')}</Text>}
            </Stack>
          </Panel>
        ))}
        {layers.data?.length === 0 && <Panel><EmptyState icon={IconExperiment} title={t('experiments.no_layers')} action={add}>{t('experiments.layers_teach')}</EmptyState></Panel>}
      </Stack>
      {making && <NewLayer onClose={() => setMaking(false)} saving={put} onSave={(name, title) => put.mutate({ name, title }, { onSuccess: () => setMaking(false) })} />}
      {dialog}
    </Page>
  );
}

function NewLayer({ onClose, onSave, saving }: { onClose: () => void; onSave: (name: string, title: string) => void; saving: { isPending: boolean; error: unknown } }) {
  const { t } = useTranslation();
  const [title, setTitle] = useState('');
  const [name, setName] = useState<string | null>(null);
  const key = name ?? keyFrom(title).slice(0, 40);
  return (
    <FormDialog title={t('experiments.new_layer')} saving={saving} action={t('common.create')} disabled={!/^[a-z][a-z0-9_-]*$/.test(key)} onClose={onClose} onSubmit={() => onSave(key, title)}>
      <TextInput label={t('common.name')} data-autofocus maxLength={200} value={title} onChange={(event) => setTitle(event.currentTarget.value)} />
      <TextInput label={t('experiments.key')} required maxLength={40} value={key} onChange={(event) => setName(event.currentTarget.value)} />
    </FormDialog>
  );
}
