import { Button, Group, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { Panel } from '@/design/Panel';
import { ASPECTS, columnOf, withWish, type ConsentCells, type ImportMap } from './roles';

interface SaidPartsProps {
  columns: string[];
  map: ImportMap;
  onChange: (map: ImportMap) => void;
}

/** What each customer said about being written to: a yes or no column for a channel and topic, and their wishes. */
export function SaidParts({ columns, map, onChange }: SaidPartsProps) {
  const { t } = useTranslation();
  const topics = useQuery({ queryKey: ['topics'], queryFn: () => take(api.GET('/v1/topics')) });
  const channels = useQuery({ queryKey: ['channel-kinds'], queryFn: () => take(api.GET('/v1/channel-kinds')) });
  const consents = map.consents ?? [];
  const put = (place: number, change: Partial<ConsentCells>) =>
    onChange({ ...map, consents: consents.map((one, at) => (at === place ? { ...one, ...change } : one)) });
  const topic = topics.data?.[0]?.name;
  const channel = channels.data?.[0]?.name;
  const add = () => {
    if (topic && channel && columns[0]) onChange({ ...map, consents: [...consents, { channel, topic, state: columns[0] }] });
  };
  const clear = { 'aria-label': t('common.clear') };
  return (
    <Panel title={t('imports.said')} hint={t('imports.said_hint')}>
      <Stack>
        {consents.map((one, place) => (
          <fieldset key={place} style={{ border: 0, padding: 0, margin: 0 }} aria-label={t('imports.consent_n', { number: place + 1 })}>
            <SimpleGrid cols={{ base: 2, md: 4, lg: 7 }} spacing="xs">
              <Select
                size="xs"
                label={t('imports.consent_state')}
                data={columns}
                value={columnOf(one.state)}
                allowDeselect={false}
                onChange={(state) => state && put(place, { state })}
              />
              <Select
                size="xs"
                label={t('imports.consent_channel')}
                data={(channels.data ?? []).map((kind) => ({ value: kind.name, label: kind.title }))}
                value={one.channel}
                allowDeselect={false}
                onChange={(next) => next && put(place, { channel: next })}
              />
              <Select
                size="xs"
                label={t('imports.consent_topic')}
                data={(topics.data ?? []).map((each) => ({ value: each.name, label: each.title }))}
                value={one.topic}
                allowDeselect={false}
                onChange={(next) => next && put(place, { topic: next })}
              />
              {(['at', 'source'] as const).map((part) => (
                <Select
                  key={part}
                  size="xs"
                  label={t(`imports.consent_${part}`)}
                  placeholder={t(`imports.consent_${part}_none`)}
                  data={columns}
                  value={columnOf(one[part])}
                  clearable
                  clearButtonProps={clear}
                  onChange={(column) => put(place, { [part]: column })}
                />
              ))}
              <TextInput
                size="xs"
                label={t('imports.consent_text')}
                placeholder={t('imports.consent_text_none')}
                value={typeof one.text === 'object' && one.text !== null ? String(one.text.value ?? '') : ''}
                onChange={(event) => put(place, { text: event.currentTarget.value ? { value: event.currentTarget.value } : null })}
              />
              <Group align="flex-end">
                <Button
                  size="xs"
                  variant="subtle"
                  color="red"
                  aria-label={t('imports.consent_remove_n', { number: place + 1 })}
                  onClick={() => onChange({ ...map, consents: consents.filter((_, at) => at !== place) })}
                >
                  {t('common.remove')}
                </Button>
              </Group>
            </SimpleGrid>
          </fieldset>
        ))}
        <Group>
          <Button size="xs" variant="default" disabled={!topic || !channel} onClick={add}>{t('imports.consent_add')}</Button>
        </Group>
        <Text size="sm" fw={570}>{t('imports.wishes')}</Text>
        <SimpleGrid cols={{ base: 2, md: 5 }} spacing="xs">
          {ASPECTS.map((aspect) => (
            <Select
              key={aspect}
              size="xs"
              label={t(`imports.wish_${aspect}`)}
              placeholder={t('imports.wish_none')}
              data={columns}
              value={columnOf(map.preferences?.[aspect])}
              clearable
              clearButtonProps={clear}
              onChange={(column) => onChange(withWish(map, aspect, column))}
            />
          ))}
        </SimpleGrid>
      </Stack>
    </Panel>
  );
}
