import { Anchor, Checkbox, Select, SimpleGrid, Stack } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useKinds } from '../../channels/vocabulary';
import { useUsualPath } from '../../rules/paths';
import { UsualPath } from '../../rules/UsualPath';
import { ArmsEditor } from '../arms/ArmsEditor';
import { Picture } from '../Picture';
import { HopsEditor, useChannelOptions } from './HopsEditor';
import { PurposePick } from './PurposePick';
import { TemplatePick } from './TemplatePick';
import type { StepProps } from './step';

/** What, and by which channels: a published template, its purpose, and where it goes when the first channel fails. */
export function MessageStep({ plan, onChange }: StepProps) {
  const { t } = useTranslation();
  const kinds = useKinds().data ?? [];
  const can = (ability: 'opens' | 'clicks') => kinds.some((one) => one.channel === plan.channel && one.capabilities[ability]);
  const pathed = useUsualPath(plan.message_class, plan.channel).length > 1;
  const inParts = [plan.channel, ...plan.hops.map((hop) => hop.channel)].some((channel) => kinds.some((one) => one.channel === channel && one.capabilities.max_length));
  return (
    <Stack gap="xl">
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl">
        <Stack>
          <Select
            label={t('channels.channel')}
            allowDeselect={false}
            data={useChannelOptions()}
            value={plan.channel}
            onChange={(channel) => channel && onChange({ channel, template_id: null, account_id: null })}
          />
          <PurposePick value={plan.purpose} channels={[plan.channel, ...plan.hops.map((hop) => hop.channel)]} onChange={(purpose) => onChange({ purpose })} />
          <TemplatePick
            label={t('campaigns.template')}
            description={t('campaigns.template_hint')}
            required
            channel={plan.channel}
            value={plan.template_id}
            onChange={(template_id) => onChange({ template_id })}
          />
          <Anchor component={Link} to="/templates/new" search={{ channel: plan.channel } as never} size="sm">{t('campaigns.make_template')}</Anchor>
          {can('opens') && <Checkbox label={t('campaigns.track_opens')} description={t('campaigns.track_opens_hint')} checked={plan.track_opens} onChange={(event) => onChange({ track_opens: event.currentTarget.checked })} />}
          <Checkbox label={t('campaigns.track_clicks')} description={t('campaigns.track_clicks_hint')} checked={plan.track_clicks} onChange={(event) => onChange({ track_clicks: event.currentTarget.checked })} />
          {inParts && <Checkbox label={t('campaigns.split')} description={t('campaigns.split_hint')} checked={plan.split} onChange={(event) => onChange({ split: event.currentTarget.checked })} />}
        </Stack>
        {plan.template_id !== null && <Picture templateId={plan.template_id} />}
      </SimpleGrid>
      <HopsEditor
        channel={plan.channel}
        hops={plan.hops}
        usual={pathed && <UsualPath messageClass={plan.message_class} channel={plan.channel} checked={plan.usual_path} onChange={(usual_path) => onChange({ usual_path })} />}
        onChange={(hops) => onChange({ hops })}
      />
      <ArmsEditor plan={plan} onChange={onChange} />
    </Stack>
  );
}
