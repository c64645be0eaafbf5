import { Button, Group, Menu, SegmentedControl, Select, Skeleton, Stack, Switch, Text, TextInput } from '@mantine/core';
import { lazy, Suspense, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { IconPlus } from '@/design/icons';
import { Panel } from '@/design/Panel';
import { useTraits } from '../traits/vocabulary';
import { useChannelTitle } from '../channels/vocabulary';
import { useCarrier, useCarriers } from './carrier';
import { plainStarter, STARTER, type Draft, type Format } from './draft';
import styles from './content.module.css';

const CodeArea = lazy(() => import('./CodeArea'));
const FORMATS: Format[] = ['mjml', 'html', 'text'];

interface SourceFormProps {
  draft: Draft;
  onChange: (draft: Draft) => void;
  readOnly: boolean;
  /** Not yet saved: its channel can still be chosen. */
  fresh: boolean;
}

/** Name, subject and body, with the traits of customers to put in. */
export function SourceForm({ draft, onChange, readOnly, fresh }: SourceFormProps) {
  const { t } = useTranslation();
  const traits = useTraits();
  const insert = useRef<(text: string) => void>(() => undefined);
  const title = useChannelTitle();
  const carriers = useCarriers();
  const carrier = useCarrier(draft.channel);
  const choose = (channel: string) => {
    const next = carriers.find((one) => one.channel === channel);
    const begun = next?.html === false ? plainStarter(channel, t('content.short_starter', { firstName: '{{ firstName | default: "" }}' })) : { ...STARTER, channel };
    onChange({ ...begun, name: draft.name });
  };
  const put = (part: Partial<Draft>) => onChange({ ...draft, ...part });
  const pieces = [
    ...(traits.data ?? []).filter((trait) => !trait.archived).slice(0, 30).map((trait) => ({ label: trait.name, text: `{{ ${trait.name} | default: "" }}` })),
    { label: t('content.unsubscribe_link'), text: '{{ unsubscribe_url }}' },
    { label: t('content.condition'), text: '{% if  %}\n\n{% endif %}' },
  ];
  return (
    <Panel>
      <Stack gap="sm">
        <TextInput
          label={t('common.name')}
          description={t('content.name_hint')}
          required
          readOnly={readOnly}
          value={draft.name}
          onChange={(event) => put({ name: event.currentTarget.value })}
        />
        {fresh && carriers.length > 1 && (
          <Select
            label={t('channels.channel')}
            allowDeselect={false}
            readOnly={readOnly}
            value={draft.channel}
            onChange={(channel) => channel && choose(channel)}
            data={carriers.map((one) => ({ value: one.channel, label: title(one.channel) }))}
          />
        )}
        {carrier.subject && <TextInput
          label={t('content.subject')}
          readOnly={readOnly}
          value={draft.subject}
          onChange={(event) => put({ subject: event.currentTarget.value })}
          placeholder={t('content.subject_placeholder', { firstName: '{{ firstName }}' })}
        />}
        {carrier.html && <TextInput
          label={t('content.preheader')}
          description={t('content.preheader_hint')}
          readOnly={readOnly}
          value={draft.preheader}
          onChange={(event) => put({ preheader: event.currentTarget.value })}
        />}
        <Group justify="space-between" mt="xs">
          {carrier.html ? <SegmentedControl
            size="xs"
            disabled={readOnly}
            value={draft.format}
            onChange={(format) => put({ format: format as Format })}
            data={FORMATS.map((format) => ({ value: format, label: t(`content.format_${format}`) }))}
            aria-label={t('content.format')}
          /> : <Text size="sm" fw={500}>{t('content.format_text')}</Text>}
          <Menu position="bottom-end">
            <Menu.Target>
              <Button size="xs" variant="default" leftSection={<IconPlus size={14} />} disabled={readOnly}>{t('content.insert')}</Button>
            </Menu.Target>
            <Menu.Dropdown mah={320} style={{ overflowY: 'auto' }}>
              {pieces.map((piece) => (
                <Menu.Item key={piece.label} onClick={() => setTimeout(() => insert.current(piece.text))}>{piece.label}</Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
        </Group>
        <div className={styles.editor}>
          <Suspense fallback={<Skeleton height={520} />}>
            <CodeArea
              label={t('content.body')}
              value={draft.body}
              plain={draft.format === 'text'}
              readOnly={readOnly}
              onChange={(body) => put({ body })}
              onReady={(put_in) => { insert.current = put_in; }}
            />
          </Suspense>
        </div>
        <Text size="xs" c="dimmed">{t('content.editor_hint')}</Text>
        {draft.format !== 'text' && (
          <Switch
            label={t('content.auto_text')}
            description={t('content.auto_text_hint')}
            disabled={readOnly}
            checked={draft.text === null}
            onChange={(event) => put({ text: event.currentTarget.checked ? null : '' })}
          />
        )}
        {draft.format !== 'text' && draft.text !== null && (
          <div className={styles.editor} style={{ height: 220 }}>
            <Suspense fallback={<Skeleton height={220} />}>
              <CodeArea label={t('content.part_text')} value={draft.text} plain readOnly={readOnly} onChange={(text) => put({ text })} />
            </Suspense>
          </div>
        )}
      </Stack>
    </Panel>
  );
}
