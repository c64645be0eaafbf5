import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { ProblemAlert } from '@/design/ProblemAlert';
import { useAddress } from '@/shell/address';
import { Templates, useTemplates } from './Templates';

/** A new journey: empty, from a template, or a copy of another. */
export function NewJourney({ copyOf, onClose }: { copyOf: Schema<'JourneyItem'> | null; onClose: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const [address] = useAddress<'from'>();
  const templates = useTemplates();
  const [picked, setPicked] = useState<string | null>(address.from ?? null);
  const [typed, setTyped] = useState<string | null>(copyOf ? t('journeys.copy_of', { name: copyOf.name }) : null);
  const template = templates.data?.items.find((one) => one.name === picked);
  const name = typed ?? template?.title ?? '';
  const make = useMutation({
    mutationFn: () =>
      take(api.POST('/v1/journeys', {
        body: copyOf ? { name: name.trim(), copy_of: copyOf.id } : { name: name.trim(), description: template?.description ?? '', definition: template?.definition ?? null },
      })),
    onSuccess: (journey) => {
      void client.invalidateQueries({ queryKey: ['journeys'] });
      void navigate({ to: `/journeys/${journey.id}` });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <Modal opened onClose={onClose} size={copyOf ? 'md' : 900} title={copyOf ? t('journeys.make_copy') : t('journeys.new')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <ProblemAlert error={make.error} />
          <TextInput label={t('common.name')} required maxLength={200} data-autofocus value={name} onChange={(event) => setTyped(event.currentTarget.value)} />
          {!copyOf && (
            <>
              <Text size="sm" c="dimmed">{t('journeys.template_hint')}</Text>
              <Templates chosen={picked} onPick={(one) => setPicked((now) => (now === one ? null : one))} />
            </>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
            <Button type="submit" loading={make.isPending} disabled={!name.trim()}>{template ? t('journeys.start_from', { name: template.title }) : t('common.create')}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
