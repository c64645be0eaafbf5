import { Button, Group, JsonInput, SegmentedControl, Select, Skeleton, Stack, Switch, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useFormat } from '@/design/format';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { ColumnMap } from './ColumnMap';
import { EventParts } from './EventParts';
import type { ImportMap } from './roles';
import { SaidParts } from './SaidParts';

interface MappingProps {
  file: Schema<'UploadedFile'>;
  onAnother: () => void;
}

/** The beginning of the file, what each column means, and the start: for real, or as a dry run that changes nothing. */
export function Mapping({ file, onAnother }: MappingProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const navigate = useNavigate();
  const [kind, setKind] = useState<ImportMap['kind']>('customers');
  const [encoding, setEncoding] = useState<string | null>(null);
  const [sheet, setSheet] = useState<string | null>(null);
  const [map, setMap] = useState<ImportMap | null>(null);
  const [written, setWritten] = useState<string | null>(null);
  const preview = useQuery({
    queryKey: ['import-preview', file.id, kind, encoding, sheet],
    queryFn: () =>
      take(
        api.POST('/v1/imports/files/{file_id}/preview', {
          params: { path: { file_id: file.id } },
          body: { kind, sheet, ...(encoding ? { encoding } : { encoding: 'utf-8' }) },
        }),
      ),
    staleTime: Infinity,
    retry: false,
  });
  const shown = preview.data;
  useEffect(() => {
    if (!shown) return;
    setMap({ encoding: shown.encoding, delimiter: shown.delimiter || null, sheet, ...(shown.map as unknown as ImportMap), kind });
  }, [shown]); // eslint-disable-line react-hooks/exhaustive-deps
  const begin = useMutation({
    mutationFn: (dry_run: boolean) => {
      const asked = written === null ? map : (JSON.parse(written) as ImportMap);
      if (!asked) throw new TypeError('no map');
      return take(api.POST('/v1/imports', { body: { file_id: file.id, map: asked, dry_run } }));
    },
    onSuccess: (started) => void navigate({ to: `/imports/${started.id}` }),
  });
  return (
    <Stack>
      <Panel title={file.name} hint={format.bytes(file.size)} actions={<Button size="xs" variant="default" onClick={onAnother}>{t('imports.another')}</Button>}>
        <Group align="flex-end">
          <div>
            <Text size="sm" fw={500} mb={4} id="import-kind">{t('imports.kind')}</Text>
            <SegmentedControl
              value={kind}
              onChange={(next) => setKind(next as ImportMap['kind'])}
              data={[{ value: 'customers', label: t('imports.kind_customers') }, { value: 'events', label: t('imports.kind_events') }]}
              aria-labelledby="import-kind"
            />
          </div>
          {shown && shown.encodings.length > 0 && (
            <Select label={t('imports.encoding')} w={160} data={[...new Set([shown.encoding, ...shown.encodings])]} value={encoding ?? shown.encoding} onChange={setEncoding} allowDeselect={false} />
          )}
          {shown && shown.sheets.length > 1 && (
            <Select label={t('imports.sheet')} w={180} data={shown.sheets} value={sheet ?? shown.sheets[0]} onChange={setSheet} allowDeselect={false} />
          )}
        </Group>
      </Panel>
      <ProblemAlert error={preview.error} onRetry={() => void preview.refetch()} />
      {preview.isLoading && <Skeleton height={260} />}
      {shown && map && (
        <>
          <Panel
            title={t('imports.columns')}
            hint={t('imports.columns_hint')}
            flush
            actions={
              <Switch
                size="xs"
                label={t('imports.as_text')}
                checked={written !== null}
                onChange={(event) => setWritten(event.currentTarget.checked ? JSON.stringify(map, null, 2) : null)}
              />
            }
          >
            {written === null ? (
              <ColumnMap preview={shown} map={map} onChange={setMap} />
            ) : (
              <JsonInput
                aria-label={t('imports.as_text')}
                m="md"
                autosize
                minRows={12}
                maxRows={28}
                formatOnBlur
                validationError={t('imports.not_json')}
                value={written}
                onChange={setWritten}
                styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
              />
            )}
          </Panel>
          {written === null && map.kind === 'events' && <EventParts columns={shown.columns} map={map} onChange={setMap} />}
          {written === null && map.kind === 'customers' && <SaidParts columns={shown.columns} map={map} onChange={setMap} />}
          <ProblemAlert error={begin.error} />
          <Group justify="flex-end">
            <Button variant="default" loading={begin.isPending && begin.variables} onClick={() => begin.mutate(true)}>{t('imports.try')}</Button>
            <Button loading={begin.isPending && !begin.variables} onClick={() => begin.mutate(false)}>{t('imports.begin')}</Button>
          </Group>
        </>
      )}
    </Stack>
  );
}
