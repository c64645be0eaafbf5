import { Stack, Text, TextInput, UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconSearch } from '@/design/icons';
import type { Kind } from '../exits';
import { COLOURS, faceOf, groupOf, GROUPS } from '../faces';
import { useKindName } from '../told';
import { DRAGGED } from './Canvas';
import styles from './canvas.module.css';

interface PaletteProps {
  kinds: readonly Kind[];
  onPick: (kind: string) => void;
  drags?: boolean;
}

/** What a kind does, in a sentence; another's kinds tell it themselves. */
export function useKindHint(): (kind: string) => string {
  const { t } = useTranslation();
  return (kind) => t(`steps.hint.${kind}`, { defaultValue: '' });
}

/** All kinds of step by group: dragged onto the canvas, or put after the chosen step by a press. */
export function Palette({ kinds, onPick, drags = true }: PaletteProps) {
  const { t } = useTranslation();
  const kindName = useKindName();
  const hint = useKindHint();
  const [typed, setTyped] = useState('');
  const wanted = typed.trim().toLowerCase();
  const shown = kinds.filter((kind) => [kind.name, kindName(kind.name), hint(kind.name)].some((text) => text.toLowerCase().includes(wanted)));
  return (
    <>
      <TextInput
        size="xs"
        leftSection={<IconSearch size={13} />}
        aria-label={t('journeys.find_step')}
        placeholder={t('journeys.find_step')}
        data-autofocus
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        onKeyDown={(event) => {
          const first = shown[0];
          if (event.key === 'Enter' && first) {
            event.preventDefault();
            onPick(first.name);
          }
        }}
      />
      {GROUPS.map((group) => {
        const here = shown.filter((kind) => groupOf(kind.group) === group);
        if (here.length === 0) return null;
        return (
          <Stack key={group} gap={2} role="group" aria-label={t(`steps.group.${group}`)} style={{ '--tone': `var(--mantine-color-${COLOURS[group]}-6)` } as React.CSSProperties}>
            <Text size="xs" c="dimmed" fw={600} px={6}>{t(`steps.group.${group}`)}</Text>
            {here.map((kind) => {
              const Face = faceOf(kind.name);
              return (
                <UnstyledButton
                  key={kind.name}
                  className={styles.chip}
                  draggable={drags}
                  title={hint(kind.name) || undefined}
                  onDragStart={(event) => {
                    event.dataTransfer.setData(DRAGGED, kind.name);
                    event.dataTransfer.effectAllowed = 'copy';
                  }}
                  onClick={() => onPick(kind.name)}
                >
                  <span aria-hidden><Face size={15} stroke={1.7} /></span>
                  <span>{kindName(kind.name)}</span>
                </UnstyledButton>
              );
            })}
          </Stack>
        );
      })}
      {shown.length === 0 && <Text size="xs" c="dimmed">{t('journeys.no_such_step')}</Text>}
    </>
  );
}
