import { Button, Fieldset, Group, Modal, NumberInput, Radio, SimpleGrid, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { ProblemAlert } from '@/design/ProblemAlert';
import { useChannelTitle } from '../../channels/vocabulary';
import { pathOf, type Journey } from '../api';
import type { Draft } from '../draft';

type Rates = Record<string, Partial<Record<(typeof WHAT)[number], number>>>;
const WHAT = ['delivered', 'opened', 'clicked', 'replied'] as const;

interface StartRehearsalProps {
  journey: Journey;
  draft: Draft;
  onStarted: (id: number) => void;
  onClose: () => void;
}

/** Asks for a rehearsal of the draft as it is drawn now. */
export function StartRehearsal({ journey, draft, onStarted, onClose }: StartRehearsalProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const channelTitle = useChannelTitle();
  const [mode, setMode] = useState<'history' | 'forward'>('history');
  const [days, setDays] = useState(30);
  const [sample, setSample] = useState<number | null>(null);
  const [rates, setRates] = useState<Rates>({});
  const said = draft.definition.steps.filter((step) => step.kind === 'message');
  const channels = [...new Set(said.flatMap((step) => [step.settings.channel, ...((step.settings.hops as { channel: string }[] | undefined) ?? []).map((hop) => hop.channel)]))].filter((one): one is string => typeof one === 'string' && one !== '');
  const start = useMutation({
    mutationFn: async () => {
      await draft.flush();
      const body: Schema<'RehearsalBody'> = { mode, days, sample, rates: { channels: Object.fromEntries(Object.entries(rates).map(([channel, one]) => [channel, Object.fromEntries(Object.entries(one).map(([what, share]) => [what, share / 100]))])) } };
      return take(api.POST('/v1/journeys/{journey_id}/rehearsals', { ...pathOf(journey.id), body }));
    },
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: ['rehearsals', journey.id] });
      onStarted(made.id);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    start.mutate();
  };
  return (
    <Modal opened onClose={onClose} size="lg" title={t('rehearsal.new')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form onSubmit={submit}>
        <Stack>
          <ProblemAlert error={start.error} />
          <Radio.Group label={t('rehearsal.mode')} value={mode} onChange={(next) => setMode(next as typeof mode)}>
            <Stack gap={8} mt={6}>
              {(['history', 'forward'] as const).map((one) => <Radio key={one} value={one} label={t(`rehearsal.mode_${one}`)} description={t(`rehearsal.mode_${one}_hint`)} />)}
            </Stack>
          </Radio.Group>
          <Group align="flex-start">
            <NumberInput label={t('rehearsal.days')} required min={1} max={365} w={140} value={days} onChange={(typed) => setDays(Number(typed) || 1)} />
            <NumberInput label={t('rehearsal.sample')} description={t('rehearsal.sample_hint')} min={1} thousandSeparator=" " w={300} value={sample ?? ''} onChange={(typed) => setSample(typed === '' ? null : Number(typed))} />
          </Group>
          {channels.length > 0 && (
            <Fieldset legend={t('rehearsal.rates')}>
              <Text size="xs" c="dimmed" mb="xs">{t('rehearsal.rates_hint')}</Text>
              <Stack gap="xs">
                {channels.map((channel) => (
                  <div key={channel}>
                    <Text size="sm" fw={550}>{channelTitle(channel)}</Text>
                    <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="xs">
                      {WHAT.map((what) => (
                        <NumberInput
                          key={what}
                          size="xs"
                          label={t(`rehearsal.${what}`)}
                          aria-label={t('rehearsal.rate_of', { what: t(`rehearsal.${what}`), channel: channelTitle(channel) })}
                          min={0}
                          max={100}
                          decimalScale={2}
                          suffix=" %"
                          value={rates[channel]?.[what] ?? ''}
                          onChange={(typed) => setRates((now) => {
                            const { [what]: _, ...others } = now[channel] ?? {};
                            return { ...now, [channel]: typed === '' ? others : { ...others, [what]: Number(typed) } };
                          })}
                        />
                      ))}
                    </SimpleGrid>
                  </div>
                ))}
              </Stack>
            </Fieldset>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
            <Button type="submit" loading={start.isPending}>{t('rehearsal.start')}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
