import { Button, Radio, SegmentedControl, Select, Stack, Text, TextInput } from '@mantine/core';
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { useFormat } from '@/design/format';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done, failed } from '@/design/toast';
import { Sample } from './Sample';

type Op = Schema<'SetOf'>['op'];

/** A union, an intersection or a difference of the segments, counted, and kept as a segment of its own. */
export function Combination({ segments }: { segments: Schema<'Overlap'>['segments'] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const navigate = useNavigate();
  const client = useQueryClient();
  const may = useMay('segments:write');
  const [op, setOp] = useState<Op>('intersection');
  const [first, setFirst] = useState<number | null>(null);
  const [name, setName] = useState('');
  const [kind, setKind] = useState<'rule' | 'static'>('rule');
  const ids = segments.map((one) => one.id);
  const kept = first !== null && ids.includes(first) ? first : (ids[0] ?? 0);
  const expression = { op, of: op === 'difference' ? [kept, ...ids.filter((id) => id !== kept)] : ids };
  const found = useQuery({
    queryKey: ['segment-combination', expression],
    queryFn: () => take(api.POST('/v1/segments/combine', { body: { expression, sample: 6 } })),
    placeholderData: keepPreviousData,
    refetchInterval: 10_000,
  });
  const save = useMutation({
    mutationFn: () => take(api.POST('/v1/segments/combine/save', { body: { expression, name, kind, description: '' } })),
    onSuccess: (saved) => {
      done(t('sets.saved'));
      void client.invalidateQueries({ queryKey: ['segments'] });
      void navigate({ to: `/segments/${saved.id}` });
    },
    onError: failed,
  });
  return (
    <Panel title={t('sets.combine')} label={t('sets.combine')}>
      <Stack gap="sm">
        <SegmentedControl
          fullWidth
          size="xs"
          aria-label={t('sets.how')}
          value={op}
          onChange={(next) => setOp(next as Op)}
          data={(['intersection', 'union', 'difference'] as const).map((one) => ({ value: one, label: t(`sets.op_${one}`) }))}
        />
        {op === 'difference' && (
          <Select
            label={t('sets.first')}
            allowDeselect={false}
            data={segments.map((one) => ({ value: String(one.id), label: one.name }))}
            value={String(kept)}
            onChange={(id) => setFirst(Number(id))}
          />
        )}
        <div aria-live="polite" aria-busy={found.isFetching}>
          <Text fz={32} fw={650} lh={1.1} className="tabular" c="var(--text-strong)" data-testid="combination-count">
            {found.data ? format.number(found.data.count) : '…'}
          </Text>
          <Text size="sm" c="dimmed">{t(`sets.op_${op}_hint`)}</Text>
        </div>
        <ProblemAlert error={found.error} />
        {found.data && <Sample cards={found.data.sample} />}
        {may && (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              save.mutate();
            }}
          >
            <Stack gap="sm">
              <TextInput label={t('sets.name')} value={name} maxLength={200} onChange={(event) => setName(event.currentTarget.value)} />
              <Radio.Group label={t('sets.keep_as')} value={kind} onChange={(next) => setKind(next as 'rule' | 'static')}>
                <Stack gap={6} mt={6}>
                  <Radio value="rule" label={t('sets.keep_rule')} />
                  <Radio value="static" label={t('sets.keep_static')} />
                </Stack>
              </Radio.Group>
              <Button type="submit" disabled={!name.trim()} loading={save.isPending}>{t('sets.save')}</Button>
            </Stack>
          </form>
        )}
      </Stack>
    </Panel>
  );
}
