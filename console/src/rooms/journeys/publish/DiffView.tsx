import { Alert, Group, Stack, Text } from '@mantine/core';
import { ReactFlowProvider } from '@xyflow/react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/design/format';
import { Canvas } from '../canvas/Canvas';
import type { Around } from '../canvas/state';
import { diffOf, isSame, type Change, type StepChange } from '../diff';
import { exitsOf, type Kind } from '../exits';
import { placesOf } from '../layout';
import type { Definition } from '../model';
import { useExitName, useStepName } from '../told';
import styles from '../journeys.module.css';

const NONE: never[] = [];
const nothing = () => undefined;

interface StillProps {
  label: string;
  definition: Definition;
  kinds: ReadonlyMap<string, Kind>;
  changes?: ReadonlyMap<string, Change>;
}

/** A journey to look at, with what was changed in colour. */
export function Still({ label, definition, kinds, changes }: StillProps) {
  const places = useMemo(() => placesOf(definition, (step) => exitsOf(step, kinds)), [definition, kinds]);
  const around: Around = useMemo(
    () => ({ definition, kinds, readOnly: true, findings: NONE, changes: changes ?? new Map(), numbers: null, onEdit: nothing, onOpen: nothing }),
    [definition, kinds, changes],
  );
  return <ReactFlowProvider><Canvas label={label} around={around} places={places} selected={NONE} onSelect={nothing} small /></ReactFlowProvider>;
}

function Told({ one, before, after }: { one: StepChange; before: Definition; after: Definition }) {
  const { t } = useTranslation();
  const format = useFormat();
  const stepName = useStepName(one.change === 'removed' ? before : after);
  const exitName = useExitName();
  const { kind, title, settings, exits } = one.what;
  const what = [
    kind && t('journeys.diff.kind'),
    title && t('journeys.diff.title'),
    settings.length > 0 && t('journeys.diff.settings', { names: format.list(settings.map((name) => t(`steps.setting.${name}`, { defaultValue: name }))) }),
    exits.length > 0 && t('journeys.diff.exits', { names: format.list(exits.map((exit) => exitName(exit, one.after ?? one.before))) }),
  ].filter(Boolean) as string[];
  return (
    <Group gap={8} wrap="nowrap" align="baseline">
      <span className={styles.change} data-change={one.change} aria-hidden />
      <Text size="sm"><Text span fw={600}>{stepName(one.key)}</Text> {t(`journeys.diff.${one.change}`)}{what.length > 0 ? `: ${what.join('; ')}` : ''}</Text>
    </Group>
  );
}

interface DiffViewProps {
  before: Definition;
  after: Definition;
  kinds: ReadonlyMap<string, Kind>;
  names: [string, string];
}

/** What changed: both journeys side by side, coloured, and a list of it. */
export function DiffView({ before, after, kinds, names }: DiffViewProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const diff = useMemo(() => diffOf(before, after), [before, after]);
  const changes = useMemo(() => new Map(diff.steps.map((one) => [one.key, one.change])), [diff]);
  return (
    <Stack gap="sm">
      {isSame(diff) && <Alert color="gray">{t('journeys.diff.same')}</Alert>}
      <div className={styles.two}>
        {([[before, names[0]], [after, names[1]]] as const).map(([definition, name]) => (
          <div key={name}>
            <Text size="xs" fw={600} c="dimmed" mb={4}>{name}</Text>
            <div className={styles.half}><Still label={name} definition={definition} kinds={kinds} changes={changes} /></div>
          </div>
        ))}
      </div>
      <Stack gap={4} role="list" aria-label={t('journeys.diff.list')} data-testid="diff">
        {diff.steps.map((one) => <div role="listitem" key={one.key}><Told one={one} before={before} after={after} /></div>)}
        {diff.parts.length > 0 && (
          <div role="listitem"><Group gap={8} wrap="nowrap" align="baseline"><span className={styles.change} data-change="changed" aria-hidden /><Text size="sm">{t('journeys.diff.rules', { names: format.list(diff.parts.map((part) => t(`journeys.diff.part.${part}`))) })}</Text></Group></div>
        )}
      </Stack>
    </Stack>
  );
}

