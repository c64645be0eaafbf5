import { Accordion, ActionIcon, Button, Checkbox, Group, NumberInput, Select, Stack, Switch, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { DurationInput } from '@/design/DurationInput';
import { IconPlus, IconTrash } from '@/design/icons';
import { useChannelOptions } from '../../campaigns/steps/HopsEditor';
import { PurposePick } from '../../campaigns/steps/PurposePick';
import { useAccounts } from '../../channels/vocabulary';
import { UsualPath } from '../../rules/UsualPath';
import { Givens, type Given } from './Givens';
import { DAY, listOf, numberOf, textOf, type FormProps } from './form';
import { ClassAndTopic } from './MessageRules';
import { MessageWords } from './MessageWords';
import styles from './forms.module.css';

interface Hop {
  channel: string;
  template_version_id?: number | null;
  content?: { subject?: string; text?: string } | null;
  receipt_within?: number | null;
  answer_within?: number | null;
}

function HopForm({ hop, place, onChange, onRemove }: { hop: Hop; place: number; onChange: (hop: Hop) => void; onRemove: () => void }) {
  const { t } = useTranslation();
  const options = useChannelOptions();
  const within = (name: 'receipt_within' | 'answer_within') => {
    const seconds = hop[name];
    return (
      <>
        <Switch label={t(`campaigns.${name}`)} checked={Boolean(seconds)} onChange={(event) => onChange({ ...hop, [name]: event.currentTarget.checked ? 7200 : null })} />
        {seconds ? <DurationInput hideLabel label={t(`campaigns.${name}`)} value={seconds} min={10} onChange={(next) => onChange({ ...hop, [name]: next })} /> : null}
      </>
    );
  };
  return (
    <Stack gap="xs" className={styles.way} role="group" aria-label={t('campaigns.hop_nth', { place: place + 2 })}>
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" fw={600}>{t('campaigns.hop_nth', { place: place + 2 })}</Text>
        <ActionIcon variant="subtle" color="red" aria-label={t('campaigns.hop_remove')} onClick={onRemove}><IconTrash size={15} /></ActionIcon>
      </Group>
      <Select label={t('channels.channel')} allowDeselect={false} data={options} value={hop.channel} onChange={(channel) => channel && onChange({ ...hop, channel, template_version_id: null })} />
      <MessageWords same channel={hop.channel} value={hop} onChange={(words) => onChange({ ...hop, ...words })} />
      {within('receipt_within')}
      {within('answer_within')}
    </Stack>
  );
}

/** A message: what is said, where, under which rules, and where it goes when it does not come across. */
export function MessageForm({ settings, put }: FormProps) {
  const { t } = useTranslation();
  const options = useChannelOptions();
  const channel = textOf(settings.channel);
  const hops = listOf<Hop>(settings.hops);
  const accounts = useAccounts(channel || undefined as never);
  const used = new Set([channel, ...hops.map((hop) => hop.channel)]);
  const next = options.find((one) => !used.has(one.value))?.value ?? channel;
  const expires = settings.expires_seconds;
  return (
    <Stack gap="sm">
      <Select
        label={t('channels.channel')}
        clearable
        clearButtonProps={{ 'aria-label': t('common.clear') }}
        placeholder={t('steps.field.by_purpose')}
        data={options}
        value={channel || null}
        onChange={(picked) => put({ channel: picked ?? '', template_version_id: null, account_id: null, ...(settings.content ? {} : { content: null }) })}
      />
      <MessageWords channel={channel} value={settings as Partial<Hop>} onChange={(words) => put(words as Record<string, unknown>)} />
      <ClassAndTopic settings={settings} put={put} />
      <Stack gap="xs">
        <Text size="sm" fw={550}>{t('campaigns.chain')}</Text>
        <Text size="xs" c="dimmed">{t('campaigns.chain_hint')}</Text>
        {hops.map((hop, place) => (
          <HopForm key={place} hop={hop} place={place} onChange={(changed) => put({ hops: hops.with(place, changed) })} onRemove={() => put({ hops: hops.toSpliced(place, 1) })} />
        ))}
        {hops.length === 0 && <UsualPath messageClass={textOf(settings.message_class) || 'marketing'} channel={channel} checked={settings.usual_path !== false} onChange={(usual_path) => put({ usual_path })} />}
        <Button size="compact-sm" variant="default" w="fit-content" leftSection={<IconPlus size={14} />} disabled={hops.length >= 10} onClick={() => put({ hops: [...hops, { channel: next }] })}>{t('campaigns.hop_add')}</Button>
      </Stack>
      <Accordion variant="separated">
        <Accordion.Item value="more">
          <Accordion.Control>{t('steps.field.more')}</Accordion.Control>
          <Accordion.Panel>
            <Stack gap="sm">
              <PurposePick value={textOf(settings.purpose)} channels={[channel, ...hops.map((hop) => hop.channel)].filter(Boolean)} onChange={(purpose) => put({ purpose })} />
              <Select
                label={t('campaigns.sender')}
                placeholder={t('campaigns.any_sender')}
                clearable
                clearButtonProps={{ 'aria-label': t('common.clear') }}
                data={(accounts.data ?? []).filter((one) => one.enabled).map((one) => ({ value: String(one.id), label: one.name }))}
                value={typeof settings.account_id === 'number' ? String(settings.account_id) : null}
                onChange={(id) => put({ account_id: id === null ? null : Number(id) })}
              />
              <Checkbox label={t('campaigns.track_opens')} checked={settings.track_opens !== false} onChange={(event) => put({ track_opens: event.currentTarget.checked })} />
              <Checkbox label={t('campaigns.track_clicks')} checked={settings.track_clicks !== false} onChange={(event) => put({ track_clicks: event.currentTarget.checked })} />
              <Checkbox label={t('campaigns.split')} checked={settings.split === true} onChange={(event) => put({ split: event.currentTarget.checked })} />
              <NumberInput label={t('steps.field.priority')} description={t('steps.field.priority_hint')} w={160} min={0} max={9} value={numberOf(settings.priority, 5)} onChange={(priority) => put({ priority: Number(priority) })} />
              <Checkbox label={t('steps.field.expires')} checked={typeof expires === 'number'} onChange={(event) => put({ expires_seconds: event.currentTarget.checked ? DAY : null })} />
              {typeof expires === 'number' && <DurationInput hideLabel label={t('steps.field.expires')} value={expires} min={60} onChange={(expires_seconds) => put({ expires_seconds })} />}
              <Checkbox label={t('steps.field.knows_dialogue')} description={t('steps.field.knows_dialogue_hint')} checked={settings.dialogue === true} onChange={(event) => put({ dialogue: event.currentTarget.checked })} />
              <Givens label={t('steps.field.variables')} name={t('steps.field.variable')} value={(settings.variables ?? {}) as Record<string, Given>} onChange={(variables) => put({ variables })} />
            </Stack>
          </Accordion.Panel>
        </Accordion.Item>
      </Accordion>
    </Stack>
  );
}
