import { Group, Select } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useCampaigns, useTemplates } from '../names';
import { EVENT_OPS } from '../tree';
import type { Of } from '../types';
import { ChannelPick, Compared, Said, TopicPick } from './inputs';
import { WindowEditor } from './WindowEditor';
import { useWrong } from './wrong';

interface EditorProps<Kind extends 'consent' | 'reachable' | 'engagement'> {
  node: Of<Kind>;
  onChange: (node: Of<Kind>) => void;
}

const STATES = ['granted', 'withdrawn', 'pending', 'unknown'] as const;
const DEEDS = ['delivered', 'opened', 'clicked', 'replied', 'bounced', 'unsubscribed', 'complained'] as const;

/** "Agreed to offers by e-mail". */
export function ConsentEditor({ node, onChange }: EditorProps<'consent'>) {
  const { t } = useTranslation();
  const wrong = useWrong();
  return (
    <Group gap="xs">
      <Select
        aria-label={t('build.said')}
        w={190}
        allowDeselect={false}
        data={STATES.map((one) => ({ value: one, label: t(`condition.state.${one}`) }))}
        value={node.state ?? 'granted'}
        onChange={(state) => state && onChange({ ...node, state: state as (typeof STATES)[number] })}
      />
      <Said>{t('build.about')}</Said>
      <TopicPick label={t('build.topic')} value={node.topic} error={wrong('topic')} onChange={(topic) => onChange({ ...node, topic })} />
      <Said>{t('build.by_channel')}</Said>
      <ChannelPick label={t('build.channel')} value={node.channel} error={wrong('channel')} onChange={(channel) => onChange({ ...node, channel })} />
    </Group>
  );
}

/** "Can be reached by e-mail about offers". */
export function ReachableEditor({ node, onChange }: EditorProps<'reachable'>) {
  const { t } = useTranslation();
  const wrong = useWrong();
  return (
    <Group gap="xs">
      <Said>{t('build.reached_by')}</Said>
      <ChannelPick label={t('build.channel')} value={node.channel} error={wrong('channel')} onChange={(channel) => onChange({ ...node, channel })} />
      <Said>{t('build.about')}</Said>
      <TopicPick label={t('build.topic')} none={t('build.any_topic')} w={180} value={node.topic ?? ''} error={wrong('topic')} onChange={(topic) => onChange({ ...node, topic: topic || null })} />
    </Group>
  );
}

interface OneOfProps {
  label: string;
  any: string;
  value: number | null | undefined;
  onChange: (id: number | null) => void;
  error: boolean;
  options: { value: string; label: string }[];
}

function OneOf({ label, any, value, onChange, error, options }: OneOfProps) {
  const chosen = value ? String(value) : null;
  const data = chosen && !options.some((one) => one.value === chosen) ? [{ value: chosen, label: `#${chosen}` }, ...options] : options;
  return (
    <Select aria-label={label} placeholder={any} w={190} searchable clearable clearButtonProps={{ 'aria-label': any }} error={error} data={data} value={chosen} onChange={(id) => onChange(id ? Number(id) : null)} />
  );
}

/** "Opened a message by e-mail at least twice, of the campaign Spring, in the last 30 days". */
export function EngagementEditor({ node, onChange }: EditorProps<'engagement'>) {
  const { t } = useTranslation();
  const wrong = useWrong();
  const campaigns = useCampaigns();
  const templates = useTemplates();
  return (
    <Group gap="xs">
      <Select
        aria-label={t('build.deed')}
        w={200}
        allowDeselect={false}
        data={DEEDS.map((one) => ({ value: one, label: t(`condition.did.${one}`) }))}
        value={node.did}
        onChange={(did) => did && onChange({ ...node, did: did as (typeof DEEDS)[number] })}
      />
      <Said>{t('build.by_channel')}</Said>
      <ChannelPick label={t('build.channel')} value={node.channel} error={wrong('channel')} onChange={(channel) => onChange({ ...node, channel })} />
      <Compared label={t('segments.number')} ops={EVENT_OPS} node={{ ...node, op: node.op ?? 'did' }} wrong={wrong} onChange={(part) => onChange({ ...node, ...part })} />
      <WindowEditor window={node.window ?? null} fixed onChange={(window) => onChange({ ...node, window })} />
      {(campaigns || node.campaign_id) && (
        <OneOf
          label={t('build.campaign')}
          any={t('build.any_campaign')}
          value={node.campaign_id}
          error={wrong('campaign_id')}
          options={(campaigns ?? []).map((one) => ({ value: String(one.id), label: one.name }))}
          onChange={(id) => onChange({ ...node, campaign_id: id })}
        />
      )}
      {(templates || node.template_id) && (
        <OneOf
          label={t('build.template')}
          any={t('build.any_template')}
          value={node.template_id}
          error={wrong('template_id')}
          options={(templates ?? []).map((one) => ({ value: String(one.id), label: one.name }))}
          onChange={(id) => onChange({ ...node, template_id: id })}
        />
      )}
    </Group>
  );
}
