import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';
import { pathOf, useKeep, type Journey } from '../api';
import type { Definition } from '../model';
import { TreatmentForm, type Treatment } from './Treatment';

interface RollbackProps {
  journey: Journey;
  number: number;
  before: Definition;
  after: Definition;
  onClose: () => void;
}

/** Lets an earlier version be live again, once it is seen and said what becomes of the people. */
export function Rollback({ journey, number, before, after, onClose }: RollbackProps) {
  const { t } = useTranslation();
  const keep = useKeep();
  const [treatment, setTreatment] = useState<Treatment>({ kind: 'move', map: {} });
  const body = { version: number, treatment };
  const preview = useQuery({
    queryKey: ['journey-preview-back', journey.id, number, treatment],
    queryFn: () => take(api.POST('/v1/journeys/{journey_id}/rollback/preview', { ...pathOf(journey.id), body })),
    placeholderData: keepPreviousData,
    refetchInterval: 5000,
  });
  const roll = useMutation({
    mutationFn: () => take(api.POST('/v1/journeys/{journey_id}/rollback', { ...pathOf(journey.id), body })),
    onSuccess: (rolled) => {
      keep(rolled);
      done(t('journeys.rolled_back', { version: number }));
      onClose();
    },
  });
  return (
    <Modal opened onClose={onClose} size="lg" title={t('journeys.roll_back_to', { version: number })} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Stack>
        <Text size="sm">{t('journeys.roll_back_hint')}</Text>
        <ProblemAlert error={roll.error} />
        <TreatmentForm value={treatment} preview={preview} before={before} after={after} suggested={{}} back onChange={setTreatment} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
          <Button loading={roll.isPending} disabled={!preview.data || preview.data.lost > 0} onClick={() => roll.mutate()}>{t('journeys.roll_back')}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
