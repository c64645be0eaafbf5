import { Button, Checkbox, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { CopyLine } from '@/design/CopyLine';
import { Mark } from '@/design/Mark';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';

const COLOURS = { yes: 'teal', no: 'orange', differs: 'red', unknown: 'gray' } as const;

function NewKey({ account, hasFirst, onMade }: { account: number; hasFirst: boolean; onMade: () => void }) {
  const { t } = useTranslation();
  const [selector, setSelector] = useState('antiphon');
  const [algorithm, setAlgorithm] = useState<'rsa' | 'ed25519'>('rsa');
  const [second, setSecond] = useState(false);
  const make = useMutation({
    mutationFn: () => take(api.POST('/v1/channels/{account_id}/dkim', { params: { path: { account_id: account } }, body: { selector, algorithm, second } })),
    onSuccess: () => {
      done(t('channels.dkim_made'));
      onMade();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="xs">
        <ProblemAlert error={make.error} />
        <Group align="flex-end">
          <TextInput label={t('channels.selector')} required w={170} maxLength={63} value={selector} onChange={(event) => setSelector(event.currentTarget.value)} />
          <Select
            label={t('channels.algorithm')}
            w={170}
            allowDeselect={false}
            data={[{ value: 'rsa', label: 'RSA 2048' }, { value: 'ed25519', label: 'Ed25519' }]}
            value={algorithm}
            onChange={(picked) => setAlgorithm(picked as 'rsa' | 'ed25519')}
          />
          <Button type="submit" variant="default" loading={make.isPending}>{t('channels.dkim_make')}</Button>
        </Group>
        {hasFirst && <Checkbox label={t('channels.dkim_second')} description={t('channels.dkim_second_hint')} checked={second} onChange={(event) => setSecond(event.currentTarget.checked)} />}
      </Stack>
    </form>
  );
}

/** The keys mail is signed with, the DNS record each needs, and whether the world sees it. */
export function DkimPanel({ account }: { account: number }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay('channels:write');
  const path = { params: { path: { account_id: account } } };
  const keys = useQuery({ queryKey: ['channels', 'dkim', account], queryFn: () => take(api.GET('/v1/channels/{account_id}/dkim', path)), retry: false });
  const check = useMutation({ mutationFn: () => take(api.POST('/v1/channels/{account_id}/dkim/check', path)) });
  const found = (key: Schema<'DkimItem'>) => check.data?.find((one) => one.second === key.second);
  return (
    <Panel
      title={t('channels.dkim')}
      hint={t('channels.dkim_hint')}
      actions={(keys.data?.length ?? 0) > 0 && <Button size="xs" variant="default" loading={check.isPending} onClick={() => check.mutate()}>{t('channels.dkim_check')}</Button>}
    >
      <Stack>
        <ProblemAlert error={keys.error ?? check.error} />
        {keys.data?.map((key) => {
          const seen = found(key);
          return (
            <Stack key={key.record_name} gap={6}>
              <Group gap="xs">
                <Text size="sm" fw={600}>{key.domain}</Text>
                <Mark colour="gray" size="sm">{key.algorithm === 'rsa' ? 'RSA' : 'Ed25519'}</Mark>
                {seen && <Mark colour={COLOURS[seen.published]} size="sm">{t(`channels.dkim_${seen.published}`)}</Mark>}
              </Group>
              <CopyLine label={t('channels.record_name')} value={key.record_name} />
              <CopyLine label={t('channels.record_value')} value={key.record_value} />
              {seen?.detail && <Text size="xs" c="dimmed">{seen.detail}</Text>}
            </Stack>
          );
        })}
        {may && <NewKey account={account} hasFirst={(keys.data?.length ?? 0) > 0} onMade={() => void client.invalidateQueries({ queryKey: ['channels'] })} />}
      </Stack>
    </Panel>
  );
}
