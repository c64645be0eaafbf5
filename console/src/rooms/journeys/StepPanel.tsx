import { ActionIcon, Alert, Button, Code, Divider, Fieldset, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconClose, IconTrash } from '@/design/icons';
import { Onward } from './canvas/Pickers';
import { useKindHint } from './canvas/Palette';
import type { Finding } from './canvas/state';
import type { Edit } from './edit';
import { exitsFor, type Kind } from './exits';
import { faceOf } from './faces';
import { SettingsForm } from './forms';
import { stepOf, type Definition } from './model';
import { useKindName } from './told';

interface StepPanelProps {
  definition: Definition;
  kinds: ReadonlyMap<string, Kind>;
  stepKey: string;
  journeyId: number;
  /** A key that is live already is a step's name for ever. */
  mayRename: boolean;
  /** The settings are shown, and cannot be changed. */
  readOnly: boolean;
  findings: readonly Finding[];
  onEdit: (edit: Edit) => void;
  onRenamed: (key: string) => void;
  onRemove: () => void;
  onClose: () => void;
}

function KeyField({ stepKey, taken, onRename }: { stepKey: string; taken: Set<string>; onRename: (key: string) => void }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState(stepKey);
  const sound = /^[a-z][a-z0-9_]{0,39}$/.test(typed) && (typed === stepKey || !taken.has(typed));
  return (
    <TextInput
      label={t('journeys.step_key')}
      description={t('journeys.step_key_hint')}
      error={sound ? undefined : t('journeys.step_key_wrong')}
      maxLength={40}
      value={typed}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onBlur={() => (sound && typed !== stepKey ? onRename(typed) : setTyped(stepKey))}
    />
  );
}

/** One step's settings, where its exits lead, and what is wrong with it. */
export function StepPanel({ definition, kinds, stepKey, journeyId, mayRename, readOnly, findings, onEdit, onRenamed, onRemove, onClose }: StepPanelProps) {
  const { t } = useTranslation();
  const kindName = useKindName();
  const hint = useKindHint();
  const step = stepOf(definition, stepKey);
  if (!step) return null;
  const Face = faceOf(step.kind);
  const put = (part: Record<string, unknown>) => {
    const settings = Object.fromEntries(Object.entries({ ...step.settings, ...part }).filter(([, value]) => value !== undefined));
    onEdit({ do: 'settings', key: stepKey, settings, exits: exitsFor(step.kind, settings, kinds) });
  };
  const found = findings.filter((one) => one.step === stepKey);
  return (
    <Stack gap="md">
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Group gap={8} wrap="nowrap">
          <Face size={20} stroke={1.6} aria-hidden />
          <Title order={2} fz="0.9375rem">{kindName(step.kind)}</Title>
        </Group>
        <ActionIcon variant="subtle" color="gray" aria-label={t('common.close')} onClick={onClose}><IconClose size={16} /></ActionIcon>
      </Group>
      <Text size="sm" c="dimmed" mt={-10}>{hint(step.kind)}</Text>
      {found.length > 0 && (
        <Alert color={found.some((one) => one.level === 'error') ? 'red' : 'yellow'} p="xs">
          {found.map((one) => <Text key={one.code + one.place} size="sm">{one.message}</Text>)}
        </Alert>
      )}
      <Fieldset variant="unstyled" mx={0} disabled={readOnly}>
        <Stack gap="md">
          <TextInput label={t('journeys.step_title')} placeholder={kindName(step.kind)} maxLength={200} value={step.title} onChange={(event) => onEdit({ do: 'title', key: stepKey, title: event.currentTarget.value })} />
          <SettingsForm key={`settings of ${stepKey}`} step={step} settings={step.settings} definition={definition} journeyId={journeyId} kind={kinds.get(step.kind)} put={put} />
          <Divider label={t('journeys.leads')} labelPosition="left" />
          <Onward definition={definition} kinds={kinds} from={stepKey} onEdit={onEdit} />
        </Stack>
      </Fieldset>
      <Divider />
      {mayRename && !readOnly ? (
        <KeyField key={`key of ${stepKey}`} stepKey={stepKey} taken={new Set(definition.steps.map((one) => one.key))} onRename={(to) => { onEdit({ do: 'rekey', key: stepKey, to }); onRenamed(to); }} />
      ) : (
        <Text size="xs" c="dimmed">{t('journeys.step_key')}: <Code>{stepKey}</Code></Text>
      )}
      {!readOnly && <Button variant="subtle" color="red" size="xs" w="fit-content" leftSection={<IconTrash size={14} />} onClick={onRemove}>{t('journeys.tool.remove')}</Button>}
    </Stack>
  );
}
