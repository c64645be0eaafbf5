import { Group, Switch, Text, TextInput, UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { Mark } from '@/design/Mark';
import { IconSearch, IconTag } from '@/design/icons';
import { Moment } from '@/design/Moment';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { TraitForm } from './TraitForm';
import { useTraits } from './vocabulary';

type Trait = Schema<'Trait'>;

export function TraitMarks({ trait }: { trait: Trait }) {
  const { t } = useTranslation();
  return (
    <Group gap={4}>
      {trait.computed && <Mark colour="iris">{t('traits.is_computed')}</Mark>}
      {trait.locked && <Mark colour="blue">{t('traits.is_locked')}</Mark>}
      {trait.personal && <Mark colour="grape">{t('traits.is_personal')}</Mark>}
      {trait.next_type && <Mark colour="yellow">{t('traits.changing')}</Mark>}
      {trait.misfit !== null && <Mark colour="orange">{t('traits.has_misfit')}</Mark>}
      {trait.archived && <Mark colour="gray">{t('traits.is_archived')}</Mark>}
    </Group>
  );
}

/** Every trait customers have: its type, what it means, and what is refused of it. */
export function Registry() {
  const { t } = useTranslation();
  const may = useMay('traits:write');
  const traits = useTraits();
  const [words, setWords] = useState('');
  const [archived, setArchived] = useState(false);
  const [open, setOpen] = useState<string | null>(null);
  const rows = traits.data?.filter((one) => (archived || !one.archived) && one.name.toLowerCase().includes(words.toLowerCase()));
  const opened = traits.data?.find((one) => one.name === open);
  return (
    <>
      <Group mb="md" justify="space-between">
        <TextInput
          aria-label={t('traits.find')}
          placeholder={t('traits.find')}
          leftSection={<IconSearch size={16} />}
          w={320}
          value={words}
          onChange={(event) => setWords(event.currentTarget.value)}
        />
        <Switch label={t('traits.show_archived')} checked={archived} onChange={(event) => setArchived(event.currentTarget.checked)} />
      </Group>
      <ProblemAlert error={traits.error} onRetry={() => void traits.refetch()} />
      <Panel flush>
        <DataTable
          label={t('traits.registry')}
          rows={rows}
          loading={traits.isLoading}
          rowKey={(one) => one.name}
          onOpen={(one) => setOpen(one.name)}
          empty={
            <EmptyState icon={IconTag} title={t(words ? 'traits.none_found' : 'traits.empty')}>
              {t(words ? 'traits.none_found_hint' : 'traits.empty_hint')}
            </EmptyState>
          }
          columns={[
            {
              key: 'name',
              head: t('common.name'),
              cell: (one) => (
                <UnstyledButton onClick={() => setOpen(one.name)}>
                  <Text size="sm" fw={550} style={{ overflowWrap: 'break-word' }}>{one.name}</Text>
                  {one.description && <Text size="xs" c="dimmed">{one.description}</Text>}
                </UnstyledButton>
              ),
            },
            {
              key: 'type',
              head: t('traits.type'),
              cell: (one) => <Text size="sm">{[t(`traits.type_${one.type}`), one.unit].filter(Boolean).join(', ')}</Text>,
            },
            { key: 'marks', head: t('common.state'), cell: (one) => <TraitMarks trait={one} /> },
            { key: 'since', head: t('traits.since'), right: true, cell: (one) => <Moment at={one.first_seen} /> },
          ]}
        />
      </Panel>
      {opened && <TraitForm trait={opened} readOnly={!may} onClose={() => setOpen(null)} />}
    </>
  );
}
