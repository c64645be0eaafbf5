import { Alert, FileInput, List, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bringList } from '@/api/upload';
import { useFormat } from '@/design/format';
import { FormDialog } from '@/design/SaveForm';
import { ChannelSelect } from './ConsentTab';

/** Brings a list of addresses to be left alone, as CSV, and says what became of it. */
export function BringList({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const [channel, setChannel] = useState<string | null>('email');
  const [file, setFile] = useState<File | null>(null);
  const bring = useMutation({
    mutationFn: () => bringList(file as File, channel ?? 'email'),
    onSuccess: () => void client.invalidateQueries({ queryKey: ['suppressions'] }),
  });
  const told = bring.data;
  return (
    <FormDialog
      title={t('consent.bring')}
      saving={bring}
      action={t('consent.bring')}
      leave={told ? t('common.close') : t('common.cancel')}
      disabled={!file}
      onSubmit={() => bring.mutate()}
      onClose={onClose}
    >
      <ChannelSelect label={t('channels.channel')} value={channel} onChange={setChannel} />
      <FileInput label={t('consent.file')} description={t('consent.file_hint')} accept=".csv,text/csv,text/plain" required value={file} onChange={setFile} />
      {told && (
        <Alert color={told.refused > 0 ? 'yellow' : 'green'} role="status">
          <Text size="sm">{t('consent.brought', { listed: format.number(told.listed), refused: format.number(told.refused) })}</Text>
          {told.why.length > 0 && (
            <List size="xs" mt="xs">
              {told.why.slice(0, 10).map((one) => <List.Item key={one.line}>{`${t('consent.line', { line: one.line })}: ${one.why}`}</List.Item>)}
            </List>
          )}
        </Alert>
      )}
    </FormDialog>
  );
}
