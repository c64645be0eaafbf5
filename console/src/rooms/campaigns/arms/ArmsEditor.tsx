import { ActionIcon, Button, Group, NumberInput, Select, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/design/format';
import { IconPlus, IconTrash } from '@/design/icons';
import { useAccounts } from '../../channels/vocabulary';
import styles from '../campaigns.module.css';
import type { Plan } from '../plan';
import { useChannelOptions } from '../steps/HopsEditor';
import type { StepProps } from '../steps/step';
import { TemplatePick } from '../steps/TemplatePick';
import { ChoiceEditor } from './ChoiceEditor';
import { freshArm, MOST_ARMS, NEW_CHOICE, useArmTitle, type Arm } from './arms';

interface OneProps {
  arm: Arm;
  plan: Plan;
  removable: boolean;
  onChange: (arm: Arm) => void;
  onRemove: () => void;
}

function One({ arm, plan, removable, onChange, onRemove }: OneProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const titleOf = useArmTitle(plan.arms);
  const options = useChannelOptions();
  const channel = arm.channel ?? plan.channel;
  const accounts = useAccounts(channel);
  const whole = plan.arms.reduce((sum, one) => sum + (one.weight ?? 1), 0);
  const put = (part: Partial<Arm>) => onChange({ ...arm, ...part });
  return (
    <Stack gap="xs" className={styles.hop} role="group" aria-label={titleOf(arm.key)}>
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" fw={600}>{titleOf(arm.key)} · {format.percent(arm.weight ?? 1, whole)}</Text>
        {removable && <ActionIcon variant="subtle" color="red" aria-label={t('arms.remove', { arm: titleOf(arm.key) })} onClick={onRemove}><IconTrash size={16} /></ActionIcon>}
      </Group>
      <Group align="flex-end">
        <TextInput label={t('arms.title')} w={220} maxLength={200} value={arm.title ?? ''} onChange={(event) => put({ title: event.currentTarget.value })} />
        <NumberInput label={t('arms.weight')} w={110} min={0.1} decimalScale={2} value={arm.weight ?? 1} onChange={(typed) => put({ weight: Number(typed) || 1 })} />
        <TextInput label={t('arms.subject')} placeholder={t('arms.own_subject')} w={300} maxLength={500} value={arm.subject ?? ''} onChange={(event) => put({ subject: event.currentTarget.value || null })} />
      </Group>
      <Group align="flex-end">
        <TemplatePick label={t('campaigns.template')} placeholder={t('arms.same_template')} channel={channel} value={arm.template_id ?? null} onChange={(template_id) => put({ template_id })} />
        <Select label={t('channels.channel')} w={170} allowDeselect={false} data={options} value={channel} onChange={(picked) => picked && put({ channel: picked === plan.channel ? null : picked, template_id: null, account_id: null })} />
        <Select
          label={t('campaigns.sender')}
          placeholder={t('arms.same_sender')}
          clearable
          clearButtonProps={{ 'aria-label': t('common.clear') }}
          w={210}
          data={(accounts.data ?? []).filter((one) => one.enabled).map((one) => ({ value: String(one.id), label: one.name }))}
          value={arm.account_id ? String(arm.account_id) : null}
          onChange={(id) => put({ account_id: id === null ? null : Number(id) })}
        />
      </Group>
    </Stack>
  );
}

/** Several ways of saying it, each told to its part of the people, and how one of them is chosen. */
export function ArmsEditor({ plan, onChange }: StepProps) {
  const { t } = useTranslation();
  const on = plan.arms.length > 0;
  const toggle = (wanted: boolean) => onChange(wanted ? { arms: [freshArm([]), freshArm(['a'])], arm_choice: NEW_CHOICE } : { arms: [], arm_choice: null });
  return (
    <Stack gap="sm">
      <Switch label={t('arms.try')} description={t('arms.try_hint')} checked={on} onChange={(event) => toggle(event.currentTarget.checked)} />
      {plan.arms.map((arm, place) => (
        <One
          key={arm.key}
          arm={arm}
          plan={plan}
          removable={plan.arms.length > 2}
          onChange={(changed) => onChange({ arms: plan.arms.with(place, changed) })}
          onRemove={() => onChange({ arms: plan.arms.toSpliced(place, 1) })}
        />
      ))}
      {on && (
        <Button variant="default" size="xs" w="fit-content" leftSection={<IconPlus size={14} />} disabled={plan.arms.length >= MOST_ARMS} onClick={() => onChange({ arms: [...plan.arms, freshArm(plan.arms.map((arm) => arm.key))] })}>
          {t('arms.add')}
        </Button>
      )}
      {on && <ChoiceEditor plan={plan} onChange={onChange} />}
    </Stack>
  );
}
