import { Radio, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { FormDialog } from '@/design/SaveForm';
import type { Shown } from './draft';

interface FinishProps {
  one: Shown;
  titleOf: (arm: string) => string;
  saving: { isPending: boolean; error: unknown };
  onFinish: (winner: string | null) => void;
  onClose: () => void;
}

/** Ends an experiment for good: which arm is everybody's from now on. */
export function FinishDialog({ one, titleOf, saving, onFinish, onClose }: FinishProps) {
  const { t } = useTranslation();
  const [winner, setWinner] = useState('');
  return (
    <FormDialog title={t('experiments.finish_title', { name: one.design.name })} action={t('experiments.finish')} saving={saving} onSubmit={() => onFinish(winner || null)} onClose={onClose}>
      <Text size="sm">{t('experiments.finish_body')}</Text>
      {one.kind !== 'holdout' && (
        <Radio.Group label={t('experiments.winner')} value={winner} onChange={setWinner}>
          <Stack gap="xs" mt="xs">
            {one.design.arms.map((arm) => <Radio key={arm.key} value={arm.key} label={titleOf(arm.key)} />)}
            <Radio value="" label={t('experiments.no_winner')} />
          </Stack>
        </Radio.Group>
      )}
    </FormDialog>
  );
}
