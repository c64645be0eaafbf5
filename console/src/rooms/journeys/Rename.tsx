import { Button, Group, Modal, Stack, Textarea, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { ProblemAlert } from '@/design/ProblemAlert';
import { pathOf, useKeep, type Journey } from './api';

/** Another name and description. */
export function Rename({ journey, onClose }: { journey: Journey; onClose: () => void }) {
  const { t } = useTranslation();
  const keep = useKeep();
  const [name, setName] = useState(journey.name);
  const [description, setDescription] = useState(journey.description);
  const save = useMutation({
    mutationFn: () => take(api.PATCH('/v1/journeys/{journey_id}', { ...pathOf(journey.id), body: { name: name.trim(), description } })),
    onSuccess: (saved) => {
      keep(saved);
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={t('journeys.rename')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <ProblemAlert error={save.error} />
          <TextInput label={t('common.name')} required maxLength={200} data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <Textarea label={t('common.description')} maxLength={4000} autosize minRows={2} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
            <Button type="submit" loading={save.isPending} disabled={!name.trim()}>{t('common.save')}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
