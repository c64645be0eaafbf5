import { ActionIcon, Button, Group, NumberInput, Stack, Text, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/design/format';
import { IconClose, IconPlus } from '@/design/icons';
import type { Draft } from './draft';

type Arms = Draft['arms'];
const MOST = 10;

/** What is tried: at least two arms, the first of which the others are compared with. */
export function ArmsEditor({ arms, locked, onChange }: { arms: Arms; locked: boolean; onChange: (arms: Arms) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const whole = arms.reduce((sum, arm) => sum + arm.weight, 0);
  const put = (place: number, part: Partial<Arms[number]>) => onChange(arms.map((arm, n) => (n === place ? { ...arm, ...part } : arm)));
  const free = (n: number): string => (arms.some((arm) => arm.key === `arm-${n}`) ? free(n + 1) : `arm-${n}`);
  return (
    <Stack gap="xs" role="group" aria-label={t('experiments.arms')}>
      <Text size="sm" fw={500}>{t('experiments.arms')}</Text>
      <Text size="xs" c="dimmed">{t('experiments.arms_hint')}</Text>
      {arms.map((arm, place) => (
        <Group key={place} gap="xs" align="flex-end" wrap="wrap">
          <TextInput label={t('experiments.arm_key')} w={160} disabled={locked} maxLength={40} value={arm.key} onChange={(event) => put(place, { key: event.currentTarget.value })} />
          <TextInput label={t('experiments.arm_title')} w={240} disabled={locked} maxLength={200} value={arm.title} onChange={(event) => put(place, { title: event.currentTarget.value })} />
          <NumberInput label={t('experiments.arm_weight')} w={110} disabled={locked} min={0.1} decimalScale={2} value={arm.weight} onChange={(typed) => put(place, { weight: Number(typed) || 1 })} />
          <Text size="sm" c="dimmed" pb={8} w={64}>{format.percent(arm.weight, whole)}</Text>
          {!locked && arms.length > 2 && (
            <ActionIcon variant="subtle" color="gray" mb={4} aria-label={t('experiments.remove_arm', { arm: arm.title || arm.key })} onClick={() => onChange(arms.toSpliced(place, 1))}>
              <IconClose size={15} />
            </ActionIcon>
          )}
        </Group>
      ))}
      {!locked && arms.length < MOST && (
        <div>
          <Button size="compact-xs" variant="subtle" color="gray" leftSection={<IconPlus size={13} />} onClick={() => onChange([...arms, { key: free(arms.length), title: '', weight: 1 }])}>
            {t('experiments.add_arm')}
          </Button>
        </div>
      )}
    </Stack>
  );
}
