import { Box, Button, FileButton, Group, Progress, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useRef, useState, type DragEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { uploadFile } from '@/api/upload';
import { useFormat } from '@/design/format';
import { IconUpload } from '@/design/icons';
import { Page } from '@/design/Page';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Mapping } from './Mapping';
import styles from './imports.module.css';

const ACCEPTED = '.csv,.tsv,.txt,.gz,.csv.gz,.xlsx,.xls,.ods,text/csv,application/gzip';

/** Bringing a file: upload, look, map, try, import. */
export default function NewImportPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const [share, setShare] = useState(0);
  const [over, setOver] = useState(false);
  const stop = useRef<AbortController | null>(null);
  const upload = useMutation({
    mutationFn: (file: File) => {
      stop.current = new AbortController();
      setShare(0);
      return uploadFile(file, setShare, stop.current.signal);
    },
  });
  const choose = (file: File | null) => {
    if (file) upload.mutate(file);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    choose(event.dataTransfer.files[0] ?? null);
  };
  const file = upload.variables;
  return (
    <Page title={t('imports.new')} back={{ to: '/imports', label: t('nav.imports') }} lead={t('imports.new_lead')}>
      {upload.data ? (
        <Mapping file={upload.data} onAnother={upload.reset} />
      ) : (
        <Panel>
          <Stack>
            <ProblemAlert error={upload.error} />
            <Box
              className={styles.drop}
              data-over={over || undefined}
              onDragOver={(event) => {
                event.preventDefault();
                setOver(true);
              }}
              onDragLeave={() => setOver(false)}
              onDrop={drop}
            >
              <IconUpload size={40} stroke={1.3} aria-hidden />
              {upload.isPending && file ? (
                <Stack gap={6} w="min(420px, 90%)">
                  <Text size="sm" fw={550}>{file.name}</Text>
                  <Progress value={100 * share} animated aria-label={t('imports.uploading')} />
                  <Group justify="space-between">
                    <Text size="xs" c="dimmed">{t('common.of_total', { part: format.bytes(share * file.size), total: format.bytes(file.size) })}</Text>
                    <Button size="compact-xs" variant="subtle" onClick={() => stop.current?.abort()}>{t('common.cancel')}</Button>
                  </Group>
                </Stack>
              ) : (
                <>
                  <Text fw={600}>{t('imports.drop')}</Text>
                  <Text size="sm" c="dimmed">{t('imports.drop_hint')}</Text>
                  <FileButton onChange={choose} accept={ACCEPTED} inputProps={{ 'aria-label': t('imports.choose') }}>
                    {(props) => <Button {...props} mt="xs">{t('imports.choose')}</Button>}
                  </FileButton>
                </>
              )}
            </Box>
          </Stack>
        </Panel>
      )}
    </Page>
  );
}
