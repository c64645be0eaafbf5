import { Button, Group, Modal, Select, Stack, Text, Textarea } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { IconPlus } from '@/design/icons';
import { done, failed } from '@/design/toast';

const KINDS = ['email', 'phone', 'user_id', 'loyalty_card'] as const;
const MOST = 20_000;

/** Puts people on a list by hand: a column of addresses or numbers is pasted, who is nobody is told. */
export function AddPeople({ segmentId }: { segmentId: number }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const [kind, setKind] = useState<string>('email');
  const [text, setText] = useState('');
  const values = [...new Set(text.split(/[\n,;]+/).map((one) => one.trim()).filter(Boolean))];
  const add = useMutation({
    mutationFn: () =>
      take(api.PUT('/v1/segments/{segment_id}/members', { params: { path: { segment_id: segmentId } }, body: { named: { kind, values } } })),
    onSuccess: (changed) => {
      void client.invalidateQueries({ queryKey: ['segment', String(segmentId)] });
      void client.invalidateQueries({ queryKey: ['segment-members', segmentId] });
      done(t('segments.put_on', { count: values.length - changed.unknown }));
      if (changed.unknown) setText(changed.unknown_values?.join('\n') ?? '');
      else close();
    },
    onError: failed,
  });
  const unknown = add.data?.unknown ?? 0;
  const close = () => {
    setOpen(false);
    setText('');
    add.reset();
  };
  return (
    <>
      <Button variant="default" leftSection={<IconPlus size={16} />} onClick={() => setOpen(true)}>{t('segments.add_people')}</Button>
      <Modal opened={open} onClose={close} title={t('segments.add_people')} closeButtonProps={{ 'aria-label': t('common.close') }}>
        <Stack>
          <Select
            label={t('segments.known_by')}
            data={KINDS.map((one) => ({ value: one, label: t(`identity.${one}`) }))}
            value={kind}
            onChange={(one) => one && setKind(one)}
            allowDeselect={false}
          />
          <Textarea
            label={t('segments.whom')}
            description={t('segments.whom_hint', { most: MOST })}
            autosize
            minRows={6}
            maxRows={14}
            value={text}
            error={values.length > MOST ? t('segments.whom_hint', { most: MOST }) : null}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          {unknown > 0 && (
            <Text size="sm" c="dimmed" role="status">{t('segments.nobodys', { count: unknown })}</Text>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>{t('common.cancel')}</Button>
            <Button onClick={() => add.mutate()} loading={add.isPending} disabled={values.length === 0 || values.length > MOST}>
              {t('segments.put_on_button', { count: values.length })}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
