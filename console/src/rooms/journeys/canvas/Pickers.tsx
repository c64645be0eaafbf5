import { Modal, Select, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Edit } from '../edit';
import { exitsOf, type Kind } from '../exits';
import type { Definition } from '../model';
import { START, stepOf } from '../model';
import { useExitName, useStepName } from '../told';
import { Palette } from './Palette';

interface AddProps {
  definition: Definition;
  kinds: ReadonlyMap<string, Kind>;
  /** After which step; the start itself, or nothing to join it to. */
  after: { key: string; exit?: string } | null;
  onPick: (kind: string, after?: { key: string; exit: string }) => void;
  onClose: () => void;
}

/** Chooses a kind of step, and by which exit of the one before people come to it. */
export function AddStep({ definition, kinds, after, onPick, onClose }: AddProps) {
  const { t } = useTranslation();
  const stepName = useStepName(definition);
  const exitName = useExitName();
  const step = after ? stepOf(definition, after.key) : undefined;
  const exits = step ? exitsOf(step, kinds) : ['next'];
  const [exit, setExit] = useState(after?.exit ?? exits.find((one) => !step?.next[one]) ?? exits[0] ?? 'next');
  return (
    <Modal opened onClose={onClose} returnFocus={false} title={after ? t('journeys.add_after', { step: stepName(after.key) }) : t('journeys.tool.add')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Stack gap="sm">
        {step && exits.length > 1 && (
          <Select
            label={t('journeys.by_exit')}
            allowDeselect={false}
            data={exits.map((one) => ({ value: one, label: exitName(one, step) }))}
            value={exit}
            onChange={(picked) => picked && setExit(picked)}
          />
        )}
        <Palette kinds={[...kinds.values()]} drags={false} onPick={(kind) => onPick(kind, after && exits.length > 0 ? { key: after.key, exit } : undefined)} />
      </Stack>
    </Modal>
  );
}

interface OnwardProps {
  definition: Definition;
  kinds: ReadonlyMap<string, Kind>;
  from: string;
  onEdit: (edit: Edit) => void;
}

const NOWHERE = '-';

/** Where each exit of a step leads, chosen by name. */
export function Onward({ definition, kinds, from, onEdit }: OnwardProps) {
  const { t } = useTranslation();
  const stepName = useStepName(definition);
  const exitName = useExitName();
  const step = stepOf(definition, from);
  const options = definition.steps.map((one) => ({ value: one.key, label: stepName(one.key) }));
  if (from === START) {
    return (
      <Select
        label={t('journeys.first_step')}
        searchable
        allowDeselect={false}
        data={options}
        value={definition.start || null}
        onChange={(to) => to && onEdit({ do: 'connect', from, exit: 'next', to })}
      />
    );
  }
  if (!step) return null;
  const exits = exitsOf(step, kinds);
  return (
    <Stack gap="xs">
      {exits.length === 0 && <Text size="sm" c="dimmed">{t('journeys.no_exits')}</Text>}
      {exits.map((exit) => (
        <Select
          key={exit}
          label={exitName(exit, step)}
          searchable
          allowDeselect={false}
          data={[{ value: NOWHERE, label: t('journeys.ends_here') }, ...options]}
          onFocus={(event) => event.currentTarget.select()}
          value={step.next[exit] ?? NOWHERE}
          onChange={(to) => onEdit({ do: 'connect', from, exit, to: to === NOWHERE ? null : to })}
        />
      ))}
    </Stack>
  );
}

/** The same in a dialog, for the key C. */
export function ConnectDialog({ onClose, ...onward }: OnwardProps & { onClose: () => void }) {
  const { t } = useTranslation();
  const stepName = useStepName(onward.definition);
  return (
    <Modal opened onClose={onClose} returnFocus={false} title={t('journeys.connect_from', { step: stepName(onward.from) })} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Onward {...onward} />
    </Modal>
  );
}
